"""Bytes that are made to hurt whoever decodes them, each with what is wrong with it."""

import functools
import sys
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from itertools import chain
from typing import Any

from remotesvc.core import extensions
from remotesvc.core.values import MAX_ELEMENTS, MAX_KEYS, MAX_SCALAR_BYTES, encode

__all__ = [
    "BOMBS",
    "colliding_integers",
    "converted",
    "extension",
    "keyed",
    "names_below",
    "nest",
    "nest_extensions",
]

# What Python hashes numbers by: n and n + PRIME have one hash.
PRIME = sys.hash_info.modulus


def extension(code: int, payload: bytes) -> bytes:
    """Return an extension with the longest form of a header."""
    return b"\xc9" + len(payload).to_bytes(4, "big") + bytes((code,)) + payload


def nest(depth: int, head: bytes) -> bytes:
    """Return `depth` containers of one item inside one another."""
    return head * depth + b"\xc0"


def nest_extensions(depth: int, code: int) -> bytes:
    """Return `depth` extensions inside one another, each around an array of one item."""
    heads = [
        b"\xc9" + (1 + 7 * level + 1).to_bytes(4, "big") + bytes((code, 0x91))
        for level in range(depth)
    ]
    return b"".join(reversed(heads)) + b"\xc0"


def nest_bare_extensions(depth: int, code: int) -> bytes:
    """Return `depth` extensions, each the very payload of the one around it."""
    heads = [
        b"\xc9" + (6 * level + 1).to_bytes(4, "big") + bytes((code,)) for level in range(depth)
    ]
    return b"".join(reversed(heads)) + b"\xc0"


def colliding_integers(count: int, size: int = 20) -> list[int]:
    """Return integers of about `size` bytes that have one hash."""
    first = (1 << 8 * size) // PRIME * PRIME + 3
    return [first + number * PRIME for number in range(count)]


def keyed(code: int, keys: list[Any]) -> bytes:
    """Return a set, or a dict, with these keys; nothing here hashes them."""
    if code == extensions.DICT:
        keys = [one for key in keys for one in (key, None)]
    head = b"\xdd" + len(keys).to_bytes(4, "big")
    return extension(code, head + b"".join(map(encode, keys)))


@functools.cache
def converted() -> "list[Any]":
    """Return keys that collide: a Decimal converts each of the integers, in quadratic time."""
    return [*colliding_integers(3, 65_000), *(Decimal(3 + PRIME * n) for n in range(1, 4_000))]


_CODES = {"set": extensions.SET, "frozenset": extensions.FROZENSET, "dict": extensions.DICT}

_SMALL: dict[str, bytes] = {
    "nothing": b"",
    "no value": b"\xc1",
    "two values": b"\xc0\xc0",
    "a pickle": b"\x80\x04\x95\x1a\x00\x00\x00\x00\x00\x00\x00\x8c\x02os\x94\x8c\x05_exit\x94"
    b"\x93\x94K\x01\x85\x94R\x94.",
    "an old pickle": b"cos\n_exit\n(I1\ntR.",
    "no UTF-8": b"\xa2\xff\xfe",
    "a number as key": b"\x81\x01\x01",
    "a list as key": b"\x81\x90\x01",
    "a list as member": keyed(extensions.SET, [[]]),
    "a dict without a value": extension(extensions.DICT, b"\x91\x01"),
    "an unknown extension": extension(99, b"\xc0"),
    "an empty extension": b"\xc7\x00\x01",
    "a wrong payload": extension(extensions.TUPLE, b"\xa1x"),
    "a reference": extension(extensions.SENDER, b"\x90"),
    "an array that is only claimed": b"\xdd\xff\xff\xff\xff",
    "a map that is only claimed": b"\xdf\xff\xff\xff\xff",
    "a text that is only claimed": b"\xdb\xff\xff\xff\xff",
    "bytes that are only claimed": b"\xc6\xff\xff\xff\xff",
    "an extension that is only claimed": b"\xc9\xff\xff\xff\xff\x01",
    "arrays that claim more and more": b"\xdd\x00\x40\x00\x00" * 60,
    "maps that claim more and more": b"\xdf\x00\x20\x00\x00\xa0" * 60,
    "an integer too long": extension(
        extensions.BIG_INTEGER, encode(b"\x7f" * (MAX_SCALAR_BYTES + 1))
    ),
    "a Decimal too long": extension(extensions.LIBRARY[4], encode("1" * (MAX_SCALAR_BYTES + 1))),
    "a path too long": extension(extensions.LIBRARY[5], encode("x/" * MAX_SCALAR_BYTES)),
    "a Decimal that is none": extension(extensions.LIBRARY[4], encode("\x1b[2J")),
    "a Decimal that has no hash": keyed(extensions.SET, [Decimal("sNaN")]),
    "a date beyond all years": extension(extensions.LIBRARY[1], encode([1 << 40, 1, 1])),
    "a date of one argument": extension(extensions.LIBRARY[1], encode([b"\x07\xe8\x02\x1d"])),
    "a zone beyond a day": extension(
        extensions.LIBRARY[0], encode([2024, 1, 1, 0, 0, 0, 0, 0, 1 << 60, "x"])
    ),
    "a time span beyond all": extension(extensions.LIBRARY[3], encode([1 << 62, 0, 0])),
    "a UUID of one byte": extension(extensions.LIBRARY[6], encode(b"x")),
    **{f"{d} arrays": nest(d, b"\x91") for d in (200, 100_000)},
    **{f"{d} maps": nest(d, b"\x81\xa0") for d in (200, 100_000)},
    **{
        f"{d} extensions {code} of arrays": nest_extensions(d, code)
        for d in (200, 100_000)
        for code in (extensions.TUPLE, extensions.FROZENSET, 99)
    },
    **{f"{d} bare extensions": nest_bare_extensions(d, 1) for d in (200, 100_000)},
    "more keys than a message may have": keyed(
        extensions.SET, [(number,) for number in range(MAX_KEYS + 1)]
    ),
}

# To make these takes a while.
_LARGE: dict[str, Callable[[], bytes]] = {
    "too many elements": lambda: (
        2 * (b"\xdd" + (MAX_ELEMENTS // 2 + 1).to_bytes(4, "big"))
        + b"\xc0" * (MAX_ELEMENTS // 2 + 1)
    ),
    **{
        f"6,000 colliding integers in a {name}": lambda code=code: keyed(  # type: ignore[misc]
            code, colliding_integers(6_000)
        )
        for name, code in _CODES.items()
    },
    **{
        f"long integers to convert in a {name}": lambda code=code: keyed(  # type: ignore[misc]
            code, converted()
        )
        for name, code in _CODES.items()
    },
}


class _Bombs(Mapping[str, bytes]):
    """All of them by name; the large ones are made when somebody wants them."""

    def __getitem__(self, name: str) -> bytes:
        return _SMALL[name] if name in _SMALL else _make(name)

    def __iter__(self) -> Iterator[str]:
        return chain(_SMALL, _LARGE)

    def __len__(self) -> int:
        return len(_SMALL) + len(_LARGE)


BOMBS = _Bombs()


def names_below(size: int) -> list[str]:
    """Return the names of those of fewer bytes; the large ones have more than is asked for."""
    return [name for name, bomb in _SMALL.items() if len(bomb) < size]


@functools.cache
def _make(name: str) -> bytes:
    return _LARGE[name]()
