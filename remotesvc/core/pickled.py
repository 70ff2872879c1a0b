"""Calls that came as a pickle: from parents only, and from the same minor version only.

A child gets this module with the first such call. A pickle is a program: it is compared with the
rules before a byte of it is looked at.
"""

import sys

from .authority import accepts_pickle

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Container, Dict, Tuple

    from .wire import Message

    Invocation = Tuple[Callable[..., Any], Tuple[Any, ...], Dict[str, Any]]

__all__ = ["load_call", "run"]


def load_call(message: "Message", parents: "Container[int]") -> "Invocation":
    """Open the pickle of a call."""
    if not accepts_pickle(message.src, message.auth, parents):
        raise PermissionError("a pickle from context %d is refused" % message.src)
    return _load(message.payload)


def run(payload: "bytes") -> "Any":
    """Run a pickled call: what a plain call with options names, so that they are read first.

    Only parents call functions, so only they can name this one.
    """
    function, args, kwargs = _load(payload)
    return function(*args, **kwargs)


def _load(payload: "bytes") -> "Invocation":
    theirs = tuple(payload[:2])
    if theirs != sys.version_info[:2]:
        raise TypeError(
            "a lambda, closure or object from Python %d.%d cannot be loaded by Python %d.%d "
            "here: call a function that can be imported by name, with plain arguments"
            % (theirs + sys.version_info[:2])
        )
    import pickle

    return pickle.loads(payload[2:])  # type: ignore[no-any-return]  # noqa: S301
