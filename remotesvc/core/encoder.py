"""Plain values to bytes; see `values` for the format.

Written for speed in pure Python, because every child encodes its results with it: one list of
chunks, joined once; one dict from type to method; small numbers and short texts, which most
results are made of, take no call at all.
"""

import struct
from itertools import chain

from .budget import MAX_DEPTH, MAX_ELEMENTS, MAX_SCALAR_BYTES, Keys, OverBudget
from .errors import ValueNotSupported
from .extensions import (
    BIG_INTEGER,
    BYTEARRAY,
    COMPLEX,
    DICT,
    FROZENSET,
    REFERENCES,
    ROWS,
    SECRET,
    SET,
    TUPLE,
    find_splitter,
)
from .secret import Secret

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, List

    from .extensions import Fields

    Write = Callable[["_Writer", Any], None]

__all__ = ["encode"]

# Texts of under 32 bytes are remembered while one value is encoded: rows repeat their keys.
_REMEMBERED_TEXTS = 4096

# A path in an error shows this many steps: a value that contains itself has endless ones.
_SHOWN_STEPS = 8

_BYTES = tuple(bytes((number,)) for number in range(256))
_TEXT = frozenset((str,))
_pack_double = struct.Struct(">Bd").pack
_PACK_INT = tuple(struct.Struct(">B" + form).pack for form in "BHIQbhiq")


class _Unfit(Exception):
    """Something cannot travel; `steps` lead to it, innermost first."""

    def __init__(self, reason: "str") -> "None":
        Exception.__init__(self, reason)
        self.steps = []  # type: List[int]


def encode(value: "Any", name: "str" = "value") -> "bytes":
    """Return `value` as bytes.

    Raises ValueNotSupported with the path to what cannot travel, beginning with `name`:
    "result['x'][2]: threading.Lock cannot travel; ...". A value that another thread changes
    meanwhile arrives in some state between, or is refused; the bytes are well formed always.
    """
    writer = _Writer()
    try:
        writer.write_all([value])
    except _Unfit as unfit:
        path = _describe_path(name, value, unfit.steps[-2::-1])
        raise ValueNotSupported("%s: %s" % (path, unfit)) from unfit.__cause__
    except Exception as error:  # whatever a user's subclass raises while it is read
        raise ValueNotSupported("%s: cannot be read: %r" % (name, error)) from error
    return b"".join(writer.out)


