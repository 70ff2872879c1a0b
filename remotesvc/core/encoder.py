"""Plain values to bytes; see `values` for the format.

Written for speed in pure Python, because every child encodes its results with it: one list of
chunks, joined once; one dict from type to method; small numbers and short texts, which most
results are made of, take no call at all.
"""

import struct
from itertools import chain

from . import extensions
from .budget import MAX_DEPTH, MAX_ELEMENTS, MAX_SCALAR_BYTES, Keys, Unfit
from .errors import ValueNotSupported

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, List, Union

    Payload = Union[List[Any], str, bytes]
    Write = Callable[["_Writer", Any], None]

__all__ = ["encode"]

# Texts of under 32 bytes are remembered while one value is encoded: rows repeat their keys.
_REMEMBERED_TEXTS = 4096

_BYTES = tuple(bytes((number,)) for number in range(256))
_TEXT = frozenset((str,))
_pack_double = struct.Struct(">Bd").pack
_PACK_INT = tuple(struct.Struct(">B" + form).pack for form in "BHIQbhiq")


def encode(value: "Any", name: "str" = "value", depth: "int" = 0) -> "bytes":
    """Return `value` as bytes; they are to stand inside so many containers.

    Raises ValueNotSupported with the path to what cannot travel, beginning with `name`:
    "result['x'][2]: threading.Lock cannot travel; ...". A value that another thread changes
    meanwhile arrives in some state between, or is refused; the bytes are well formed always.
    """
    writer = _Writer(depth)
    try:
        writer.write_all([value])
    except Unfit as unfit:
        from .refusal import describe

        raise ValueNotSupported(describe(name, value, unfit)) from None
    except Exception as error:  # whatever a user's subclass raises while it is read
        raise ValueNotSupported("%s: cannot be read: %r" % (name, error)) from error
    return b"".join(writer.out)


