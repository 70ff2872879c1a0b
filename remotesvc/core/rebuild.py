"""RemoteError out of the record of an exception (capture.py), whoever sent it.

The error is also an instance of the nearest builtin exception among the sent base names, from one
fixed table: `except FileNotFoundError` works, and nothing is imported because a peer said so.
"""

import builtins
import functools

from .errors import ProtocolError, RemoteError
from .values import REMOTE_ERROR, decode
from .visible import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Iterator, Optional, Tuple

__all__ = ["RemoteTraceback", "open_error", "rebuild"]

# Never mixed in: they would end the caller's thread, loop or generator instead of being an error.
NEVER = frozenset(
    (
        "BaseException",
        "BaseExceptionGroup",
        "ExceptionGroup",
        "GeneratorExit",
        "KeyboardInterrupt",
        "StopAsyncIteration",
        "StopIteration",
        "SystemExit",
    )
)

RECORD_LENGTH = 10

# Records within one record; capture.py sends fewer.
RECORDS_LIMIT = 256

# Texts that whoever shows the error would print, escaped character by character: what is longer
# than any that capture.py sends was not made by it.
NAME_LIMIT = 1024
MESSAGE_LIMIT = 65 * 1024
TRACEBACK_LIMIT = 257 * 1024

# What the constructors of UnicodeError's subclasses take, in their order.
UNICODE_FIELDS = ("encoding", "object", "start", "end", "reason")

# Attributes that come from the args of their type.
ARG_FIELDS = ("errno", "strerror", "filename2", *UNICODE_FIELDS)

# Where in a text something is: the interpreter itself does arithmetic with these.
POSITIONS = ("lineno", "offset", "end_lineno", "end_offset")

# Attributes that a record may set beside the args of its type.
PLAIN_FIELDS = ("name", "path", "code", "filename", "text", *POSITIONS, "characters_written")

# Of a SyntaxError the interpreter shows these as they are, past __str__.
SHOWN = ("msg", "filename", "text")

# Longer lines have no caret beneath them: as many of these as a position says would be printed.
POSITION_LIMIT = 100000


class RemoteTraceback(Exception):
    """Shows the remote traceback as the cause of a RemoteError; nothing to catch."""

    def __str__(self) -> "str":
        # It ends on a terminal, and a hostile host may have written it.
        return "\n" + visible(str(self.args[0]), False) if self.args else ""


def rebuild(
    payload: "bytes", where: "str", decoder: "Callable[[bytes], Any]" = decode
) -> "Exception":
    """Return the RemoteError that a payload describes; ProtocolError when it describes none.

    `where` is our own name for the context: it stands in the text of the traceback.
    """
    try:
        record = decoder(payload)
    except ProtocolError as error:
        return error
    if not _are_records(record):
        kind = type(record).__name__
        return ProtocolError("%s sent no record of an exception, but a %s" % (where, kind))
    return _build(record, where)


def open_error(fields: "Tuple[Any, ...]", where: "str") -> "RemoteError":
    """Return the RemoteError in a value from `where`; ProtocolError if it is none."""
    if not _are_records(fields):
        raise ProtocolError("an error without its fields")
    return _build(fields, where)


def _are_records(record: "Any") -> "bool":
    """Tell whether a value is a record, and all that are in it; without recursion."""
    pending = [record]
    count = 0
    while pending:
        one = pending.pop()
        count += 1
        if count > RECORDS_LIMIT or not _is_record(one):
            return False
        cause, context, members = one[-3:]
        pending += [other for other in (cause, context) if other is not None]
        pending += members
    return True


def _is_record(record: "Any") -> "bool":
    if type(record) is not tuple or len(record) != RECORD_LENGTH:
        return False
    type_name, bases, message, args, fields, notes, text, _, _, members = record
    return (
        all(type(part) is str for part in (type_name, message, text))
        and type_name != ""
        and all(type(part) is tuple for part in (bases, fields, notes, members))
        and all(type(name) is str for name in (*bases, *notes))
        and (args is None or type(args) is tuple)
        and all(map(_is_field, fields))
    )


def _is_field(field: "Any") -> "bool":
    return type(field) is tuple and len(field) == 2 and type(field[0]) is str


def _build(record: "Tuple[Any, ...]", where: "str") -> "RemoteError":
    type_name, bases, message, args, fields, notes, text, cause, context, members = record
    type_name, message = _cut(type_name, NAME_LIMIT), _cut(message, MESSAGE_LIMIT)
    text = _cut(text, TRACEBACK_LIMIT)
    error = _instance(_nearest_builtin(bases), args, dict(fields), message, where, text)
    error.type_name, error.message, error.traceback = type_name, message, text
    error.context_name = where
    error.notes = tuple(_cut(note, MESSAGE_LIMIT) for note in notes)
    error.members = tuple(_build(member, where) for member in members)
    error.remote_cause = None if cause is None else _build(cause, where)
    error.remote_context = None if context is None else _build(context, where)
    return error


