"""Sends every builtin exception type to itself and back: a program for any Python from 3.10 on.

    python -m tests.core.every_exception

Prints a line for each thing that is wrong, and in the end the number of types. It needs nothing
but the standard library, so any interpreter of the machine can run it.
"""

import builtins
import copy
import pickle
import sys
from collections.abc import Iterator

from remotesvc.core.capture import capture
from remotesvc.core.errors import RemoteError
from remotesvc.core.rebuild import NEVER, rebuild

__all__ = ["problems_of", "sample", "types"]

ARGS: dict[str, tuple[object, ...]] = {
    "BaseExceptionGroup": ("several", [KeyboardInterrupt(), ValueError("one")]),
    "ExceptionGroup": ("several", [KeyError("one"), ValueError("two")]),
    "UnicodeDecodeError": ("utf-8", b"a\xff", 1, 2, "invalid start byte"),
    "UnicodeEncodeError": ("ascii", "a\xe9", 1, 2, "ordinal not in range"),
    "UnicodeTranslateError": ("a\xe9", 1, 2, "no such character"),
}

# What each family of types is asked for, beside its args.
FIELDS = {
    OSError: ("errno", "strerror", "filename", "filename2", "characters_written"),
    UnicodeError: ("encoding", "object", "start", "end", "reason"),
    SyntaxError: ("msg", "filename", "lineno", "offset", "text", "end_lineno", "end_offset"),
    ImportError: ("msg", "name", "path"),
    NameError: ("name",),
    AttributeError: ("name",),
}


def types() -> list[type[BaseException]]:
    """Return the builtin exception types of this Python."""
    found = [value for value in vars(builtins).values() if isinstance(value, type)]
    return [kind for kind in dict.fromkeys(found) if issubclass(kind, BaseException)]


def sample(kind: type[BaseException]) -> BaseException:
    """Return an exception of a type, with all that it can hold."""
    if kind.__name__ in ARGS:
        return kind(*ARGS[kind.__name__])
    if issubclass(kind, SyntaxError):
        return kind("bad", ("a.py", 3, 5, "x = \n", 3, 6))
    if issubclass(kind, BlockingIOError):
        return kind(11, "would block", 5)
    if issubclass(kind, OSError):
        return kind(2, "no such file", "from.txt", None, "to.txt")
    if issubclass(kind, ImportError):
        return kind("no module", name="app.x", path="/app/x.py")
    if issubclass(kind, NameError | AttributeError):
        return kind("not there", name="it")
    return kind("first", 2)


def problems_of(kind: type[BaseException]) -> Iterator[str]:
    """Yield what is wrong with the RemoteError that stands for a type."""
    error = sample(kind)
    remote = rebuild(capture(error), "host")
    if not isinstance(remote, RemoteError):
        yield f"became {remote!r}"
        return
    is_mixed = kind.__name__ not in NEVER or kind is BaseException
    if isinstance(remote, kind) is not is_mixed:
        yield f"isinstance is {not is_mixed}"
    for one in (remote, copy.copy(remote), pickle.loads(pickle.dumps(remote))):
        yield from _differences(one, error, is_mixed)


def _differences(remote: RemoteError, error: BaseException, is_mixed: bool) -> Iterator[str]:
    kind = type(error)
    text = str(error)
    if str(remote) != (f"{kind.__name__}: {text}" if text else kind.__name__):
        yield f"str() is {remote!s}"
    if repr(remote) != f"RemoteError({str(remote)!r})":
        yield f"repr() is {remote!r}"
    if (remote.type_name, remote.message) != (kind.__name__, text):
        yield f"type_name and message are {remote.type_name!r}, {remote.message!r}"
    if is_mixed and remote.args != error.args:
        yield f"args are {remote.args!r}"
    for family, names in FIELDS.items():
        for name in names if is_mixed and isinstance(error, family) else ():
            if getattr(remote, name, None) != getattr(error, name, None):
                yield f"{name} is {getattr(remote, name, None)!r}"
    expected = kind if is_mixed else RemoteError
    try:
        raise remote
    except expected as caught:
        if caught is not remote:
            yield "caught another one"


def main() -> None:
    """Print the problems of this Python."""
    kinds = types()
    for kind in kinds:
        for problem in problems_of(kind):
            sys.stdout.write(f"{kind.__name__}: {problem}\n")
    sys.stdout.write(f"{len(kinds)} types\n")


if __name__ == "__main__":
    main()
