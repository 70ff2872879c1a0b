"""Plain values for tests: how to compare them exactly, how to draw them, how to draw wire bytes.

`shape` tells apart what `==` does not: 1, 1.0 and True, 0.0 and -0.0, list and tuple; and it
finds one NaN equal to another.
"""

import datetime
import pathlib
import struct
from typing import Any

from hypothesis import strategies as st

from remotesvc import Secret

__all__ = ["Live", "containers", "plain_values", "shape", "wire_trees"]


class Live:
    """Something live that travels as a reference."""

    def __init__(self, code: int, fields: tuple[Any, ...]) -> None:
        self.code = code
        self.fields = fields

    def __wire__(self) -> tuple[int, tuple[Any, ...]]:
        return self.code, self.fields


def shape(value: Any) -> Any:
    """Return a text for a scalar, a nested list for a container: equal for the same value."""
    kind = type(value).__name__
    if isinstance(value, Secret):
        return [kind, value.reveal()]
    if isinstance(value, Live):
        return [kind, value.code, shape(value.fields)]
    if isinstance(value, float):
        return [kind, "nan" if value != value else struct.pack(">d", value).hex()]
    if isinstance(value, complex):
        return [kind, shape(value.real), shape(value.imag)]
    if isinstance(value, (list, tuple)):
        return [kind, [shape(item) for item in value]]
    if isinstance(value, dict):
        return [kind, [[shape(key), shape(item)] for key, item in value.items()]]
    if isinstance(value, (set, frozenset)):
        return [kind, sorted((shape(item) for item in value), key=repr)]
    if isinstance(value, (datetime.datetime, datetime.time)):
        return [kind, value.isoformat(), value.fold, value.tzname()]
    return [kind, repr(value) if not isinstance(value, int) else hex(value)]


# Whole minutes, as Python 3.6 wants them.
_ZONES = st.none() | st.builds(
    datetime.timezone,
    st.integers(-1439, 1439).map(lambda minutes: datetime.timedelta(minutes=minutes)),
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=9),
)
_TEXTS = st.text(st.characters(), max_size=40)  # lone surrogates too

_HASHABLE_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-(1 << 70), 1 << 70),
    st.floats(),
    st.complex_numbers(),
    _TEXTS,
    st.binary(max_size=40),
    _TEXTS.map(Secret),
    st.dates(),
    st.datetimes(timezones=_ZONES),
    st.times(timezones=_ZONES),
    st.timedeltas(),
    st.decimals().filter(lambda number: not number.is_snan()),
    st.uuids(),
    st.text(st.characters(), max_size=20).map(pathlib.PurePosixPath),
)
_SCALARS = _HASHABLE_SCALARS | st.binary(max_size=40).map(bytearray)
_KEYS = st.recursive(
    _HASHABLE_SCALARS,
    lambda keys: st.lists(keys, max_size=3).map(tuple) | st.frozensets(keys, max_size=3),
    max_leaves=4,
)


def containers(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return a strategy for containers of `values`, of every kind that travels."""
    return st.one_of(
        st.lists(values, max_size=20),
        st.lists(values, max_size=4).map(tuple),
        st.lists(st.lists(values, max_size=3).map(tuple), max_size=4),
        st.dictionaries(_TEXTS, values, max_size=20),
        st.dictionaries(_KEYS, values, max_size=4),
        st.sets(_KEYS, max_size=4),
        st.frozensets(_KEYS, max_size=4),
    )


plain_values = st.recursive(_SCALARS, containers, max_leaves=30)


def _head(first: int, size: int, wide: bool) -> bytes:
    return bytes((first,)) + size.to_bytes(4 if wide else 2, "big")


def _array(items: list[bytes]) -> bytes:
    return _head(0xDC, len(items), False) + b"".join(items)


def _short_array(items: list[bytes]) -> bytes:
    return bytes((0x90 | len(items),)) + b"".join(items)


def _map(items: list[bytes]) -> bytes:
    return _head(0xDF, len(items) // 2, True) + b"".join(items[: len(items) // 2 * 2])


def _extension(code: int, payload: bytes) -> bytes:
    return b"\xc8" + len(payload).to_bytes(2, "big") + bytes((code,)) + payload


def _fixed_extension(code: int, payload: bytes) -> bytes:
    sizes = {1: 0xD4, 2: 0xD5, 4: 0xD6, 8: 0xD7, 16: 0xD8}
    if len(payload) not in sizes:
        return _extension(code, payload)
    return bytes((sizes[len(payload)], code)) + payload


# Codes that are known, seldom others; never -1, in which the two decoders differ by contract.
_CODES = st.integers(1, 16) | st.integers(32, 34) | st.integers(0, 254)
_WIRE_SCALARS = st.one_of(
    st.sampled_from([b"\xc0", b"\xc2", b"\xc3", b"\x01", b"\xff", b"\xc1", b"\xa0", b"\xc4\x00"]),
    st.binary(min_size=1, max_size=31).map(lambda raw: bytes((0xA0 | len(raw),)) + raw),
    st.text(max_size=9).map(lambda text: bytes((0xA0 | len(text.encode()[:31]),)) + text.encode()),
    st.binary(max_size=40).map(lambda raw: _head(0xC5, len(raw), False) + raw),
    st.binary(max_size=40).map(lambda raw: _head(0xDB, len(raw), True) + raw),
    st.binary(min_size=8, max_size=8).map(lambda raw: b"\xcb" + raw),
    st.binary(min_size=4, max_size=4).map(lambda raw: b"\xca" + raw),
    st.tuples(st.integers(0xCC, 0xD3), st.binary(min_size=8, max_size=8)).map(
        lambda drawn: bytes((drawn[0],)) + drawn[1][: 1 << (drawn[0] & 3)]
    ),
)

# Bytes that are nearly MessagePack, of all forms and much nested, known extensions mostly.
wire_trees = st.recursive(
    _WIRE_SCALARS,
    lambda trees: st.one_of(
        st.lists(trees, max_size=6).map(_array),
        st.lists(trees, max_size=15).map(_short_array),
        st.lists(trees, max_size=6).map(_map),
        st.builds(_extension, _CODES, trees),
        st.builds(_fixed_extension, _CODES, trees),
    ),
    max_leaves=20,
)
