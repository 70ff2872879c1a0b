"""Seed: what a new child is started from: two programs and the payload, wherever it is started.

Where remotesvc is installed they are made from its files. A child hands on what it was started
from itself: nothing of that comes to it a second time.
"""

import sys
import threading

from remotesvc.core.errors import InterpreterError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["PAYLOAD", "PROBE", "get_payload", "get_probe", "get_stage0", "has_payload"]

# How a child asks for the payload as source, if it was started from compiled code.
PAYLOAD = ("remotesvc.bootstrap", "payload")

# And for probe.sh, if nobody ordered a context of it.
PROBE = (PAYLOAD[0], "probe.sh")

# By its source one sees what the payload of this child was like.
SAMPLE = "remotesvc.core.wire"


def get_payload(is_same: "bool" = False) -> "bytes":
    """Return the payload for any Python, or for one that is the same as this one."""
    finder = _own_finder()
    if finder is None:
        from remotesvc.bootstrap.payload import build, build_compiled

        return build_compiled() if is_same else build()
    payload: "bytes" = finder.seed[1]
    if is_same or _is_source(finder):
        return payload
    # One thread asks: it is to come here once, however many are opened at a time.
    with vars(finder).setdefault("reading", threading.Lock()):
        if not hasattr(finder, "payload"):
            finder.payload = _read(finder, *PAYLOAD)
        return finder.payload  # type: ignore[no-any-return]


def has_payload() -> "bool":
    """Tell whether it is here for any Python, so that nobody has to be asked for it."""
    finder = _own_finder()
    return finder is None or _is_source(finder)


def get_stage0() -> "str":
    """Return stage0.py with ~ for newlines."""
    finder = _own_finder()
    if finder is not None:
        return finder.seed[0]  # type: ignore[no-any-return]
    from remotesvc.bootstrap.blank import blank

    lines = blank(_text("stage0.py")).splitlines()
    return "~".join(line.rstrip() for line in lines if line.strip())


def get_probe() -> "str":
    """Return probe.sh as one line."""
    finder = _own_finder()
    if finder is not None and hasattr(finder, "probe"):
        return finder.probe  # type: ignore[no-any-return]
    if finder is not None:
        finder.probe = _read(finder, *PROBE).decode("ascii")
        return finder.probe  # type: ignore[no-any-return]
    lines = [line.strip() for line in _text(PROBE[1]).splitlines()]
    return " ".join(line for line in lines if line and not line.startswith("#"))


def _is_source(finder: "Any") -> "bool":
    return isinstance(finder.records[SAMPLE][2], (str, bytes))


def _own_finder() -> "Any":
    """Return the finder that this process was started with, if it is a child."""
    for finder in sys.meta_path:
        if getattr(finder, "child", None) is not None:
            return finder
    return None


def _read(finder: "Any", package: "str", name: "str") -> "bytes":
    from remotesvc.core.resources import read_resource

    return read_resource(finder, package, name)


def _text(name: "str") -> "str":
    import pkgutil  # a child needs neither it nor what it imports

    data = pkgutil.get_data("remotesvc.bootstrap", name)
    if data is None:
        raise InterpreterError("this installation of remotesvc lacks %s: install it anew" % name)
    return data.decode("ascii")
