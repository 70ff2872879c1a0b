"""Services: how their framework starts in a child, with the first call that a parent makes.

This small file runs on the thread that reads, so it imports nothing that could have to be fetched:
it keeps what comes until a thread of its own has made the pool.
"""

import importlib
import threading

from .authority import CALL_SERVICE, is_commanded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, List, Optional, Tuple

    from ..bootstrap.child import Child
    from .link import Link
    from .switch import Handler, Switch
    from .wire import Message

__all__ = ["refuse_start", "start"]


def refuse_start(is_commanded: "bool", own_id: "int") -> "Optional[str]":
    """Judge a call that comes to a context before its service framework was started. Pure."""
    if is_commanded:
        return None
    return "no services are started in context %d; the first call of a parent starts them" % own_id


def start(child: "Child", link: "Optional[Link]", message: "Message") -> "None":
    """Take the first call of a service (handler of CALL_SERVICE, until it has put in others)."""
    kept: "List[Tuple[Optional[Link], Message]]" = []
    if not _keep(child.switch, kept, link, message):
        return

    def keep(link: "Optional[Link]", message: "Message") -> "None":
        _keep(child.switch, kept, link, message)

    child.switch.serve(CALL_SERVICE, keep)
    threading.Thread(
        target=_begin, args=(child, kept), name="remotesvc-services", daemon=True
    ).start()


def _keep(
    switch: "Switch",
    kept: "List[Tuple[Optional[Link], Message]]",
    link: "Optional[Link]",
    message: "Message",
) -> "bool":
    """Keep a call; those of strangers, who might send any number, have to come again."""
    commanded = is_commanded(message.src, message.auth, switch.id, switch.parents)
    refusal = refuse_start(commanded, switch.id)
    if refusal is not None:
        switch.refuse(link, message, "refused", refusal)
        return False
    kept.append((link, message))
    return True


def _begin(child: "Child", kept: "List[Tuple[Optional[Link], Message]]") -> "None":
    """Load what it takes, and have the pool made where calls are read."""
    try:
        # By name: both stand on floors above.
        router = importlib.import_module("remotesvc.current").current_router()
        pool = importlib.import_module("remotesvc.service.pool")
    except Exception as error:  # noqa: BLE001 no memory, no threads
        take = _refusal(child, error)
        child.loop.call_soon(lambda: _hand_over(child, lambda: take, kept))
    else:
        child.loop.call_soon(
            lambda: _hand_over(child, lambda: (router.pool or pool.Pool(router)).receive, kept)
        )


def _refusal(child: "Child", error: "Exception") -> "Handler":
    text = "services could not be started: %r" % (error,)
    return lambda link, message: child.switch.refuse(link, message, "refused", text)


def _hand_over(
    child: "Child",
    make: "Callable[[], Handler]",
    kept: "List[Tuple[Optional[Link], Message]]",
) -> "None":
    """Make the pool, unless user code was faster, and hand it what was kept.

    Nothing is read meanwhile: a call that comes now would overtake those.
    """
    try:
        take = make()
    except Exception as error:  # noqa: BLE001 no memory
        take = _refusal(child, error)
    child.switch.serve(CALL_SERVICE, take)
    for link, message in kept:
        take(link, message)
