"""Batches: many small values as one MessagePack array, at tens of nanoseconds each. Pure.

What is in a batch is what `core/values` would have made of the list, and is read as that, byte by
byte, if need be. Whole numbers, and floats, that stand alone in one are written and read by
`struct`, all with the same opcode: ten times as fast as one by one.
"""

import struct
from itertools import groupby

from ..core.values import encode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, List, Optional

__all__ = ["SHORT", "UNIT", "Encoded", "pack", "unpack", "weigh"]

# The room in a batch is counted in these: bytes that a number takes at most.
UNIT = 9

# Characters of a text, or bytes, that still go into a batch.
SHORT = 1024

# An array with u16 elements: it takes 16 KiB of one byte each.
_HEAD = struct.Struct(">BH")
_ARRAY = 0xDC

# Opcode of one number, how `struct` calls it, bytes: in the order in which they are tried.
_WHOLE = ((0xCD, "H", 2), (0xCE, "I", 4), (0xD3, "q", 8))
_FLOAT = (0xCB, "d", 8)
_FORMS = {form[0]: form for form in (*_WHOLE, _FLOAT)}

# Below this many the ordinary way is as fast.
_FEW = 16


class Encoded(bytes):
    """A value that was encoded when it was sent, since it may change or hold what changes."""

    __slots__ = ()


def weigh(value: "Any") -> "int":
    """Return how many units a value takes that needs not be encoded at once, 0 if it does."""
    kind = type(value)
    if kind is int:
        return 1 if -(1 << 63) <= value < 1 << 64 else 0
    if kind is float or kind is bool or value is None:
        return 1
    if kind is str and len(value) <= SHORT:
        return 2 + len(value) * 4 // UNIT  # UTF-8, and a head
    if (kind is bytes or kind is Encoded) and len(value) <= SHORT:
        return 2 + len(value) // UNIT
    return 0


def pack(values: "List[Any]") -> "bytes":
    """Return the batch of these values, each of which has a weight."""
    return _HEAD.pack(_ARRAY, len(values)) + _pack_body(values)


def _pack_body(values: "List[Any]") -> "bytes":
    kinds = set(map(type, values))
    if Encoded in kinds:
        parts = groupby(values, lambda value: type(value) is Encoded)
        return b"".join(
            b"".join(part) if is_encoded else _pack_body(list(part)) for is_encoded, part in parts
        )
    if len(values) >= _FEW and len(kinds) == 1:
        if int in kinds:
            for form in _WHOLE:
                try:
                    return _pack_numbers(values, form)
                except struct.error:
                    continue  # one of them is too large
        elif float in kinds:
            return _pack_numbers(values, _FLOAT)
    return encode(values)[1 if len(values) < 16 else _HEAD.size :]


def _pack_numbers(values: "List[Any]", form: "Any") -> "bytes":
    code, letter, width = form
    count = len(values)
    raw = struct.pack(">%d%s" % (count, letter), *values)
    body = bytearray(count * (1 + width))
    body[:: 1 + width] = bytes((code,)) * count
    for place in range(width):
        body[1 + place :: 1 + width] = raw[place::width]
    return bytes(body)


def unpack(data: "bytes", decode: "Callable[[bytes], Any]") -> "List[Any]":
    """Return the values of a batch, as `decode(data)` does; ValueError if it is no list."""
    numbers = _unpack_numbers(data)
    values = decode(data) if numbers is None else numbers
    if type(values) is not list:
        raise ValueError("a batch that is no list")
    return values


def _unpack_numbers(data: "bytes") -> "Optional[List[Any]]":
    """Return the numbers of a batch if they all have the same opcode, else None."""
    form = _FORMS.get(data[_HEAD.size]) if len(data) > _HEAD.size else None
    if form is None:
        return None
    opcode, letter, width = form
    first, count = _HEAD.unpack_from(data)
    body = data[_HEAD.size :]
    if first != _ARRAY or len(body) != count * (1 + width):
        return None
    if body[:: 1 + width] != bytes((opcode,)) * count:
        return None
    raw = bytearray(count * width)
    for place in range(width):
        raw[place::width] = body[1 + place :: 1 + width]
    return list(struct.unpack(">%d%s" % (count, letter), raw))
