"""Bytes to plain values with the C library msgpack: same contract, same results, only faster.

Only this file knows msgpack. The library has no limit on depth that suits us, makes timestamps
of its own, and `unpackb` crashes the process when extensions nest: each level of them takes
40 KiB of C stack. So it only gets what cheap tests prove to be harmless. Whatever else
comes, and whatever it cannot take, goes to the decoder in `core`, which is slower and exact: the
one that says what is wrong.

How depth is proved. Depth is at most the number of bytes that could begin a container: enough
for short payloads. A long one is put behind so many array headers that msgpack itself, which
refuses what nests deeper than its own stack, has room for `_SHALLOW` more. Payloads within
payloads are taken so up to `_LEVELS`, all but the outermost by an Unpacker, which has its 40 KiB
on the heap: who calls may be a thread with a stack of 64 KiB. The exact decoder takes what is
inside of those and knows that `_LEVELS * _SHALLOW` of MAX_DEPTH may be used up.
"""

import functools
import sys
import types
from collections.abc import Callable
from typing import Any

import msgpack

from remotesvc.core import decoder as exact
from remotesvc.core.budget import MAX_ELEMENTS, Keys
from remotesvc.core.errors import ProtocolError
from remotesvc.core.extensions import join

__all__ = ["decode"]

Resolve = Callable[[int, tuple[Any, ...]], Any]

# Arrays and maps inside one another that msgpack may build from one payload.
_SHALLOW = 12

# Payloads inside one another that msgpack may take.
_LEVELS = 3

# Below this many bytes the exact decoder is done sooner than a thousand array headers are.
_WORTHWHILE = 2048

# msgpack's own limit is 1,024 as of 1.2; one that goes deeper than this has none.
_DEEPEST = 8192

_CONTAINERS = {*range(0x80, 0xA0), *range(0xC7, 0xCA), *range(0xD4, 0xD9), *range(0xDC, 0xE0)}
_EXTENSIONS = {*range(0xC7, 0xCA), *range(0xD4, 0xD9)}
_SCALARS = bytes(set(range(256)) - _CONTAINERS)


def decode(data: bytes, resolve: Resolve | None = None, keys: Keys | None = None) -> Any:
    """Return the value that `data` holds; raise ProtocolError for anything else.

    `keys` is what its keys may cost; by default what those of a result may.

    The contract of `remotesvc.core.values.decode`, and both accept and refuse the same bytes,
    but for two things: `resolve` may be called more than once for one reference, and a timestamp
    of MessagePack itself (extension -1), which msgpack never shows us and remotesvc never sends,
    becomes a float of seconds here and is refused there.
    """
    # A number, a text, the bytes of a file: nothing in it to be found out.
    if data and data[0] not in _CONTAINERS:
        return _decode_scalar(data)
    # No more bytes than MAX_ELEMENTS cannot hold more elements. What is longer holds few of them
    # (a file), or they must be counted: both are for the exact decoder.
    if len(data) <= MAX_ELEMENTS and _count_room() is not None:
        message = _Message(resolve, len(data), keys)
        try:
            return message.unpack(bytes(data))
        except ProtocolError:
            raise
        except Exception:  # noqa: BLE001, S110 - whatever it is, the exact decoder knows better
            pass
        finally:
            # They hold the message by its hook: their buffers would stay until a collection.
            message.unpackers.clear()
    return exact.decode_part(data, resolve, Keys() if keys is None else keys, 0)


def _decode_scalar(data: bytes) -> Any:
    """Return what is no container: what most calls return, at a fifth of what exactness costs."""
    if _count_room() is not None:
        try:
            return msgpack.unpackb(data, unicode_errors="surrogatepass")
        except Exception:  # noqa: BLE001, S110 - whatever it is, the exact decoder knows better
            pass
    return exact.decode(data)


class _Doubtful(Exception):
    """Not proved to be harmless; the exact decoder decides what it is."""


class _Message:
    """One message on its way through msgpack: what its keys may still cost, and the level."""

    __slots__ = ("keys", "level", "options", "resolve", "size", "unpackers")

    def __init__(self, resolve: Resolve | None, size: int, keys: Keys | None) -> None:
        self.resolve = resolve
        self.size = size
        self.keys = Keys() if keys is None else keys
        self.level = 0
        # By level, from 1 on; each is made once and serves all payloads of its level.
        self.unpackers: list[Any] = []
        self.options: dict[str, Any] = {
            "ext_hook": self.restore,
            "strict_map_key": True,
            "timestamp": 1,  # a float: plain, whoever sent it
            "unicode_errors": "surrogatepass",
        }

    def unpack(self, payload: bytes) -> Any:
        """Return the value that a payload holds, all of it."""
        if len(payload) > _SHALLOW and len(payload.translate(None, _SCALARS)) > _SHALLOW:
            return self.unpack_long(payload)
        return self.unpack_shallow(payload)

    def unpack_long(self, payload: bytes) -> Any:
        room = _count_room()
        if len(payload) < _WORTHWHILE or room is None:
            raise _Doubtful
        value = self.unpack_shallow(b"\x91" * (room - _SHALLOW) + payload)
        for _ in range(room - _SHALLOW):
            value = value[0]
        return value

    def unpack_shallow(self, payload: bytes) -> Any:
        """Return what a payload holds that is proved not to nest deeper than msgpack can."""
        if self.level == 0:
            return msgpack.unpackb(payload, **self.options)
        if len(self.unpackers) < self.level:
            # Nothing in it can be larger than the message with the headers in front.
            limit = self.size + _DEEPEST
            self.unpackers.append(msgpack.Unpacker(max_buffer_size=limit, **self.options))
        unpacker = self.unpackers[self.level - 1]
        end = unpacker.tell() + len(payload)
        unpacker.feed(payload)
        value = unpacker.unpack()
        if unpacker.tell() != end:
            raise _Doubtful
        return value

    def restore(self, code: int, payload: bytes) -> Any:
        """Return the value of an extension: msgpack calls this for each but its timestamps."""
        if payload[0] in _EXTENSIONS:
            raise _Doubtful
        self.level += 1
        if self.level < _LEVELS:
            inner = self.unpack(payload)
        else:
            inner = exact.decode_part(payload, self.resolve, self.keys, _LEVELS * _SHALLOW)
        self.level -= 1
        return join(code, inner, self.resolve, self.keys)


@functools.cache
def _count_room() -> int | None:
    """Return how many arrays within one another msgpack takes; None if it is of no use here.

    Of no use is its fallback in Python, which is no faster and recurses, and the C version on
    an interpreter that never frees an interned text: msgpack interns all keys, so a child could
    fill the memory of this process for good (CPython 3.12.0 to 3.12.6, issue 113993).
    """
    interned = sys.intern("".join(("made here, ", "so nobody else holds it")))
    if sys.getrefcount(interned) > 1000 or isinstance(msgpack.unpackb, types.FunctionType):
        return None
    low, high = _SHALLOW, _DEEPEST
    if not _takes(low) or _takes(high):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _takes(middle) else (low, middle)
    return low


def _takes(depth: int) -> bool:
    try:
        msgpack.unpackb(b"\x91" * depth + b"\xc0")
    except ValueError:
        return False
    return True