def _cut(text: "str", limit: "int") -> "str":
    return text if len(text) <= limit else text[:limit] + "... [cut]"


def _nearest_builtin(bases: "Tuple[str, ...]") -> "str":
    """Return the name of the nearest type to mix in, "" for none."""
    for name in bases:
        kind = vars(builtins).get(name)
        if name not in NEVER and isinstance(kind, type) and issubclass(kind, Exception):
            return "" if kind is Exception else name
    return ""


def _instance(
    base: "str", args: "Any", fields: "Dict[str, Any]", message: "str", where: "str", text: "str"
) -> "RemoteError":
    """Return a RemoteError mixed with the type `base`, made by that type's own rules."""
    kind = _mixed(base)
    error: "Optional[RemoteError]" = None
    for attempt in (*_known_args(kind, fields), args, (message,), ()):
        if attempt is not None and error is None:
            error = _try(kind, *attempt)
    if error is None:
        error = _mixed("")(message)
    if args is not None:
        error.args = args
    for name in PLAIN_FIELDS:
        if name in fields and getattr(error, name, None) is None:
            _try(setattr, error, name, fields[name])
    _tame(error)
    if text:
        error.__cause__ = RemoteTraceback("on %s:\n%s" % (where, text))
    return error


def _tame(error: "Any") -> "None":
    """Make harmless what the interpreter itself reads of an error when it shows a traceback."""
    if type(getattr(error, "name", None)) is not str and hasattr(error, "name"):
        error.name = None  # it looks for names that are similar
    if isinstance(error, SyntaxError):
        for name in SHOWN:
            value = getattr(error, name)
            is_text = type(value) is str
            setattr(error, name, visible(_cut(value, MESSAGE_LIMIT), False) if is_text else None)
        for name in POSITIONS:
            value = getattr(error, name, None)
            if type(value) is not int or not 0 <= value < POSITION_LIMIT:
                _try(setattr, error, name, None)


def _try(function: "Callable[..., Any]", *args: "Any") -> "Any":
    """Return what the function returns, None if it raises: a child may send any args."""
    try:
        return function(*args)
    except Exception:  # noqa: BLE001 whatever a builtin type says to args that it does not take
        return None


def _known_args(kind: "type", fields: "Dict[str, Any]") -> "Iterator[Tuple[Any, ...]]":
    """Yield the args that give a type with a meaning of its own its fields."""
    if issubclass(kind, OSError) and type(fields.get("errno")) is int:
        args = (fields["errno"], fields.get("strerror", ""), fields.get("filename"))
        yield (*args, None, fields["filename2"]) if "filename2" in fields else args
    elif issubclass(kind, (UnicodeEncodeError, UnicodeDecodeError, UnicodeTranslateError)):
        skipped = 1 if issubclass(kind, UnicodeTranslateError) else 0
        yield tuple(fields.get(name) for name in UNICODE_FIELDS[skipped:])


@functools.lru_cache(maxsize=None)  # there are as many as builtin exceptions
def _mixed(base: "str") -> "Any":
    """Return the class that is both; one name for all, so that a traceback reads well."""
    bases = (RemoteError, getattr(builtins, base)) if base else (RemoteError,)
    members: "Dict[str, Any]" = {"__module__": "remotesvc", "_base": base}
    members.update(__str__=_text, __repr__=_describe, __reduce__=_reduce, __wire__=_pass_on)
    return type("RemoteError", bases, members)


def _text(error: "RemoteError") -> "str":
    # Printed wherever exceptions are: nothing in it may steer a terminal.
    return visible(RemoteError.__str__(error), False)


def _describe(error: "RemoteError") -> "str":
    return "RemoteError(%r)" % str(error)


def _reduce(error: "Any") -> "Tuple[Any, ...]":
    """Copy and pickle by the name of the builtin type: the class itself is made on the spot."""
    fields = _fields(error)
    args = (error._base, error.args, fields, error.message, error.context_name, error.traceback)
    return _instance, args, vars(error)


def _fields(error: "Any") -> "Dict[str, Any]":
    found = {name: getattr(error, name, None) for name in (*ARG_FIELDS, *PLAIN_FIELDS)}
    return {name: value for name, value in found.items() if value is not None}


def _pass_on(error: "Any") -> "Tuple[int, Tuple[Any, ...]]":
    """Return how it travels as a value: as the record that it was made of."""
    return REMOTE_ERROR, _record(error)


def _record(error: "Any") -> "Tuple[Any, ...]":
    cause, context = error.remote_cause, error.remote_context
    return (
        error.type_name,
        (error._base,) if error._base else (),
        error.message,
        error.args,
        tuple(_fields(error).items()),
        error.notes,
        error.traceback,
        None if cause is None else _record(cause),
        None if context is None else _record(context),
        tuple(map(_record, error.members)),
    )
