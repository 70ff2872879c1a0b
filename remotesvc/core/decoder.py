"""Bytes to plain values, in pure Python; see `values` for the format.

Nothing is recursive: depth costs no stack. Nothing is allocated because a header claims it.
"""

import struct

from .budget import MAX_DEPTH, MAX_ELEMENTS, RANDOM_HASH, Keys
from .errors import ProtocolError
from .extensions import join

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional, Tuple

    from .extensions import Resolve

    Head = Tuple[int, Any, int, int]

__all__ = ["decode", "decode_part"]


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
    except (IndexError, struct.error) as error:
        raise ProtocolError("malformed value: ends early, after %d bytes" % len(data)) from error
    except Exception as error:  # from joining: any type, any text; nothing else may come out
        kind = type(error).__name__
        text = "malformed value near byte %d of %d: %s: %s" % (reader.pos, len(data), kind, error)
        raise ProtocolError(text) from error


# What a token opens; from 0 on it is the code of an extension.
_ARRAY, _MAP, _EXTENSION, _BIN, _TEXT, _SCALAR, _WHOLE = range(-7, 0)

_CONSTANTS = {0xC0: None, 0xC2: False, 0xC3: True}

# First byte to (number or size that follows it, what that is); fixext has its size in the byte.
_FORMS = {
    first + step: (struct.Struct(">" + letter), shape)
    for first, letters, shape in (
        (0xC4, "BHI", _BIN),
        (0xC7, "BHI", _EXTENSION),
        (0xCA, "fdBHIQbhiq", _SCALAR),
        (0xD9, "BHI", _TEXT),
        (0xDC, "HI", _ARRAY),
        (0xDE, "HI", _MAP),
    )
    for step, letter in enumerate(letters)
}


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
        items: "List[Any]" = []
        missing, shape, end = 1, _WHOLE, len(data)
        enclosing: "List[Tuple[List[Any], int, int, int]]" = []
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
        if shape <= _MAP:
            self.depth -= 1
            return items if shape == _ARRAY else _make_dict(items)
        if pos != end:
            raise ValueError("a value ends at byte %d instead of %d" % (pos, end))
        return items[0] if shape == _WHOLE else join(shape, items[0], self.resolve, self.keys)

    def read_head(self, byte: "int", pos: "int") -> "Head":
        """Return (shape, scalar or number of items, position after it, end of an extension)."""
        self.pos = pos
        if byte >= 0xE0:
            return _SCALAR, byte - 256, pos, 0
        if 0xC0 <= byte < 0xC4:
            return _SCALAR, _CONSTANTS[byte], pos, 0
        if byte < 0xA0:
            return self.open(_ARRAY if byte & 16 else _MAP, byte & 15, pos)
        if 0xD4 <= byte < 0xD9:
            return self.open(_EXTENSION, 1 << (byte - 0xD4), pos)
        form, shape = _FORMS[byte]
        number = form.unpack_from(self.data, pos)[0]
        pos += form.size
        return (shape, number, pos, 0) if shape == _SCALAR else self.open(shape, number, pos)

    def open(self, shape: "int", size: "int", pos: "int") -> "Head":
        """Check and count what is announced before anything is made for it."""
        if shape <= _MAP:
            self.depth += 1
            size <<= shape == _MAP
            self.left -= size
        end = pos + size
        if shape == _EXTENSION:
            self.left -= 2
            end += 1
        if end > len(self.data):
            raise IndexError
        if self.depth > MAX_DEPTH or self.left < 0:
            raise ValueError("over %d deep or %d elements" % (MAX_DEPTH, MAX_ELEMENTS))
        if shape <= _MAP:
            return shape, size, pos, 0
        if shape == _EXTENSION:
            return self.data[pos], 1, pos + 1, end
        raw = self.data[pos:end]
        return _SCALAR, raw if shape == _BIN else raw.decode("utf-8", "surrogatepass"), end, 0


def _make_dict(flat: "List[Any]") -> "Dict[Any, Any]":
    keys = flat[::2]
    if not RANDOM_HASH.issuperset(map(type, keys)):
        raise ValueError("a key of a map is neither text nor bytes")
    return dict(zip(keys, flat[1::2]))
