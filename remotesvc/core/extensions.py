"""The MessagePack extensions: their codes, and how each becomes a value again.

Only this file knows the table of codes. Types of the standard library are in `library`, which a
child fetches when it first meets one of them: most never do.

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
      33  Sender          array: context, handle, token, window
      34  RemoteError     array of fields, likewise

A payload never is an extension itself. A zone arrives as datetime.timezone(offset, name): its
rules do not travel; `name` is the zone's key ("Europe/Berlin") where it has one, so that the
receiver can look the rules up.
"""

from .budget import MAX_SCALAR_BYTES, Keys, Unfit
from .errors import ProtocolError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, List, Optional, Tuple

    Resolve = Callable[[int, Tuple[Any, ...]], Any]

__all__ = [
    "BIG_INTEGER",
    "BYTEARRAY",
    "COMPLEX",
    "CONTEXT",
    "DICT",
    "FROZENSET",
    "LIBRARY",
    "REMOTE_ERROR",
    "ROWS",
    "SECRET",
    "SENDER",
    "SET",
    "TUPLE",
    "join",
]

TUPLE, ROWS, DICT, SET, FROZENSET, BIG_INTEGER, COMPLEX, BYTEARRAY, SECRET = range(1, 10)
LIBRARY = range(10, 17)
CONTEXT, SENDER, REMOTE_ERROR = range(32, 35)


def _join_rows(rows: "List[Any]") -> "List[Any]":
    if any(type(row) is not list for row in rows):
        raise ValueError("a row is not an array")
    return [tuple(row) for row in rows]


def _join_dict(fields: "List[Any]") -> "Dict[Any, Any]":
    if len(fields) % 2:
        raise ValueError("a key has no value")
    return dict(zip(fields[::2], fields[1::2]))


def _join_int(raw: "bytes") -> "int":
    if len(raw) > MAX_SCALAR_BYTES:
        raise Unfit("is longer than %d bytes" % MAX_SCALAR_BYTES)
    return int.from_bytes(raw, "big", signed=True)


def _join_secret(text: "str") -> "Any":
    from .secret import Secret

    return Secret(text)


# Code, type of the payload, function of it.
_MAKERS: "Dict[int, Tuple[Any, Callable[[Any], Any]]]" = {
    TUPLE: (list, tuple),
    ROWS: (list, _join_rows),
    DICT: (list, _join_dict),
    SET: (list, set),
    FROZENSET: (list, frozenset),
    BIG_INTEGER: (bytes, _join_int),
    COMPLEX: (list, lambda fields: complex(*fields)),
    BYTEARRAY: (bytes, bytearray),
    SECRET: (str, _join_secret),
}


def join(code: "int", payload: "Any", resolve: "Optional[Resolve]", keys: "Keys") -> "Any":
    """Return the value that travelled as `payload` under `code`.

    What no correct peer sends raises; the exception may be of any type.
    """
    if CONTEXT <= code <= REMOTE_ERROR:
        if resolve is None or not isinstance(payload, list):
            raise ProtocolError("a reference (extension %d) does not belong here" % code)
        return resolve(code, tuple(payload))
    makers = _MAKERS
    if code in LIBRARY:
        from .library import MAKERS as makers
    if code not in makers:
        raise ValueError("extension %d is unknown" % code)
    kind, build = makers[code]
    if type(payload) is not kind:
        raise ValueError("extension %d holds a %s" % (code, type(payload).__name__))
    if DICT <= code <= FROZENSET:
        keys.charge(payload[::2] if code == DICT else payload)
    return build(payload)
