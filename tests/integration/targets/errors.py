"""Functions that raise, in every way that a traceback has to show. Python 3.6."""

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = [
    "OddError",
    "broken",
    "cancel",
    "chain",
    "cycle",
    "deep_args",
    "group",
    "hand_back",
    "huge",
    "import_it",
    "look_up",
    "many",
    "noted",
    "odd",
    "open_missing",
    "recurse",
    "suppress",
    "through_the_library",
    "to_number",
]


class OddError(LookupError):
    """Its constructor takes what no other does, and passes on something else."""

    def __init__(self, first: "str", *, second: "object") -> "None":
        super().__init__("%s and %r" % (first, second), object())


class BrokenError(Exception):
    """Everything that describes it raises."""

    def __str__(self) -> "str":
        raise SystemExit("no text")

    def __getattribute__(self, name: "str") -> "object":
        raise KeyboardInterrupt


def look_up(key: "str") -> "int":
    """Raise KeyError."""
    table: "dict[str, int]" = {}
    return table[key]  # shown in the traceback


def open_missing(path: "str") -> "None":
    """Raise FileNotFoundError."""
    os.stat(path)


def to_number(data: "bytes") -> "str":
    """Raise UnicodeDecodeError."""
    return data.decode("utf-8")


def odd() -> "None":
    """Raise what cannot be made from its args."""
    raise OddError("one", second=2)


def broken() -> "None":
    """Raise what cannot be described."""
    raise BrokenError("never shown")


def huge(size: "int") -> "None":
    """Raise with a long text."""
    raise ValueError("begin" + "x" * size + "end")


def many(count: "int") -> "None":
    """Raise at the end of a long chain."""
    try:
        if count:
            many(count - 1)
        raise KeyError("the first")
    except Exception as error:
        raise ValueError(count) from error


def recurse() -> "None":
    """Never return."""
    recurse()


def deep_args() -> "None":
    """Raise with args that are nested as deeply as a value may be."""
    value: "list[object]" = []
    for _ in range(60):
        value = [value]
    raise KeyError(value)


def noted() -> "None":
    """Raise with notes (PEP 678), on any Python."""
    error = ValueError("with notes")
    error.__notes__ = ["first note", "second note"]
    raise error


def chain() -> "None":
    """Raise with a cause, which has a context."""
    try:
        try:
            look_up("first")
        except KeyError:
            raise OSError("second")  # noqa: B904
    except OSError as error:
        raise ValueError("third") from error


def suppress() -> "None":
    """Raise with a context that is not to be shown."""
    try:
        look_up("hidden")
    except KeyError:
        raise ValueError("alone") from None


def cycle() -> "None":
    """Raise what is its own cause's cause."""
    one, other = ValueError("one"), KeyError("other")
    one.__cause__, other.__cause__ = other, one
    raise one


def group() -> "None":
    """Raise a group with a group in it; NameError where Python has none."""
    inner = ExceptionGroup("inner", [OSError(2, "no", "a.txt")])  # type: ignore[name-defined,unused-ignore]  # noqa: F821
    raise ExceptionGroup("outer", [KeyError("k"), inner])  # type: ignore[name-defined,unused-ignore]  # noqa: F821


def hand_back(error: "Exception") -> "Any":
    """Return an error, the names of its types, and what is shown of it."""
    return error, [kind.__name__ for kind in type(error).__mro__], str(error)


def through_the_library() -> "None":
    """Raise from a callback that the standard library calls."""
    sorted([1, 2], key=lambda number: look_up("in sorted"))


def import_it(name: "str") -> "None":
    """Import a module."""
    __import__(name)


def cancel() -> "None":
    """Raise what ends an asyncio task."""
    import asyncio

    raise asyncio.CancelledError("stop")
