"""The router that the running code belongs to, wherever it runs.

The one state that a process of remotesvc has: here the routers that are open, over there the one
context that the process is.
"""

import sys
import threading

from .branch import Branch
from .channel.sender import open_sender
from .core.errors import Error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, List, Union

    from .bootstrap.child import Child
    from .channel.channel import Channel
    from .channel.sender import Sender
    from .core.context import Context
    from .types import AnyRouter

__all__ = ["add_router", "current_router", "remove_router", "restore_context", "restore_sender"]

_lock = threading.Lock()
_routers: "List[AnyRouter]" = []


def current_router() -> "AnyRouter":
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


def _branch_of(child: "Child") -> "AnyRouter":
    """Return the router of the child that this process is, made when first asked for."""
    for router in _routers:
        if isinstance(router, Branch):
            return router
    branch = Branch(child)
    _routers.append(branch)
    return branch


def add_router(router: "AnyRouter") -> "None":
    """Note that a router is open."""
    with _lock:
        _routers.append(router)


def remove_router(router: "AnyRouter") -> "None":
    """Note that a router is closed."""
    with _lock:
        _routers.remove(router)


def restore_sender(*fields: "Any") -> "Union[Sender, Channel]":
    """Return the Sender, or Channel, in a pickle: a parent sent it, so it is one's own."""
    router = current_router()
    return open_sender(router, router.switch.id, router.switch.id, fields)


def restore_context(context_id: "int", name: "str") -> "Context":
    """Return the Context in a pickle, on one's own authority for the same reason."""
    from .core.context import Context

    return Context(current_router(), context_id, name)  # type: ignore[arg-type]
