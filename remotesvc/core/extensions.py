"""The MessagePack extension codes, and the library types that travel under them.

Only this file knows the table of codes and how a date, a Decimal, a path or a UUID is taken
apart and put together. It imports none of their modules: a value of such a type proves that
its module is loaded, and the decoder imports it when such a value arrives.

    code  type            payload, itself one MessagePack value
       1  tuple           array of the elements
       2  list of tuples  array of arrays; each inner array is one tuple
       3  dict            array: key, value, key, value ...; for any key that is not a str
       4  set             array of the members
       5  frozenset       array of the members
       6  int             bin, two's complement, big endian; for more than 64 bits
       7  complex         array: real, imaginary, both floats
       8  bytearray       bin
       9  Secret          str
      10  datetime        array: year, month, day, hour, minute, second, microsecond, fold,
                          offset from UTC in microseconds or nil, name of the zone or nil
      11  date            array: year, month, day
      12  time            array: hour, minute, second, microsecond, fold, offset, name
      13  timedelta       array: days, seconds, microseconds
      14  Decimal         str, as str(Decimal) writes it
      15  PurePosixPath   str; a Path is an order to the machine it is on, so it arrives pure
      16  UUID            bin of 16 bytes
      32  Context         array of fields, made and read by the code that owns the type
      33  Sender          likewise
      34  RemoteError     likewise

A payload never is an extension itself. A zone arrives as datetime.timezone(offset, name): its
rules do not travel; `name` is the zone's key ("Europe/Berlin") where it has one, so that the
receiver can look the rules up.
"""

import sys

from .secret import Secret

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, List, Optional, Tuple, Union

    Fields = Union[List[Any], str, bytes]

__all__ = [
    "BIG_INTEGER",
    "BYTEARRAY",
    "COMPLEX",
    "CONTEXT",
    "DECIMAL",
    "DICT",
    "FROZENSET",
    "PATH",
    "REFERENCES",
    "REMOTE_ERROR",
    "ROWS",
    "SECRET",
    "SENDER",
    "SET",
    "TUPLE",
    "find_splitter",
    "join",
]

TUPLE, ROWS, DICT, SET, FROZENSET, BIG_INTEGER, COMPLEX, BYTEARRAY, SECRET = range(1, 10)
DATETIME, DATE, TIME, TIMEDELTA, DECIMAL, PATH, UUID = range(10, 17)
CONTEXT, SENDER, REMOTE_ERROR = range(32, 35)

# Codes that only the owner of the live thing can resolve.
REFERENCES = (CONTEXT, SENDER, REMOTE_ERROR)


def _split_zone(value: "Any") -> "List[Any]":
    """Return offset and name of the zone of a datetime or a time, both None when naive."""
    if value.tzinfo is None:
        return [None, None]
    offset = value.utcoffset()
    if offset is None:
        raise ValueError("its zone has no offset without a date; send a datetime")
    microseconds = (offset.days * 86400 + offset.seconds) * 1000000 + offset.microseconds
    return [microseconds, str(getattr(value.tzinfo, "key", None) or value.tzname())]


def _split_clock(value: "Any") -> "List[Any]":
    clock = [value.hour, value.minute, value.second, value.microsecond, value.fold]
    return clock + _split_zone(value)


def _split_date(value: "Any") -> "List[Any]":
    return [value.year, value.month, value.day]


# Module, name, code and how to take apart; a datetime is a date too, so it comes first.
_LIBRARY: "Tuple[Tuple[str, str, int, Callable[[Any], Fields]], ...]" = (
    ("datetime", "datetime", DATETIME, lambda value: _split_date(value) + _split_clock(value)),
    ("datetime", "date", DATE, _split_date),
    ("datetime", "time", TIME, _split_clock),
    ("datetime", "timedelta", TIMEDELTA, lambda v: [v.days, v.seconds, v.microseconds]),
    ("decimal", "Decimal", DECIMAL, str),
    ("pathlib", "PurePosixPath", PATH, str),
    ("uuid", "UUID", UUID, lambda value: value.bytes),
)


