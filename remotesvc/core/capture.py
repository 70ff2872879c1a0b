"""Exceptions as plain data: what travels instead of the object.

A record is a tuple, in this order (rebuild.py reads it):

    type_name   "module.QualName", builtins without their module
    bases       names of the builtin types in its MRO, nearest first
    message     str() of it
    args        its args where they are plain, else None
    fields      ((name, value), …) of FIELDS that it has and that are plain
    notes       PEP 678 notes
    traceback   the whole text, causes and groups included, with source lines
    cause, context   records of their own, or None
    members     records of the members of an exception group

Nothing here may raise, whatever the exception does: its __str__ is user code.
"""

from .values import encode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any, Optional, Tuple

__all__ = ["capture"]

# Texts longer than this keep their beginning and their end.
MESSAGE_LIMIT = 64 * 1024
TRACEBACK_LIMIT = 256 * 1024

# Causes and group members that are followed, in depth and in breadth.
DEPTH_LIMIT = 8
MEMBERS_LIMIT = 32

# The attributes that give builtin exceptions their meaning.
FIELDS = (
    "errno strerror filename filename2 encoding object start end reason name path lineno offset "
    "text code value"
).split()

# Modules of ours on the way to a user's function: nobody's error, so not in the traceback.
OWN_FILES = ("remotesvc/core/calls.py", "remotesvc/core/finder.py", "<frozen importlib")


def capture(error: "BaseException") -> "bytes":
    """Return the payload that describes an exception."""
    return encode(_record(error, DEPTH_LIMIT))


def _record(error: "BaseException", depth: "int") -> "Tuple[Any, ...]":
    cause, context = error.__cause__, error.__context__
    if error.__suppress_context__ or cause is context:
        context = None
    members = getattr(error, "exceptions", ()) if depth > 0 else ()
    return (
        _type_name(type(error)),
        tuple(base.__name__ for base in type(error).__mro__ if base.__module__ == "builtins"),
        _shorten(_text(error), MESSAGE_LIMIT),
        _plain(error.args),
        tuple(_fields(error)),
        tuple(_shorten(str(note), MESSAGE_LIMIT) for note in _notes(error)),
        _shorten(_traceback(error), TRACEBACK_LIMIT) if depth == DEPTH_LIMIT else "",
        None if cause is None or depth <= 0 else _record(cause, depth - 1),
        None if context is None or depth <= 0 else _record(context, depth - 1),
        tuple(_record(member, depth - 1) for member in _some(members)),
    )


def _type_name(kind: "type") -> "str":
    if kind.__module__ == "builtins":
        return kind.__qualname__
    return "%s.%s" % (kind.__module__, kind.__qualname__)


def _text(error: "BaseException") -> "str":
    try:
        return str(error)
    except BaseException:  # noqa: BLE001 user code: __str__
        return "<its __str__ raised>"


def _plain(value: "Any") -> "Any":
    """Return the value if it can travel and is not large, else None."""
    try:
        return value if len(encode(value)) <= MESSAGE_LIMIT else None
    except BaseException:  # noqa: BLE001 user code: any method of a subclass
        return None


def _fields(error: "BaseException") -> "Any":
    if not isinstance(error, (OSError, UnicodeError, ImportError, SyntaxError, SystemExit)):
        return
    for name in FIELDS:
        value = _plain(getattr(error, name, None))
        if value is not None:
            yield name, value


def _notes(error: "BaseException") -> "Tuple[Any, ...]":
    notes = getattr(error, "__notes__", ())
    return tuple(note for note in _some(notes) if isinstance(note, str))


def _some(items: "Any") -> "Tuple[Any, ...]":
    return tuple(items)[:MEMBERS_LIMIT] if isinstance(items, (list, tuple)) else ()


def _shorten(text: "str", limit: "int") -> "str":
    if len(text) <= limit:
        return text
    half = limit // 2
    return "%s\n... %d characters left out ...\n%s" % (text[:half], len(text) - limit, text[-half:])


def _traceback(error: "BaseException") -> "str":
    try:
        import traceback

        lines = traceback.format_exception(type(error), error, _own_code(error.__traceback__))
        return "".join(lines)
    except BaseException:  # noqa: BLE001 user code again, or no memory for a long text
        return "<no traceback: formatting it failed>\n"


def _own_code(tb: "Optional[TracebackType]") -> "Optional[TracebackType]":
    """Skip the frames of ours that lead to the user's."""
    while tb is not None and tb.tb_frame.f_code.co_filename.startswith(OWN_FILES):
        tb = tb.tb_next
    return tb