class _Writer(object):
    """The bytes of one value, as a growing list of chunks."""

    __slots__ = ("depth", "keys", "left", "out", "texts", "writers")

    def __init__(self) -> "None":
        self.out = []  # type: List[bytes]
        self.depth = 0
        self.left = MAX_ELEMENTS
        self.keys = Keys()
        self.texts = {}  # type: Dict[str, bytes]
        self.writers = _Writers(_WRITERS)

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
                    writers[kind](self, item)
        except _Unfit as unfit:
            unfit.steps.append([other is item for other in values].index(True))
            raise

    def spend(self, elements: "int") -> "None":
        self.left -= elements
        if self.left < 0:
            raise _Unfit("has over %d elements; send it in parts" % MAX_ELEMENTS)

    def write_container(self, short: "int", wide: "int", size: "int", flat: "List[Any]") -> "None":
        self.spend(len(flat))
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise _Unfit("is nested over %d deep, or contains itself" % MAX_DEPTH)
        self.out.append(_BYTES[short | size] if size < 16 else _make_head(wide, size, 1))
        self.write_all(flat)
        self.depth -= 1

    def write_array(self, values: "List[Any]") -> "None":
        self.write_container(0x90, 0xDB, len(values), values)

    def write_extension(self, code: "int", fields: "Fields") -> "None":
        self.spend(2)
        outer = self.out
        self.out = []
        if type(fields) is list:
            self.write_array(fields)
        else:
            _WRITERS[type(fields)](self, fields)
        payload = b"".join(self.out)
        self.out = outer
        outer += (_make_head(0xC7, len(payload)), _BYTES[code], payload)

    def write_scalar(self, code: "int", fields: "Fields") -> "None":
        if type(fields) is not list and len(fields) > MAX_SCALAR_BYTES:
            raise _Unfit("is longer than %d bytes" % MAX_SCALAR_BYTES)
        self.write_extension(code, fields)

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
            raw = number.to_bytes(bits // 8 + 1, "big", signed=True)
            self.write_scalar(BIG_INTEGER, raw)
        elif -32 <= number < 128:
            self.out.append(_BYTES[number & 255])
        else:
            form = (bits > 8) + (bits > 16) + (bits > 32) + (4 if number < 0 else 0)
            self.out.append(_PACK_INT[form](0xCC + form, number))

    def write_list(self, values: "List[Any]") -> "None":
        values = values[:]  # a header must stay true, whatever another thread does to the list
        if values and all(isinstance(row, tuple) for row in values):
            self.write_extension(ROWS, [list(row) for row in values])
        else:
            self.write_array(values)

    def write_dict(self, value: "Dict[Any, Any]") -> "None":
        flat = list(chain.from_iterable(value.items()))
        if _TEXT.issuperset(map(type, flat[::2])):
            self.write_container(0x80, 0xDD, len(flat) // 2, flat)
        else:
            self.charge(flat[::2])
            self.write_extension(DICT, flat)

    def write_set(self, code: "int", members: "List[Any]") -> "None":
        self.charge(members)
        self.write_extension(code, members)

    def charge(self, keys: "List[Any]") -> "None":
        try:
            self.keys.charge(keys)
        except OverBudget as error:
            raise _Unfit(str(error)) from None

    def write_reference(self, value: "Any") -> "None":
        code, fields = value.__wire__()
        if code not in REFERENCES:
            raise _Unfit("has a __wire__ method, which is for remotesvc's own types")
        self.write_extension(code, list(fields))


_WRITERS: "Dict[type, Write]" = {
    type(None): lambda writer, value: writer.out.append(b"\xc0"),
    bool: lambda writer, value: writer.out.append(b"\xc3" if value else b"\xc2"),
    int: _Writer.write_int,
    float: lambda writer, value: writer.out.append(_pack_double(0xCB, value)),
    str: _Writer.write_text,
    bytes: _Writer.write_bytes,
    list: _Writer.write_list,
    dict: _Writer.write_dict,
    tuple: lambda writer, value: writer.write_extension(TUPLE, list(value)),
    set: lambda writer, value: writer.write_set(SET, list(value)),
    frozenset: lambda writer, value: writer.write_set(FROZENSET, list(value)),
    complex: lambda writer, value: writer.write_extension(COMPLEX, [value.real, value.imag]),
    bytearray: lambda writer, value: writer.write_extension(BYTEARRAY, bytes(value)),
    Secret: lambda writer, value: writer.write_extension(SECRET, str.__str__(value)),
}


class _Writers(dict):  # type: ignore[type-arg]
    """How to write a type; one that is not listed is looked up at its first value."""

    def __missing__(self, kind: "type") -> "Write":
        writer = self[kind] = _find_writer(kind)
        return writer


def _find_writer(kind: "type") -> "Write":
    if hasattr(kind, "__wire__"):
        return _Writer.write_reference
    for base in kind.__mro__:
        if base in _WRITERS:
            return _write_as(base)
    found = find_splitter(kind)
    if found is not None:
        return _write_library(*found)
    raise _Unfit("%s.%s cannot travel; %s" % (kind.__module__, kind.__qualname__, _suggest(kind)))


def _write_as(base: "Any") -> "Write":
    # Not str(value): that is a mask for a Secret and a name for an Enum.
    plain = str.__str__ if issubclass(base, str) else base
    return lambda writer, value: _WRITERS[base](writer, plain(value))


def _write_library(code: "int", split: "Callable[[Any], Fields]") -> "Write":
    def write(writer: "_Writer", value: "Any") -> "None":
        try:
            fields = split(value)
        except ValueError as error:
            raise _Unfit("cannot travel: %s" % error) from error
        writer.write_scalar(code, fields)

    return write


def _suggest(kind: "type") -> "str":
    if hasattr(kind, "__dataclass_fields__"):
        return "return dataclasses.asdict(x)"
    return "turn it into plain values: numbers, text, bytes, lists, dicts"


def _make_head(first: "int", size: "int", step: "int" = 0) -> "bytes":
    """Return opcode and size; `first` is the opcode of the form with one byte of size."""
    if size > 0xFF:
        step = 1 if size <= 0xFFFF else 2
    return _BYTES[first + step] + size.to_bytes(1 << step, "big")


def _describe_path(name: "str", value: "Any", steps: "List[int]") -> "str":
    """Return the text of the way from `value` down to what could not be encoded."""
    try:
        for step in steps[:_SHOWN_STEPS]:
            if isinstance(value, dict):
                key, item = list(value.items())[step // 2]
                name += ("[%s]" if step % 2 else " key %s") % repr(key)[:40]
                value = item if step % 2 else key
            elif isinstance(value, (set, frozenset)):
                name += " member"
                value = list(value)[step]
            else:
                name += "[%d]" % step
                value = value[step]
    except Exception:  # noqa: BLE001 - it changed meanwhile or has a bad repr(): half a path will do
        return name
    return name + "..." * (len(steps) > _SHOWN_STEPS)