def find_splitter(kind: "type") -> "Optional[Tuple[int, Callable[[Any], Fields]]]":
    """Return (code, function from value to fields) for a library type, None for others."""
    for module, name, code, split in _LIBRARY:
        base = getattr(sys.modules.get(module), name, None)
        if isinstance(base, type) and issubclass(kind, base):
            return code, split
    return None


def _join_zone(offset: "Optional[int]", name: "Any") -> "Any":
    import datetime

    if offset is None:
        return None
    delta = datetime.timedelta(microseconds=offset)
    zone = datetime.timezone(delta)
    return zone if name == zone.tzname(None) else datetime.timezone(delta, name)


def _join_datetime(fields: "List[Any]") -> "Any":
    import datetime

    year, month, day, hour, minute, second, microsecond, fold, offset, name = fields
    zone = _join_zone(offset, name)
    return datetime.datetime(year, month, day, hour, minute, second, microsecond, zone, fold=fold)


def _join_date(fields: "List[Any]") -> "Any":
    import datetime

    # Named, because a date of one argument is read as a pickled state: garbage in, crash out.
    year, month, day = fields
    return datetime.date(year, month, day)


def _join_time(fields: "List[Any]") -> "Any":
    import datetime

    hour, minute, second, microsecond, fold, offset, name = fields
    return datetime.time(hour, minute, second, microsecond, _join_zone(offset, name), fold=fold)


def _join_timedelta(fields: "List[Any]") -> "Any":
    import datetime

    days, seconds, microseconds = fields
    return datetime.timedelta(days, seconds, microseconds)


def _join_decimal(text: "str") -> "Any":
    import decimal

    return decimal.Decimal(text)


def _join_path(text: "str") -> "Any":
    import pathlib

    return pathlib.PurePosixPath(text)


def _join_int(raw: "bytes") -> "int":
    return int.from_bytes(raw, "big", signed=True)


def _join_uuid(raw: "bytes") -> "Any":
    import uuid

    return uuid.UUID(bytes=raw)


def _join_rows(rows: "List[Any]") -> "List[Any]":
    if not {list}.issuperset(map(type, rows)):
        raise ValueError("a row is not an array")
    return [tuple(row) for row in rows]


def _join_complex(fields: "List[Any]") -> "complex":
    real, imaginary = fields
    if type(real) is not float or type(imaginary) is not float:
        raise ValueError("a part of a complex number is not a float")
    return complex(real, imaginary)


def _join_dict(fields: "List[Any]") -> "Dict[Any, Any]":
    if len(fields) % 2:
        raise ValueError("a key has no value")
    return dict(zip(fields[::2], fields[1::2]))  # noqa: B905 - Python 3.6 has no strict=


_JOINERS: "Dict[int, Tuple[type, Callable[[Any], Any]]]" = {
    TUPLE: (list, tuple),
    ROWS: (list, _join_rows),
    DICT: (list, _join_dict),
    SET: (list, set),
    FROZENSET: (list, frozenset),
    BIG_INTEGER: (bytes, _join_int),
    COMPLEX: (list, _join_complex),
    BYTEARRAY: (bytes, bytearray),
    SECRET: (str, Secret),
    DATETIME: (list, _join_datetime),
    DATE: (list, _join_date),
    TIME: (list, _join_time),
    TIMEDELTA: (list, _join_timedelta),
    DECIMAL: (str, _join_decimal),
    PATH: (str, _join_path),
    UUID: (bytes, _join_uuid),
}


def join(code: "int", fields: "Any", charge: "Callable[[List[Any]], None]") -> "Any":
    """Return the value that travelled as `fields` under `code`.

    `charge(keys)` is called before a key or a member is hashed, and raises when the sender
    asks for too much. A code or a field that no correct peer sends raises; the exception may
    be of any type.
    """
    if code not in _JOINERS:
        raise ValueError("extension %d is unknown" % code)
    kind, build = _JOINERS[code]
    if not isinstance(fields, kind):
        raise ValueError("extension %d holds a %s" % (code, type(fields).__name__))
    if code == DICT:
        charge(fields[::2])
    elif code in (SET, FROZENSET):
        charge(fields)
    return build(fields)
