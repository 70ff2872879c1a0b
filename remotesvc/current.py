"""The router that the running code belongs to, wherever it runs.

The one state that a process of remotesvc has: here the routers that are open, over there the one
context that the process is.
"""

import sys
import threading

from .channel.sender import open_sender
from .channel.streams import Streams
from .core.errors import Error, ProtocolError
from .core.values import SENDER, decode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, List, Tuple

    from .bootstrap.child import Child
    from .channel.sender import Sender
    from .types import Station

__all__ = ["Branch", "add_router", "current_router", "remove_router", "restore_sender"]

_lock = threading.Lock()
_routers: "List[Station]" = []


class Branch:
    """The router of a child, as far as it has one: the parent's end is the one that opens."""

    def __init__(self, child: "Child") -> "None":
        self.switch = child.switch
        self.loop = child.loop
        self.streams = Streams(child.switch, self.name_of)

    def name_of(self, context_id: "int") -> "str":
        """Return what a context is called here."""
        return "context %d" % context_id

    def check_may_block(self) -> "None":
        """Raise RuntimeError on the I/O thread: whoever waits there waits for himself."""
        if self.loop.is_current():
            raise RuntimeError("a blocking call on the I/O thread would wait for ever")

    def decode(self, payload: "bytes", src: "int", auth: "int") -> "Any":
        """Return the value that a context sent."""
        return decode(payload, lambda code, fields: self.resolve(src, auth, code, fields))

    def resolve(self, src: "int", auth: "int", code: "int", fields: "Tuple[Any, ...]") -> "Any":
        """Return what a reference in a message of `src` stands for."""
        if code != SENDER:
            raise ProtocolError("a reference (extension %d) does not belong here" % code)
        return open_sender(self, src, auth, fields)


def current_router() -> "Station":
    """Return the router of this process.

    In a child it is that of the child, on every thread. Where the program starts it is the only
    open Router; with none or several it raises Error.
    """
    with _lock:
        for finder in sys.meta_path:
            child = getattr(finder, "child", None)
            if child is not None:
                return _branch_of(child)
        if len(_routers) != 1:
            raise Error(
                "%d routers are open in this process: %s"
                % (len(_routers), "name the one you mean" if _routers else "open one")
            )
        return _routers[0]


def _branch_of(child: "Child") -> "Station":
    """Return the router of the child that this process is, made when first asked for."""
    for router in _routers:
        if isinstance(router, Branch):
            return router
    branch = Branch(child)
    _routers.append(branch)
    return branch


def add_router(router: "Station") -> "None":
    """Note that a router is open."""
    with _lock:
        _routers.append(router)


def remove_router(router: "Station") -> "None":
    """Note that a router is closed."""
    with _lock:
        _routers.remove(router)


def restore_sender(*fields: "Any") -> "Sender":
    """Return the Sender in a pickle: only what a parent sent is unpickled, so it is one's own."""
    router = current_router()
    return open_sender(router, router.switch.id, router.switch.id, fields)
