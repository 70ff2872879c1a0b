"""Bytes to plain values, in pure Python; see `values` for the format.

Nothing is recursive: depth costs no stack. Nothing is allocated because a header claims it.
"""

import struct

from .budget import MAX_DEPTH, MAX_ELEMENTS, MAX_SCALAR_BYTES, RANDOM_HASH, Keys
from .errors import ProtocolError
from .extensions import BIG_INTEGER, DECIMAL, PATH, REFERENCES, join

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, List, Optional, Tuple

    Resolve = Callable[[int, Tuple[Any, ...]], Any]
    Head = Tuple[int, Any, int, int]

__all__ = ["decode", "decode_part", "restore"]

_SCALARS = (BIG_INTEGER, DECIMAL, PATH)


def decode(data: "bytes", resolve: "Optional[Resolve]" = None) -> "Any":
    """Return the value that `data` holds, all of it.

    Raises ProtocolError for anything else, and nothing but that, whatever the bytes. A
    reference to something live is handed to `resolve(code, fields)`; without it such a
    reference is an error.
    """
    return decode_part(data, resolve, Keys(), 0)


def decode_part(data: "bytes", resolve: "Optional[Resolve]", keys: "Keys", depth: "int") -> "Any":
    """Decode what was found inside of a message: `depth` deep, with what is left of `keys`."""
    reader = _Reader(data, resolve, keys, depth)
    try:
        return reader.read()
    except ProtocolError:
        raise
    except IndexError as error:
        raise ProtocolError("malformed value: ends early, after %d bytes" % len(data)) from error
    except Exception as error:  # from joining: any type, any text; nothing else may come out
        text = "malformed value: %s (near byte %d of %d)" % (error, reader.pos, len(data))
        raise ProtocolError(text) from error


def restore(code: "int", fields: "Any", resolve: "Optional[Resolve]", keys: "Keys") -> "Any":
    """Return the value of an extension from its decoded payload; may raise anything."""
    if code in REFERENCES:
        if resolve is None or type(fields) is not list:
            raise ProtocolError("a reference (extension %d) does not belong here" % code)
        return resolve(code, tuple(fields))
    if code in _SCALARS and len(fields) > MAX_SCALAR_BYTES:
        raise ProtocolError("extension %d is longer than %d bytes" % (code, MAX_SCALAR_BYTES))
    return join(code, fields, keys.charge)


_ARRAY, _MAP, _SCALAR, _WHOLE = range(-4, 0)  # shapes; from 0 on it is an extension's code

_CONSTANTS = {0xC0: None, 0xC2: False, 0xC3: True}
_SIZED = (0xDE, 0xDC, 0xD9, 0xC7, 0xC4)  # first opcodes of map, array, str, ext, bin
_NUMBERS = tuple(struct.Struct(">" + form) for form in "fdBHIQbhiq")


