"""Streams: what the Senders and Receivers of one router share.

The writing ends by the Receiver that they lead to, and the reading ends by their handles. Made
when the first of either is, so that a router without streams pays nothing for them.
"""

import threading

from .inbox import Inbox
from .outlet import Outlet

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Iterable, Optional, Sequence, Set, Tuple

    from ..core.context import Context
    from ..core.switch import Switch
    from ..types import Outgoing

    # Context and handle; with the token it is an address.
    Place = Tuple[int, int]
    Address = Tuple[int, int, bytes]

__all__ = ["STREAM_MODULES", "Lender", "Streams"]

# What a child needs to send something: it would ask for one after the other.
STREAM_MODULES = (
    "remotesvc.channel",
    "remotesvc.channel.frames",
    "remotesvc.channel.inbox",
    "remotesvc.channel.outlet",
    "remotesvc.channel.sender",
    "remotesvc.channel.streams",
    "remotesvc.core.dead",
    "remotesvc.core.lending",
    "remotesvc.core.references",
    "remotesvc.current",
)


class Streams:
    """The table of streams of the router that owns `switch`; `name_of(id)` names a context."""

    def __init__(self, switch: "Switch", name_of: "Callable[[int], str]") -> "None":
        self.switch = switch
        self.name_of = name_of
        self._outlets: "Dict[Address, Outlet]" = {}
        self._inboxes: "Dict[int, Inbox]" = {}
        self._error: "Optional[Exception]" = None
        self._lock = threading.Lock()
        self._lending = threading.local()
        switch.observe(self.lose)

    # -- writing ends ----------------------------------------------------------------------------

    def outlet(self, address: "Address", window: "int") -> "Outlet":
        """Return the writing end that leads to (context, handle, token)."""
        with self._lock:
            outlet = self._outlets.get(address)
            if outlet is None:
                outlet = self._outlets[address] = Outlet(self, *address, size=window)
            return outlet

    def forget(self, outlet: "Outlet") -> "None":
        """Drop a writing end that has ended."""
        with self._lock:
            self._outlets.pop((outlet.respondent, outlet.handle, outlet.token), None)

    # -- reading ends ----------------------------------------------------------------------------

    def open_inbox(self, window: "int", only: "Optional[int]") -> "Inbox":
        """Return a new reading end."""
        inbox = Inbox(self.switch, self.name_of, window, only)
        with self._lock:
            self._inboxes[inbox.handle] = inbox
            error = self._error
        if error is not None:
            inbox.lose(error)
        return inbox

    def close_inbox(self, inbox: "Inbox") -> "None":
        """Close a reading end."""
        with self._lock:
            self._inboxes.pop(inbox.handle, None)
        inbox.close()

    def lose(self, ids: "Set[int]", error: "Exception") -> "None":
        """Tell the reading ends of lost contexts (observer of the switch)."""
        for inbox in list(self._inboxes.values()):
            inbox.lose_contexts(ids, error)

    def end(self, error: "Exception") -> "None":
        """Tell all reading ends that nobody can write any more: the router is closed."""
        with self._lock:
            self._error = error
            inboxes = list(self._inboxes.values())
        for inbox in inboxes:
            inbox.lose(error)

    # -- Senders that travel ---------------------------------------------------------------------

    def collect(self, encode: "Callable[..., Any]", *args: "Any") -> "Tuple[Any, Set[Place]]":
        """Return encode(*args), and where the Senders lead that were encoded meanwhile."""
        lending = self._lending
        lent: "Set[Place]" = set()
        lending.lent = lent
        try:
            return encode(*args), lent
        finally:
            lending.lent = None

    def note(self, context_id: "int", handle: "int") -> "None":
        """Note that a Sender is being encoded on this thread."""
        lent: "Optional[Set[Place]]" = getattr(self._lending, "lent", None)
        if lent is not None:
            lent.add((context_id, handle))

    def expect(self, lent: "Iterable[Place]", context_id: "int") -> "None":
        """Have those Receivers of ours that Senders lead to expect a context to write."""
        for home, handle in lent:
            inbox = self._inboxes.get(handle)
            if home == self.switch.id and inbox is not None:
                inbox.expect(context_id)


class Lender:
    """Takes the place of what encodes calls, once a router has streams: it notes who gets them."""

    def __init__(self, outgoing: "Outgoing", streams: "Streams") -> "None":
        self._outgoing = outgoing
        self._streams = streams

    def encode_call(self, context: "Context", *args: "Any") -> "Tuple[int, bytes]":
        """Return what the other one does; with a Sender, send ahead what that needs."""
        encode = self._outgoing.encode_call
        call, lent = self._streams.collect(encode, context, *args)
        if lent:
            self._lend(lent, context)
        return call  # type: ignore[no-any-return]

    def push(self, context_id: "int", names: "Sequence[str]") -> "None":
        """Do what the other one does."""
        self._outgoing.push(context_id, names)

    def _lend(self, lent: "Set[Place]", context: "Context") -> "None":
        self._streams.expect(lent, context.id)
        try:
            context.check_connected()
        except Exception as error:
            # It may have been lost before it was expected to write.
            self._streams.lose({context.id}, error)
            raise
        self._outgoing.push(context.id, STREAM_MODULES)
