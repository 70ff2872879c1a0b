"""Hops: how a child starts children of its own: a parent's order is taken here, on the I/O thread.

The context that is to be exists from here on: what is sent to it waits in its link. All that takes
time is done by a thread (connect/opener.py). At the end of this process its children go first.
"""

import importlib
import os
import threading
import time

from .authority import OPEN_CHILD, TEND_CHILD
from .complaints import complain
from .depot import Depot
from .errors import DisconnectedError
from .link import Link
from .values import decode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional

    from ..bootstrap.child import Child
    from .wire import Message

__all__ = ["HOP_MODULES", "Hops", "hops_of", "start"]

# What has to be in a child before its first order: the I/O thread imports it, and cannot ask. Some
# of it is imported with that order, some when those behind ask for something (the clerk).
HOP_MODULES = (
    "remotesvc.core.clerk",
    "remotesvc.core.complaints",
    "remotesvc.core.dead",
    "remotesvc.core.depot",
    "remotesvc.core.errands",
    "remotesvc.core.express",
    "remotesvc.core.hops",
    "remotesvc.core.lanes",
    "remotesvc.core.questions",
    "remotesvc.core.reach",
    "remotesvc.core.relay",
    "remotesvc.core.routes",
    "remotesvc.core.secret",
    "remotesvc.core.shelf",
    "remotesvc.core.visible",
)

# What is left of the 2 s that a child has for its end when the programs it started are killed.
LAST_MOMENT = 0.2
FAREWELL = 2.0


class Hops:
    """The children of one child: who was ordered, and how all of them end."""

    def __init__(self, child: "Child") -> "None":
        self.child = child
        self.depot = Depot(child.switch, child._finder, child.loop.call_later)
        # What was opened by order of a parent, as connect/opener.py tends it.
        self._tended: "Dict[int, Any]" = {}
        # The connections of this child, whoever had them opened.
        self.connections: "Dict[int, Any]" = {}
        self._leave = child.leave
        child.leave = self._begin_end  # type: ignore[method-assign]
        if hasattr(os, "register_at_fork"):  # 3.7
            os.register_at_fork(after_in_child=self._forget_all)
        complain(child.switch)
        child.switch.serve(OPEN_CHILD, self.open)
        child.switch.serve(TEND_CHILD, self.tend)

    def open(self, link: "Optional[Link]", message: "Message") -> "None":
        """Begin to open a child (handler of OPEN_CHILD)."""
        # What the order says in detail is decoded by the thread: that may ask for modules.
        context_id, order, *words = decode(message.payload)
        new = self.add_link(context_id)
        tended: "Any" = {"close": lambda text: new.end(DisconnectedError(text))}
        self._tended[context_id] = tended

        def begin() -> "None":
            try:
                if words:
                    self._start_ahead(context_id, words[0])
                # By name: connectors stand on a floor above.
                opener = importlib.import_module("remotesvc.connect.opener")
            except Exception as error:  # noqa: BLE001 no memory, no descriptors, no parent
                self._give_up(new, message, error)
            else:
                opener.carry_out(self, new, order, message, tended)

        try:
            threading.Thread(target=begin, name="remotesvc-opener", daemon=True).start()
        except RuntimeError as error:
            self._give_up(new, message, error)

    def _start_ahead(self, context_id: "int", words: "List[str]") -> "None":
        """Start the program of a connector; what keeps it from that, the connector will tell."""
        ahead = importlib.import_module("remotesvc.connect.ahead")
        try:
            self.connections[context_id] = ahead.Ahead(self.child.loop, words)
        except (OSError, ValueError):
            return

    def _give_up(self, link: "Link", message: "Message", error: "Exception") -> "None":
        """Tell that an order could not even be begun with."""
        text = "its parent could not begin to open it: %r" % error
        self.child.switch.reply_dead(message, "disconnected", text)
        if link.peer_id in self.connections:
            self.connections[link.peer_id].close()
        self.forget(link.peer_id)
        link.end(DisconnectedError(text))

    def add_link(self, context_id: "int") -> "Link":
        """Return the link of a child that is to be; whatever comes for it waits there."""
        switch = self.child.switch
        new = Link(context_id, switch.receive, switch.lose_link)
        switch.add_link(new)
        return new

    def tend(self, link: "Optional[Link]", message: "Message") -> "None":
        """Do what is asked with a child that was ordered (handler of TEND_CHILD)."""
        context_id, verb, argument = decode(message.payload)
        tended = self._tended.get(context_id)
        if tended is not None and verb in tended:
            tended[verb](argument)

    def _forget_all(self) -> "None":
        """Let go, in a fork, of what leads to the children: its copies would hide our end."""
        for connection in self.connections.values():
            getattr(connection.stream, "forget", bool)()

    def forget(self, context_id: "int") -> "None":
        """Note that nothing is left of a child."""
        self._tended.pop(context_id, None)
        self.connections.pop(context_id, None)

    # -- the end ---------------------------------------------------------------------------------

    def _begin_end(self) -> "None":
        """Begin the end: that of the children begins with it, however busy this one is."""
        child = self.child
        if not child.is_leaving:
            for tended in list(self._tended.values()):
                tended.get("cancel", bool)()
            error = DisconnectedError("its parent has ended")
            for link in set(child.switch.routes.values()):
                link.end(error)
            settle = child.settle

            def settle_and_wait() -> "None":
                settle()
                if threading.current_thread() is threading.main_thread():
                    self._wait()

            child.settle = settle_and_wait
            child.loop.call_later(FAREWELL - LAST_MOMENT, self._kill_all)
        self._leave()

    def _wait(self) -> "None":
        """Wait until all programs that were started here are gone; what is stuck is killed."""
        limit = time.monotonic() + FAREWELL
        for connection in list(self.connections.values()):
            connection.stream.gone.wait(max(0.0, limit - time.monotonic()))

    def _kill_all(self) -> "None":
        for connection in list(self.connections.values()):
            connection.stream.kill()


def start(child: "Child", link: "Optional[Link]", message: "Message") -> "None":
    """Take the first order of a parent (handler of OPEN_CHILD, until it has put in others)."""
    hops_of(child).open(link, message)


def hops_of(child: "Child") -> "Hops":
    """Return the one of a child, made when it is first needed, by whatever thread that is."""
    with child.switch._lock:
        kept = vars(child)
        if "hops" not in kept:
            kept["hops"] = Hops(child)
        return kept["hops"]  # type: ignore[no-any-return]
