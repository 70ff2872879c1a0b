"""Bytes to plain values with the C library msgpack: same contract, same results, but faster.

Only this file knows msgpack. The library has no limit on depth that suits us, gives its own
timestamps where we know none, and crashes the process when extensions nest (each level of them
takes 40 KiB of C stack). So it only gets what cheap tests prove to be harmless, and whatever it
cannot take goes to the decoder in `core`, which decides. That one is slower, and exact.

How the depth is proved. msgpack itself refuses arrays that nest deeper than its own stack, so a
payload that still decodes behind that many array headers less `_SHALLOW` is no deeper than
`_SHALLOW`. Three levels of extensions with that much in each leave a known rest of MAX_DEPTH to
the exact decoder, which takes the payloads of the extensions inside.
"""

import functools
import sys
from collections.abc import Callable
from typing import Any

import msgpack

from remotesvc.core import decoder as exact
from remotesvc.core.budget import MAX_DEPTH, MAX_ELEMENTS, Keys
from remotesvc.core.errors import ProtocolError

__all__ = ["decode"]

Resolve = Callable[[int, tuple[Any, ...]], Any]

# Arrays and maps inside one another that msgpack may build from one payload.
_SHALLOW = 12

# Payloads inside one another that go to msgpack: 3 * 40 KiB fits the smallest usual C stack.
_LEVELS = 3

# Below this, the exact decoder is done before 1,000 array headers are.
_WORTHWHILE = 2048

# Deeper than any msgpack goes; a library without a limit of its own is of no use here.
_DEEPEST = 8192

# Every byte that cannot begin an array, a map or an extension, nor end the head of a timestamp.
_DULL = bytes(
    byte
    for byte in range(256)
    if not (0x80 <= byte < 0xA0 or 0xC7 <= byte < 0xCA or 0xD4 <= byte < 0xD9 or byte >= 0xDC)
    and byte != 0x0C
) + bytes(range(0xE0, 0xFF))

# How a timestamp begins, the size and code -1. Text or numbers may look the same: then the exact
# decoder has the work, that is all.
_TIMESTAMPS = (b"\xd6\xff", b"\xd7\xff", b"\x0c\xff")


def decode(data: bytes, resolve: Resolve | None = None) -> Any:
    """Return the value that `data` holds; raise ProtocolError for anything else.

    The contract of `remotesvc.core.values.decode`: both accept and refuse the same bytes. Only
    `resolve` may be called more than once for one reference.
    """
    # No longer than MAX_ELEMENTS bytes is no more than MAX_ELEMENTS elements. What is longer has
    # few elements per byte (a file) or must be counted one by one: both are for the exact one.
    if len(data) <= MAX_ELEMENTS and _count_headroom() is not None:
        try:
            return _Message(resolve).unpack(bytes(data))
        except ProtocolError:
            raise
        except Exception:  # noqa: BLE001, S110 - whatever it is, the exact decoder says it better
            pass
    return exact.decode(data, resolve)


class _TooDeep(Exception):
    """More than msgpack may have; the exact decoder decides what it is."""


class _Message:
    """One message on its way through msgpack: what its keys may still cost, and the level."""

    __slots__ = ("keys", "level", "options", "resolve")

    def __init__(self, resolve: Resolve | None) -> None:
        self.resolve = resolve
        self.keys = Keys()
        self.level = 0
        self.options: dict[str, Any] = {
            "ext_hook": self.restore,
            "strict_map_key": True,
            "unicode_errors": "surrogatepass",
        }

    def unpack(self, payload: bytes) -> Any:
        """Return the value of a payload of which every byte counts."""
        if len(payload) <= _SHALLOW:
            if b"\xff" in payload:
                raise _TooDeep
            return msgpack.unpackb(payload, **self.options)
        lively = payload.translate(None, _DULL)
        if any(head in lively and head in payload for head in _TIMESTAMPS):
            raise _TooDeep
        if len(lively) <= _SHALLOW:
            return msgpack.unpackb(payload, **self.options)
        return self.unpack_within(payload)

    def unpack_within(self, payload: bytes) -> Any:
        """Unpack behind so many array headers that msgpack has room for `_SHALLOW` more."""
        headroom = _count_headroom()
        if len(payload) < _WORTHWHILE or headroom is None:
            raise _TooDeep
        value = msgpack.unpackb(b"\x91" * (headroom - _SHALLOW) + payload, **self.options)
        for _ in range(headroom - _SHALLOW):
            value = value[0]
        return value

    def restore(self, code: int, payload: bytes) -> Any:
        """Return the value of an extension (msgpack calls this for each)."""
        if 0xC7 <= payload[0] < 0xCA or 0xD4 <= payload[0] < 0xD9:
            raise _TooDeep  # an extension in an extension
        self.level += 1
        if self.level < _LEVELS:
            fields = self.unpack(payload)
        else:
            fields = exact.decode_part(payload, self.resolve, self.keys, _SHALLOW * _LEVELS)
        self.level -= 1
        return exact.restore(code, fields, self.resolve, self.keys)
