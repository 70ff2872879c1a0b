"""What the tests have called over there. Python 3.6, and no import but of light modules."""

import os
import sys
import threading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = [
    "NOTES",
    "Point",
    "count_threads",
    "fail",
    "forget_later",
    "interrupt",
    "later",
    "leave",
    "make_bytes",
    "measure",
    "note",
    "note_keywords",
    "notes",
    "read_line",
    "repeat",
    "return_lock",
    "say",
    "thread_name",
    "version",
]

# What note() was called with, in this process, in order.
NOTES: "list[Any]" = []


class Point:
    """A class that only a pickle can carry."""

    unit = "mm"

    def __init__(self, x: "int", y: "int") -> "None":
        self.x = x
        self.y = y

    def as_tuple(self) -> "tuple[int, int]":
        """Return both numbers."""
        return (self.x, self.y)

    @classmethod
    def describe(cls, text: "str") -> "str":
        """Tell the class that it was called on."""
        return f"{cls.__name__} {cls.unit} {text}"

    @staticmethod
    def add(a: "int", b: "int") -> "int":
        """Add up."""
        return a + b

    class Corner:
        """A class within a class."""

        @staticmethod
        def name() -> "str":
            """Tell where this is."""
            return "corner"


class Inch(Point):
    """Inherits the class method."""

    unit = "inch"


def repeat(*args: "Any", **kwargs: "Any") -> "tuple[Any, Any]":
    """Return what came."""
    return (args, kwargs)


def measure(data: "bytes") -> "int":
    """Return the length."""
    return len(data)


def make_bytes(size: "int") -> "bytes":
    """Return so many bytes."""
    return bytes(size)


def note(value: "Any") -> "None":
    """Remember a value in this process."""
    NOTES.append(value)


def note_keywords(**keywords: "Any") -> "None":
    """Remember keyword arguments in this process."""
    NOTES.append(keywords)


def notes() -> "list[Any]":
    """Return all that was remembered."""
    return list(NOTES)


def fail(text: "str") -> "None":
    """Raise."""
    raise ValueError(text)


def read_line(path: "str") -> "str":
    """Read a pipe: return once the other end was written and closed."""
    with open(path) as pipe:
        return pipe.read()


def say(text: "str") -> "None":
    """Print on both streams, without a newline at the end."""
    sys.stdout.write(text)
    sys.stderr.write(text.upper())


def return_lock() -> "dict[str, Any]":
    """Return what cannot travel, somewhere inside."""
    return {"x": [1, threading.Lock()]}


def leave(status: "int") -> "None":
    """End, as a program would."""
    sys.exit(status)


def interrupt() -> "None":
    """Raise what Ctrl-C raises."""
    raise KeyboardInterrupt("by hand")


def forget_later(point: "Point") -> "tuple[int, int]":
    """Take an object."""
    return point.as_tuple()


def thread_name() -> "tuple[str, bool]":
    """Tell the running thread, and whether it is the main one."""
    current = threading.current_thread()
    return (current.name, current is threading.main_thread())


def count_threads() -> "int":
    """Return the number of threads here."""
    return threading.active_count()


def version() -> "tuple[int, int]":
    """Return this Python's version."""
    return (sys.version_info[0], sys.version_info[1])


def pid() -> "int":
    """Return this process's id."""
    return os.getpid()


async def later() -> "int":
    """Do what nobody awaits over there."""
    return 1
