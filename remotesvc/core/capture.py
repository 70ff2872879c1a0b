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

A child fetches this module when a call first raises. Nothing here may raise, whatever the
exception does: its __str__ and its properties are user code.
"""

import linecache
import traceback

from .errors import ValueNotSupported
from .finder import Finder
from .values import encode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterator, List, Optional, Tuple

__all__ = ["capture", "capture_briefly"]

# Texts longer than this keep their beginning and their end.
MESSAGE_LIMIT = 64 * 1024
TRACEBACK_LIMIT = 256 * 1024

# Causes, contexts and group members: how deep they are followed, how many of each group, and how
# many records there are in all, for they may form a tree.
DEPTH_LIMIT = 8
MEMBERS_LIMIT = 32
RECORDS_LIMIT = 64

# Notes and the args of an exception: whoever needs more of them returns a value.
NOTES_LIMIT = 32

# The attributes that give builtin exceptions their meaning.
FIELDS = (
    *("errno", "strerror", "filename", "filename2", "characters_written"),
    *("encoding", "object", "start", "end", "reason"),
    *("name", "path", "code"),
    *("lineno", "offset", "end_lineno", "end_offset", "text"),
)

# The types whose attributes are sent; what users' own types hold is theirs, and may be large.
WITH_FIELDS = (
    AttributeError,
    ImportError,
    NameError,
    OSError,
    SyntaxError,
    SystemExit,
    UnicodeError,
)

# Modules of ours on the way to a user's function, and on the way back from it: nobody's error,
# so not in the traceback. Pulled ones have the folder of the parent's installation before that.
OWN_FILES = (
    "remotesvc/core/call_options.py",
    "remotesvc/core/calls.py",
    "remotesvc/core/fetch.py",
    "remotesvc/core/finder.py",
    "remotesvc/core/main_module.py",
    "remotesvc/core/pickled.py",
    "remotesvc/core/resources.py",
    "remotesvc/service/activation.py",
    "remotesvc/service/activator.py",
    "remotesvc/service/catalog.py",
    "remotesvc/service/flow.py",
    "remotesvc/service/invoker.py",
    "remotesvc/service/offers.py",
    "remotesvc/service/pool.py",
    "remotesvc/service/runner.py",
)
IMPORT_SYSTEM = "<frozen importlib"


def capture(error: "BaseException") -> "bytes":
    """Return the payload that describes an exception."""
    record = _record(error, [RECORDS_LIMIT], DEPTH_LIMIT)
    try:
        return encode(record)
    except ValueNotSupported:
        # Args that were fine alone are too much together.
        return encode(_without_values(record))


def capture_briefly(error: "BaseException") -> "bytes":
    """Return the same without traceback, notes, and whatever led to it: for strangers."""
    name, bases, message, args, fields = _record(error, [1], DEPTH_LIMIT)[:5]  # type: ignore[index]
    record = (name, bases, message, args, fields, (), "", None, None, ())
    try:
        return encode(record)
    except ValueNotSupported:
        return encode(_without_values(record))


def _record(
    error: "BaseException", left: "List[int]", depth: "int"
) -> "Optional[Tuple[Any, ...]]":
    """Return the record of an exception; None when there are too many already."""
    left[0] -= 1
    if left[0] < 0 or depth <= 0:
        return None
    cause, context = _get(error, "__cause__"), _get(error, "__context__")
    if _get(error, "__suppress_context__") or cause is context:
        context = None
    members = [_record(member, left, depth - 1) for member in _some(error, "exceptions")]
    return (
        _type_name(type(error)),
        tuple(_builtin_bases(type(error))),
        _shorten(_text(error), MESSAGE_LIMIT),
        _plain(error, "args"),
        tuple(_fields(error)),
        tuple(_shorten(note, MESSAGE_LIMIT // 16) for note in _notes(error)),
        _shorten(_traceback(error), TRACEBACK_LIMIT) if depth == DEPTH_LIMIT else "",
        None if cause is None else _record(cause, left, depth - 1),
        None if context is None else _record(context, left, depth - 1),
        tuple(record for record in members if record is not None),
    )


def _without_values(record: "Any") -> "Any":
    """Return a record with no args and no fields, nor those within."""
    if record is None:
        return None
    name, bases, message, _, _, notes, text, cause, context, members = record
    others = (_without_values(cause), _without_values(context))
    inside = tuple(_without_values(member) for member in members)
    return (name, bases, message, None, (), notes, text, *others, inside)


def _type_name(kind: "type") -> "str":
    module, name = _of_class(kind, "__module__"), _of_class(kind, "__qualname__")
    return str.__str__(name) if module == "builtins" else "%s.%s" % (module, name)


def _builtin_bases(kind: "type") -> "Iterator[str]":
    for base in _of_class(kind, "__mro__"):
        if _of_class(base, "__module__") == "builtins":
            yield _of_class(base, "__name__")


def _of_class(kind: "type", name: "str") -> "Any":
    """Return an attribute of a class, past its metaclass: that is user code."""
    return type.__dict__[name].__get__(kind)


def _text(error: "BaseException") -> "str":
    try:
        return str.__str__(str(error))
    except BaseException as broken:  # noqa: BLE001 user code: __str__
        return "<its __str__ raised %s>" % type(broken).__name__


def _get(error: "BaseException", name: "str") -> "Any":
    try:
        return getattr(error, name, None)
    except BaseException:  # noqa: BLE001 user code: a property
        return None


def _plain(error: "BaseException", name: "str") -> "Any":
    """Return an attribute if it can travel in a record and is not large, else None."""
    try:
        value = _get(error, name)
        # Over there it stands as deep as the last of the causes.
        inside: "Any" = value
        for _ in range(DEPTH_LIMIT + 3):
            inside = [inside]
        return value if len(encode(inside)) <= MESSAGE_LIMIT else None
    except BaseException:  # noqa: BLE001 user code: any method of a subclass
        return None


def _fields(error: "BaseException") -> "Iterator[Tuple[str, Any]]":
    if issubclass(type(error), WITH_FIELDS):
        for name in FIELDS:
            value = _plain(error, name)
            if value is not None:
                yield name, value


def _notes(error: "BaseException") -> "List[str]":
    notes = _some(error, "__notes__")[:NOTES_LIMIT]
    return [str.__str__(note) for note in notes if isinstance(note, str)]


def _some(error: "BaseException", name: "str") -> "Tuple[Any, ...]":
    """Return the first members of an attribute that should be a sequence."""
    items = _get(error, name)
    if type(items) not in (list, tuple):
        return ()
    wanted = str if name == "__notes__" else BaseException
    return tuple(item for item in items[:MEMBERS_LIMIT] if issubclass(type(item), wanted))


def _shorten(text: "str", limit: "int") -> "str":
    if len(text) <= limit:
        return text
    half = limit // 2
    return "%s\n... %d characters left out ...\n%s" % (
        text[:half],
        len(text) - limit,
        text[-half:],
    )


def _traceback(error: "BaseException") -> "str":
    try:
        _provide_sources(error)
        described = traceback.TracebackException(
            type(error), error, error.__traceback__, lookup_lines=False
        )
        _leave_out_ours(described)
        return "".join(described.format())
    except BaseException:  # noqa: BLE001 user code again, or no memory for a long text
        return "<no traceback: formatting it failed>\n"


def _provide_sources(error: "BaseException") -> "None":
    """Give linecache the lines of served modules, so that a file of this host's, which may lie
    under the same name and be another one, is not shown in their place."""
    for one in _chain(error):
        for frame, _ in traceback.walk_tb(one.__traceback__):
            loader = frame.f_globals.get("__loader__")
            name = frame.f_globals.get("__name__", "")
            filename = frame.f_code.co_filename
            if isinstance(loader, Finder) and loader.get_filename(name) == filename:
                text = loader.get_source(name) or ""
                # None for its time: linecache neither checks nor drops such an entry.
                linecache.cache[filename] = (len(text), None, text.splitlines(True), filename)


def _chain(error: "BaseException") -> "List[BaseException]":
    """Return an exception and those that hang on it, in no order that matters."""
    found = {id(error): error}
    pending = [error]
    while pending and len(found) < RECORDS_LIMIT:
        one = pending.pop()
        for other in (one.__cause__, one.__context__, *_some(one, "exceptions")):
            if other is not None and id(other) not in found:
                found[id(other)] = other
                pending.append(other)
    return list(found.values())


def _leave_out_ours(described: "traceback.TracebackException") -> "None":
    """Drop the frames of ours from a traceback and from those that hang on it."""
    pending: "List[Any]" = [described]
    while pending:
        one = pending.pop()
        if one is not None:
            one.stack[:] = [frame for frame in one.stack if not _is_ours(frame.filename)]
            pending += [one.__cause__, one.__context__, *(getattr(one, "exceptions", None) or ())]


def _is_ours(filename: "str") -> "bool":
    return filename.endswith(OWN_FILES) or filename.startswith(IMPORT_SYSTEM)
