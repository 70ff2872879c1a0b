"""RemoteError out of the record of an exception (capture.py), whoever sent it.

The error is also an instance of the nearest builtin exception among the sent base names, from one
fixed table: `except FileNotFoundError` works, and nothing is imported because a peer said so.
"""

import builtins

from .errors import ProtocolError, RemoteError
from .values import decode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Optional, Tuple

__all__ = ["RemoteTraceback", "rebuild"]

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

# Attributes that a record may set beside the args of its type.
PLAIN_FIELDS = ("name", "path", "lineno", "offset", "text", "filename", "code", "value")


class RemoteTraceback(Exception):
    """Shows the remote traceback as the cause of a RemoteError; nothing to catch."""

    def __str__(self) -> "str":
        return "\n" + str(self.args[0]) if self.args else ""


def rebuild(payload: "bytes", where: "str", decoder: "Callable[[bytes], Any]" = decode) -> "Exception":
    """Return the RemoteError that a payload describes; ProtocolError when it describes none.

    `where` is our own name for the context: it stands in the text of the traceback.
    """
    record = decoder(payload)
    if not _is_record(record):
        return ProtocolError("%s sent no record of an exception: %.200r" % (where, record))
    return _build(record, where)


def _is_record(record: "Any") -> "bool":
    if type(record) is not tuple or len(record) != RECORD_LENGTH:
        return False
    type_name, bases, message, args, fields, notes, text, cause, context, members = record
    return (
        all(type(part) is str for part in (type_name, message, text))
        and all(type(part) is tuple for part in (bases, fields, notes, members))
        and all(type(name) is str for name in (*bases, *notes))
        and (args is None or type(args) is tuple)
        and all(type(field) is tuple and len(field) == 2 for field in fields)
        and all(part is None or _is_record(part) for part in (cause, context))
        and all(_is_record(member) for member in members)
    )


def _build(record: "Tuple[Any, ...]", where: "str") -> "RemoteError":
    type_name, bases, message, args, fields, notes, text, cause, context, members = record
    base = _nearest_builtin(bases)
    error = _instance(base, args, dict(fields), message)
    error.type_name, error.message, error.traceback = type_name, message, text
    error.context_name = where
    error.notes = notes
    error.members = tuple(_build(member, where) for member in members)
    error.remote_cause = None if cause is None else _build(cause, where)
    error.remote_context = None if context is None else _build(context, where)
    if text:
        error.__cause__ = RemoteTraceback("on %s:\n%s" % (where, text))
    return error


def _nearest_builtin(bases: "Tuple[str, ...]") -> "Optional[type]":
    for name in bases:
        kind = getattr(builtins, name, None)
        if name in NEVER or not (isinstance(kind, type) and issubclass(kind, Exception)):
            continue
        return None if kind is Exception else kind
    return None


def _instance(
    base: "Optional[type]", args: "Any", fields: "Dict[str, Any]", message: "str"
) -> "Any":
    """Return a RemoteError mixed with `base`, made by that type's own rules."""
    kind = RemoteError if base is None else _mixed(base)
    if base is not None and issubclass(base, OSError):
        wanted = _os_error_args(fields)
    elif base is not None and issubclass(base, (UnicodeEncodeError, UnicodeDecodeError)):
        wanted = _unicode_args(base, fields)
    else:
        wanted = args
    error = None
    for attempt in (wanted, args, (message,)):
        if attempt is not None and error is None:
            try:
                error = kind(*attempt)
            except Exception:  # noqa: BLE001 a child may send args that its type does not take
                continue
    if error is None:
        error = RemoteError(message)
    for name in PLAIN_FIELDS:
        if name in fields and getattr(error, name, None) is None:
            setattr(error, name, fields[name])
    return error


def _os_error_args(fields: "Dict[str, Any]") -> "Optional[Tuple[Any, ...]]":
    if type(fields.get("errno")) is not int:
        return None
    two_names = "filename2" in fields
    args = (fields["errno"], fields.get("strerror", ""), fields.get("filename"))
    return args + (None, fields["filename2"]) if two_names else args


def _unicode_args(base: "type", fields: "Dict[str, Any]") -> "Optional[Tuple[Any, ...]]":
    names = ("encoding", "object", "start", "end", "reason")
    return tuple(fields[name] for name in names) if all(n in fields for n in names) else None


def _mixed(base: "type") -> "type":
    """Return the class that is both; one name for each, so that a traceback reads well."""
    return type("RemoteError", (RemoteError, base), {"__module__": "remotesvc", "__str__": _text})


def _text(error: "RemoteError") -> "str":
    return RemoteError.__str__(error)