class _Reader(object):
    """One pass over the bytes of one value, without recursion: depth costs no stack."""

    __slots__ = ("data", "depth", "keys", "left", "pos", "resolve")

    def __init__(
        self, data: "bytes", resolve: "Optional[Resolve]", keys: "Keys", depth: "int"
    ) -> "None":
        self.data = data
        self.depth = depth
        self.keys = keys
        self.left = MAX_ELEMENTS
        self.pos = 0
        self.resolve = resolve

    def read(self) -> "Any":
        """Collect items until the enclosing shape has all of its own, then close that one."""
        data = self.data
        pos = 0
        items = []  # type: List[Any]
        missing, shape, end = 1, _WHOLE, len(data)
        enclosing = []  # type: List[Tuple[List[Any], int, int, int]]
        while True:
            byte = data[pos]
            pos += 1
            if byte < 0x80:
                items.append(byte)
                missing -= 1
            elif 0xA0 <= byte < 0xC0:
                stop = pos + byte - 0xA0
                items.append(data[pos:stop].decode("utf-8", "surrogatepass"))
                pos = stop
                missing -= 1
            else:
                kind, value, pos, stop = self.read_head(byte, pos)
                if kind == _SCALAR:
                    items.append(value)
                    missing -= 1
                else:
                    if kind >= 0 <= shape:
                        raise ValueError("an extension is the payload of another")
                    enclosing.append((items, missing, shape, end))
                    items, missing, shape, end = [], value, kind, stop
            while not missing:
                value = self.close(shape, items, pos, end)
                if shape == _WHOLE:
                    return value
                items, missing, shape, end = enclosing.pop()
                items.append(value)
                missing -= 1

    def close(self, shape: "int", items: "List[Any]", pos: "int", end: "int") -> "Any":
        """Return the value of a shape that is complete."""
        self.pos = pos
        if shape < _SCALAR:
            self.depth -= 1
            return items if shape == _ARRAY else _make_dict(items)
        if pos != end:
            raise ValueError("a value ends at byte %d instead of %d" % (pos, end))
        return items[0] if shape == _WHOLE else restore(shape, items[0], self.resolve, self.keys)

    def read_head(self, byte: "int", pos: "int") -> "Head":
        """Return (shape, scalar or number of items, position after it, end of an extension)."""
        if byte >= 0xE0:
            return _SCALAR, byte - 256, pos, 0
        if byte < 0xA0:
            return self.open(_ARRAY if byte & 16 else _MAP, byte & 15, pos)
        if byte in _CONSTANTS:
            return _SCALAR, _CONSTANTS[byte], pos, 0
        if 0xCA <= byte <= 0xD3:
            form = _NUMBERS[byte - 0xCA]
            return _SCALAR, form.unpack_from(self.data, pos)[0], pos + form.size, 0
        if 0xD4 <= byte <= 0xD8:
            return self.open_extension(1 << (byte - 0xD4), pos)
        if byte == 0xC1:
            raise ValueError("byte C1 begins no value")
        return self.read_sized(byte, pos)

    def read_sized(self, byte: "int", pos: "int") -> "Head":
        """Read what has its size before it; a form's bytes of size are 1, 2, 4 in a row."""
        first = next(first for first in _SIZED if byte >= first)
        # Arrays and maps have no form with one byte of size.
        start = pos + (1 << (byte - first + (first >= 0xDC)))
        size = int.from_bytes(self.take(pos, start), "big")
        if first >= 0xDC:
            return self.open(_ARRAY if first == 0xDC else _MAP, size, start)
        if first == 0xC7:
            return self.open_extension(size, start)
        raw = self.take(start, start + size)
        text = raw if first == 0xC4 else raw.decode("utf-8", "surrogatepass")
        return _SCALAR, text, start + size, 0

    def take(self, start: "int", stop: "int") -> "bytes":
        if stop > len(self.data):
            raise IndexError
        return self.data[start:stop]

    def open(self, shape: "int", size: "int", pos: "int") -> "Head":
        """Count the elements of an array or a map before anything is made for them."""
        elements = size if shape == _ARRAY else 2 * size
        if elements > len(self.data) - pos:
            raise IndexError
        self.spend(elements)
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise ValueError("over %d deep" % MAX_DEPTH)
        return shape, elements, pos, 0

    def open_extension(self, size: "int", pos: "int") -> "Head":
        self.spend(2)
        code = self.take(pos, pos + 1 + size)[0]
        return code, 1, pos + 1, pos + 1 + size

    def spend(self, elements: "int") -> "None":
        self.left -= elements
        if self.left < 0:
            raise ValueError("over %d elements" % MAX_ELEMENTS)


def _make_dict(flat: "List[Any]") -> "Dict[Any, Any]":
    keys = flat[::2]
    if not RANDOM_HASH.issuperset(map(type, keys)):
        raise ValueError("a map's key is neither text nor bytes")
    return dict(zip(keys, flat[1::2]))  # noqa: B905 - Python 3.6 has no strict=
