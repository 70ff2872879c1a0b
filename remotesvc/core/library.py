"""Types of the standard library as values: dates, Decimal, paths, UUID.

Only this file knows how one is taken apart and put together. It imports none of their modules:
a value of such a type proves that its module is loaded, and one that arrives imports it.
"""

import sys

from .budget import MAX_SCALAR_BYTES, Unfit
from .extensions import LIBRARY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, List, Optional, Tuple, Union

    Payload = Union[List[Any], str, bytes]
    Split = Callable[[Any], Payload]

__all__ = ["MAKERS", "find_splitter"]

DATETIME, DATE, TIME, TIMEDELTA, DECIMAL, PATH, UUID = LIBRARY


def _split_zone(value: "Any") -> "List[Any]":
    """Return offset and name of the zone of a datetime or a time, both None when naive."""
    if value.tzinfo is None:
        return [None, None]
    offset = value.utcoffset()
    if offset is None:
        raise Unfit("its zone has no offset without a date; send a datetime")
    microseconds = (offset.days * 86400 + offset.seconds) * 1000000 + offset.microseconds
    return [microseconds, str(getattr(value.tzinfo, "key", None) or value.tzname() or "")]


def _split_clock(value: "Any") -> "List[Any]":
    clock = [value.hour, value.minute, value.second, value.microsecond, value.fold]
    return clock + _split_zone(value)


def _split_date(value: "Any") -> "List[Any]":
    return [value.year, value.month, value.day]


def _split_text(value: "Any") -> "str":
    text = str(value)
    _check_length(text)
    return text


def _check_length(text: "str") -> "None":
    if len(text) > MAX_SCALAR_BYTES:
        raise Unfit("is longer than %d bytes" % MAX_SCALAR_BYTES)


# Module, name, code and how to take apart; a datetime is a date too, so it comes first.
_SPLITTERS: "Tuple[Tuple[str, str, int, Split], ...]" = (
    ("datetime", "datetime", DATETIME, lambda value: _split_date(value) + _split_clock(value)),
    ("datetime", "date", DATE, _split_date),
    ("datetime", "time", TIME, _split_clock),
    ("datetime", "timedelta", TIMEDELTA, lambda v: [v.days, v.seconds, v.microseconds]),
    ("decimal", "Decimal", DECIMAL, _split_text),
    ("pathlib", "PurePosixPath", PATH, _split_text),
    ("uuid", "UUID", UUID, lambda value: value.bytes),
)


def find_splitter(kind: "type") -> "Optional[Tuple[int, Split]]":
    """Return (code, function from value to payload) for a library type, None for others."""
    for module, name, code, split in _SPLITTERS:
        base = getattr(sys.modules.get(module), name, None)
        if isinstance(base, type) and issubclass(kind, base):
            return code, split
    return None


def _join_zone(offset: "Optional[int]", name: "Any") -> "Any":
    if offset is None:
        return None
    import datetime

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

    _check_length(text)
    return decimal.Decimal(text)


def _join_path(text: "str") -> "Any":
    import pathlib

    _check_length(text)
    return pathlib.PurePosixPath(text)


def _join_uuid(raw: "bytes") -> "Any":
    import uuid

    return uuid.UUID(bytes=raw)


# Code, type of the payload, function of it.
MAKERS: "Dict[int, Tuple[Any, Callable[[Any], Any]]]" = {
    DATETIME: (list, _join_datetime),
    DATE: (list, _join_date),
    TIME: (list, _join_time),
    TIMEDELTA: (list, _join_timedelta),
    DECIMAL: (str, _join_decimal),
    PATH: (str, _join_path),
    UUID: (bytes, _join_uuid),
}