class _Writer(object):
    """The bytes of one value, as a growing list of chunks."""

    __slots__ = ("depth", "keys", "left", "out", "texts", "writers")

    def __init__(self, depth: "int") -> "None":
        self.out: "List[bytes]" = []
        self.depth = depth
        self.left = MAX_ELEMENTS
        self.keys = Keys()
        self.texts: "Dict[str, bytes]" = {}
        self.writers = _WRITERS

    def write_all(self, values: "List[Any]") -> "None":
        """Write one value after the other; small numbers and known texts without a call."""
        append = self.out.append
        known = self.texts.get
        writers = self.writers
        item = None
        try:
            for item in values:
                kind = type(item)
                if kind is str:
                    chunk = known(item)
                    if chunk is None:
                        self.write_text(item)
                    else:
                        append(chunk)
                elif kind is int and -32 <= item < 128:
                    append(_BYTES[item & 255])
                elif kind is float:
                    append(_pack_double(0xCB, item))
                else:
                    write = writers.get(kind)
                    if write is None:
                        write = self.find_writer(kind)
                        writers = self.writers
                    write(self, item)
        except Unfit as unfit:
            unfit.steps.append([other is item for other in values].index(True))
            raise

    def spend(self, elements: "int") -> "None":
        self.left -= elements
        if self.left < 0:
            raise Unfit("has over %d elements: send it in parts" % MAX_ELEMENTS)

    def write_container(self, short: "int", wide: "int", size: "int", flat: "List[Any]") -> "None":
        self.spend(len(flat))
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise Unfit("is nested over %d deep, or contains itself" % MAX_DEPTH)
        self.out.append(_BYTES[short | size] if size < 16 else _make_head(wide, size, 1))
        self.write_all(flat)
        self.depth -= 1

    def write_array(self, values: "List[Any]") -> "None":
        self.write_container(0x90, 0xDB, len(values), values)

    def write_extension(self, code: "int", payload: "Payload") -> "None":
        self.spend(2)
        outer = self.out
        self.out = []
        if isinstance(payload, list):
            self.write_array(payload)
        else:
            _WRITERS[type(payload)](self, payload)
        raw = b"".join(self.out)
        self.out = outer
        outer += (_make_head(0xC7, len(raw)), _BYTES[code], raw)

    def write_text(self, text: "str") -> "None":
        raw = text.encode("utf-8", "surrogatepass")
        size = len(raw)
        if size < 32:
            raw = _BYTES[0xA0 | size] + raw
            if len(self.texts) < _REMEMBERED_TEXTS:
                self.texts[text] = raw
        else:
            self.out.append(_make_head(0xD9, size))
        self.out.append(raw)

    def write_bytes(self, raw: "bytes") -> "None":
        self.out += (_make_head(0xC4, len(raw)), raw)

    def write_int(self, number: "int") -> "None":
        bits = number.bit_length() if number >= 0 else (~number).bit_length() + 1
        if bits > 64:
            size = (bits + (number > 0) + 7) // 8
            if size > MAX_SCALAR_BYTES:
                raise Unfit("is longer than %d bytes" % MAX_SCALAR_BYTES)
            raw = number.to_bytes(size, "big", signed=True)
            self.write_extension(extensions.BIG_INTEGER, raw)
        elif -32 <= number < 128:
            self.out.append(_BYTES[number & 255])
        else:
            form = (bits > 8) + (bits > 16) + (bits > 32) + (4 if number < 0 else 0)
            self.out.append(_PACK_INT[form](0xCC + form, number))

    def write_list(self, values: "List[Any]") -> "None":
        values = values[:]  # a header must stay true, whatever another thread does to the list
        if values and all(isinstance(row, tuple) for row in values):
            self.write_extension(extensions.ROWS, [list(row) for row in values])
        else:
            self.write_array(values)

    def write_dict(self, value: "Dict[Any, Any]") -> "None":
        flat = list(chain.from_iterable(value.items()))
        if _TEXT.issuperset(map(type, flat[::2])):
            self.write_container(0x80, 0xDD, len(flat) // 2, flat)
        else:
            self.keys.charge(flat[::2])
            self.write_extension(extensions.DICT, flat)

    def write_set(self, code: "int", members: "List[Any]") -> "None":
        self.keys.charge(members)
        self.write_extension(code, members)

    def write_reference(self, value: "Any") -> "None":
        code, fields = value.__wire__()
        self.write_extension(code, fields if type(fields) is str else list(fields))

    def find_writer(self, kind: "type") -> "Write":
        """Look up a type that is not listed, once per message."""
        if kind in self.writers:
            return self.writers[kind]
        if hasattr(kind, "__wire__"):
            write: "Write" = _Writer.write_reference
        else:
            bases = [base for base in kind.__mro__ if base in _WRITERS]
            write = _write_as(bases[0]) if bases else _write_library(kind)
        # The table itself stays as it is: it would keep every class of a user's alive.
        self.writers = dict(self.writers)
        self.writers[kind] = write
        return write


_WRITERS: "Dict[type, Write]" = {
    type(None): lambda writer, value: writer.out.append(b"\xc0"),
    bool: lambda writer, value: writer.out.append(b"\xc3" if value else b"\xc2"),
    int: _Writer.write_int,
    float: lambda writer, value: writer.out.append(_pack_double(0xCB, value)),
    str: _Writer.write_text,
    bytes: _Writer.write_bytes,
    list: _Writer.write_list,
    dict: _Writer.write_dict,
    tuple: lambda writer, value: writer.write_extension(extensions.TUPLE, list(value)),
    set: lambda writer, value: writer.write_set(extensions.SET, list(value)),
    frozenset: lambda writer, value: writer.write_set(extensions.FROZENSET, list(value)),
    complex: lambda writer, value: writer.write_extension(
        extensions.COMPLEX, [value.real, value.imag]
    ),
    bytearray: lambda writer, value: writer.write_extension(extensions.BYTEARRAY, bytes(value)),
}


def _write_as(base: "Any") -> "Write":
    # Not str(value): that is a mask for a Secret and a name for an Enum.
    plain = str.__str__ if issubclass(base, str) else base
    return lambda writer, value: _WRITERS[base](writer, plain(value))


def _write_library(kind: "type") -> "Write":
    from .library import find_splitter

    found = find_splitter(kind)
    if found is None:
        raise Unfit(kind)
    code, split = found
    return lambda writer, value: writer.write_extension(code, split(value))


def _make_head(first: "int", size: "int", step: "int" = 0) -> "bytes":
    """Return opcode and size; `first` is the opcode of the form with one byte of size."""
    if size > 0xFF:
        step = 1 if size <= 0xFFFF else 2
    return _BYTES[first + step] + size.to_bytes(1 << step, "big")
