"""Calls that end, raise or return as no call should. Python 3.6."""

import os
import sys
import threading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Iterator

__all__ = [
    "allocate",
    "count_up",
    "deep",
    "die_in_thread",
    "drop_complaining",
    "exit_thread",
    "exit_with",
    "hostile_class",
    "later",
    "lean",
    "look_at_deep",
    "make_cycle",
    "make_result",
    "nested_groups",
    "raise_broken",
    "raise_like_ours",
    "raise_wide",
    "stop",
    "stretch",
    "warn",
]


def exit_with(code: "object") -> "None":
    """End, as a program would."""
    sys.exit(code)  # type: ignore[arg-type]


def stop(name: "str") -> "None":
    """Raise a builtin exception that means something to a loop, a generator or a program."""
    import builtins

    raise getattr(builtins, name)("by hand")


# -- threads -------------------------------------------------------------------------------------


def die_in_thread() -> "str":
    """Let a thread raise, and return after its end."""

    def work() -> "None":
        raise LookupError("nobody waits for it")

    thread = threading.Thread(target=work, name="worker-of-mine")
    thread.start()
    thread.join()
    return "done"


def exit_thread() -> "str":
    """Let a thread end itself, and return after its end."""
    thread = threading.Thread(target=sys.exit, args=(3,))
    thread.start()
    thread.join()
    return "done"


# -- results -------------------------------------------------------------------------------------


def count_up() -> "Iterator[int]":
    """Return a generator."""
    yield 1


async def later() -> "int":
    """Return a number, if anybody awaits it."""
    return 1


class Unreadable(list):  # type: ignore[type-arg]
    """A list that raises what ends programs when it is read."""

    def __iter__(self) -> "Any":
        raise SystemExit("read")


def make_result(kind: "str") -> "Any":
    """Return what cannot travel."""
    makers: "Dict[str, Callable[[], Any]]" = {
        "lock": lambda: {"x": [1, threading.Lock()]},
        "function": lambda: [1, (2, make_result)],
        "generator": lambda: {"rows": count_up()},
        "map": lambda: [map(str, [1])],
        "coroutine": later,
        "keys": lambda: {"a": 1}.keys(),
        "member": lambda: {frozenset(), object},
        "key": lambda: {(1, object): 2},
        "unreadable": lambda: {"a": Unreadable()},
    }
    return makers[kind]()


def deep(levels: "int") -> "Any":
    """Return a list in a list in a list ..."""
    value: "Any" = []
    for _ in range(levels - 1):
        value = [value]
    return value


def make_cycle() -> "Any":
    """Return what contains itself."""
    value: "Dict[str, Any]" = {}
    value["self"] = [value]
    return value


# -- recursion in C ------------------------------------------------------------------------------


def look_at_deep(how: "str") -> "None":
    """Have C code recurse until Python stops it."""
    value = deep(100000)
    if how == "json":
        import json

        json.dumps(value)
    elif how == "compare":
        _ = value == deep(100000)
    else:
        repr(value)


# -- memory --------------------------------------------------------------------------------------


def lean(room: "int") -> "None":
    """Let this process have `room` bytes of address space more than now, for good."""
    import resource

    with open("/proc/self/statm") as stream:
        size = int(stream.read().split()[0]) * os.sysconf("SC_PAGESIZE")
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    resource.setrlimit(resource.RLIMIT_AS, (size + room, hard))


def allocate(size: "int") -> "int":
    """Allocate so many bytes, and return their number."""
    return len(bytearray(size))


def stretch(size: "int") -> "Any":
    """Return bytes that fit, once."""
    return bytes(size)


# -- exceptions ----------------------------------------------------------------------------------


class WideError(ValueError):
    """Says much of what it holds."""


class Wide:
    """Has a long repr, and cannot travel."""

    def __init__(self, size: "int") -> "None":
        self.size = size

    def __repr__(self) -> "str":
        return "<" + "w" * self.size + ">"


def raise_wide(size: "int") -> "None":
    """Raise with args whose repr is long."""
    raise WideError(Wide(size), Wide(size))


def _fail(*_: "object") -> "Any":
    raise SystemExit("a broken exception")


def raise_broken(what: "str") -> "None":
    """Raise an exception of which one thing raises."""
    is_method = what in ("__str__", "__repr__", "__reduce__", "__reduce_ex__", "__eq__")
    member = _fail if is_method else property(_fail)
    broken = type("BrokenError", (LookupError,), {what: member, "__module__": __name__})
    raise broken("is broken")


def hostile_class() -> "None":
    """Raise an exception whose class does not say its own name."""

    class Meta(type):
        def __getattribute__(cls, name: "str") -> "Any":
            raise ZeroDivisionError("no " + name)

    raise Meta("NamelessError", (KeyError,), {})("of a class")


def raise_like_ours(name: "str") -> "None":
    """Raise what the caller would take for an error of remotesvc itself."""
    from remotesvc.core import errors

    base = getattr(errors, name)
    raise type(name, (base,), {"__module__": "remotesvc"})("not from here")


def nested_groups(depth: "int") -> "None":
    """Raise a group in a group in a group ... (Python 3.11)."""
    error: "Any" = KeyError("innermost")
    for number in range(depth):
        error = ExceptionGroup("level %d" % number, [error])  # type: ignore[name-defined,unused-ignore]  # noqa: F821
    raise error


class Complaining:
    """Raises when nobody holds it any more."""

    def __del__(self) -> "None":
        raise OSError("nobody catches this")


def drop_complaining() -> "str":
    """Drop an object that raises at its end."""
    Complaining()
    return "done"


def warn() -> "str":
    """Warn."""
    import warnings

    warnings.warn("mind the gap")  # noqa: B028  the line of the call is what is shown
    return "done"
