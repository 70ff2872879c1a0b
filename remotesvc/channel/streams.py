"""Streams: what the Senders and Receivers of one router share.

The writing ends by the Receiver that they lead to, and the reading ends by their handles. Made
when the first of either is, so that a router without streams pays nothing for them.
"""

import threading
from hmac import compare_digest

from ..core.budget import Unfit
from ..core.errors import ProtocolError, RefusedError
from ..core.lending import refuse_handing_on
from ..core.link import QUEUE_LIMIT
from .inbox import Inbox
from .outlet import Outlet

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Iterable, List, Optional, Sequence, Set, Tuple, Union

    from ..core.context import Context
    from ..core.loop import Loop
    from ..core.switch import Switch
    from ..types import Outgoing
    from .channel import Channel
    from .gathering import Gathering
    from .sender import Sender

    # Context and handle; with the token it is an address.
    Place = Tuple[int, int]
    Address = Tuple[int, int, bytes]
    # Where what was encoded leads: with a Sender or Channel, and without for a Context.
    Lent = Dict[Place, Union[Sender, Channel, None]]

__all__ = ["STREAM_MODULES", "Lender", "Streams"]

# Writing ends to the Receivers of one context below, which alone decides when they end: about 2 KB
# each. Parents are trusted.
MAX_OUTLETS = 1024

# What a child needs to send something: it would ask for one after the other.
STREAM_MODULES = (
    "remotesvc.branch",
    "remotesvc.channel",
    "remotesvc.channel.batch",
    "remotesvc.channel.frames",
    "remotesvc.channel.gathering",
    "remotesvc.channel.inbox",
    "remotesvc.channel.outlet",
    "remotesvc.channel.sender",
    "remotesvc.channel.streams",
    "remotesvc.channel.turn",
    "remotesvc.channel.writer",
    "remotesvc.core.borrower",
    "remotesvc.core.complaints",
    "remotesvc.core.dead",
    "remotesvc.core.lending",
    "remotesvc.core.references",
    "remotesvc.core.seconds",
    "remotesvc.current",
)

# And what it needs for a Channel.
CHANNEL_MODULES = ("remotesvc.channel.channel", "remotesvc.channel.receiver")


class Streams:
    """The table of streams of the router that owns `switch`; `name_of(id)` names a context."""

    def __init__(self, switch: "Switch", loop: "Loop", name_of: "Callable[[int], str]") -> "None":
        self.switch = switch
        self.loop = loop
        self.name_of = name_of
        self._outlets: "Dict[Address, Outlet]" = {}
        self._inboxes: "Dict[int, Inbox]" = {}
        self._error: "Optional[Exception]" = None
        self._lock = threading.Lock()
        # Where small values wait for others; about.
        self.busy: "Set[Gathering]" = set()
        self._thread = threading.local()
        # Whether all that leaves by this router is encoded under `collect`.
        self.has_lender = False
        switch.observe(self.lose)

    # -- writing ends ----------------------------------------------------------------------------

    def outlet(
        self,
        address: "Address",
        window: "int",
        auth: "int",
        holder: "Sender",
        is_sole: "bool" = False,
    ) -> "Outlet":
        """Return the writing end that leads to (context, handle, token), held by a Sender.

        Raises RefusedError when that context has too many, and ProtocolError when it, or the one
        that there is, is for one Sender alone.
        """
        with self._lock:
            outlet = self._outlets.get(address)
            if outlet is not None and (is_sole or outlet.is_sole):
                raise ProtocolError(
                    "%s sent a second reference to the end of a channel" % self.name_of(address[0])
                )
            if outlet is None:
                self._check_outlets(address[0])
                outlet = self._outlets[address] = Outlet(self, address, window, auth)
                outlet.is_sole = is_sole
            outlet.holders.add(id(holder))
            return outlet

    def _check_outlets(self, context_id: "int") -> "None":
        is_trusted = context_id == self.switch.id or context_id in self.switch.parents
        count = 0 if is_trusted else sum(place[0] == context_id for place in self._outlets)
        if count >= MAX_OUTLETS:
            raise RefusedError(
                "%d streams to %s are open, and more are not possible: read them to the end over "
                "there, or close their receivers" % (count, self.name_of(context_id))
            )

    def flush(self) -> "None":
        """Send all small values that wait for others: whoever goes on to wait says this."""
        self._thread.has_waited = True
        for gathering in list(self.busy):
            gathering.push()

    def has_waited(self) -> "bool":
        """Tell, once, whether this thread went on to wait since it last asked."""
        thread = self._thread
        has_waited, thread.has_waited = getattr(thread, "has_waited", False), False
        return has_waited

    def release(self, outlet: "Outlet", holder: "Sender") -> "None":
        """Note that a Sender is closed; drop its writing end if nothing is left to remember."""
        with self._lock:
            outlet.holders.discard(id(holder))
        self.drop_if_idle(outlet)

    def drop_if_idle(self, outlet: "Outlet") -> "None":
        """Drop a writing end without open Senders whose window is whole."""
        with self._lock:
            is_over = not outlet.holders and outlet.retire()
            if is_over:
                self._remove(outlet)
        if is_over:
            outlet.unlisten()

    def forget(self, outlet: "Outlet") -> "None":
        """Drop a writing end that has ended."""
        with self._lock:
            self._remove(outlet)

    def _remove(self, outlet: "Outlet") -> "None":
        address = (outlet.respondent, outlet.handle, outlet.token)
        if self._outlets.get(address) is outlet:
            del self._outlets[address]

    # -- reading ends ----------------------------------------------------------------------------

    def open_inbox(
        self, window: "int", only: "Optional[int]", is_single: "bool" = False
    ) -> "Inbox":
        """Return a new reading end."""
        inbox = Inbox(self.switch, self.name_of, window, only, is_single)
        with self._lock:
            self._inboxes[inbox.handle] = inbox
            error = self._error
        if error is not None:
            inbox.lose(error)
        return inbox

    def is_ours(self, handle: "int", token: "bytes", window: "int") -> "bool":
        """Tell whether a Receiver of ours that is open gave out such a Sender."""
        inbox = self._inboxes.get(handle)
        return inbox is not None and compare_digest(inbox.token, token) and inbox.window == window

    def close_inbox(self, inbox: "Inbox") -> "None":
        """Close a reading end."""
        with self._lock:
            self._inboxes.pop(inbox.handle, None)
        inbox.close()

    def lose(self, ids: "Set[int]", error: "Exception") -> "None":
        """Tell the reading ends of lost contexts, here and elsewhere (observer of the switch)."""
        for inbox in list(self._inboxes.values()):
            inbox.lose_contexts(ids, error)
        for outlet in list(self._outlets.values()):
            for context_id in outlet.given & ids:
                outlet.take_back(context_id, str(error))

    def end(self, error: "Exception") -> "None":
        """Tell all reading ends that nobody can write any more: the router is closed."""
        self.flush()
        with self._lock:
            self._error = error
            inboxes = list(self._inboxes.values())
        for inbox in inboxes:
            inbox.lose(error)

    # -- Senders that travel ---------------------------------------------------------------------

    def collect(self, encode: "Callable[..., Any]", *args: "Any") -> "Tuple[Any, Lent]":
        """Return encode(*args), and where the Senders lead that were encoded meanwhile."""
        thread = self._thread
        lent: "Lent" = {}
        thread.lent = lent
        try:
            return encode(*args), lent
        finally:
            thread.lent = None

    def note(
        self, context_id: "int", handle: "int", sender: "Union[Sender, Channel, None]" = None
    ) -> "None":
        """Note that a Sender or a Channel is being encoded on this thread."""
        lent: "Optional[Lent]" = getattr(self._thread, "lent", None)
        if lent is not None:
            lent[(context_id, handle)] = sender
        elif self.has_lender and not self.switch.parents:
            # A child has one router, and encodes results in its own way.
            raise Unfit(
                "is a Sender of another router: make its Receiver on the router of this one"
            )

    def note_context(self, context_id: "int") -> "None":
        """Note that a Context is being encoded on this thread."""
        try:
            self.note(context_id, 0)
        except Unfit:
            raise Unfit("is a context of another router, and unknown to this one") from None

    def expect(self, lent: "Iterable[Place]", context_id: "int") -> "None":
        """Have the Receivers that Senders lead to expect a context to write.

        Raises RefusedError when one of them has too many writers, or that context may not write
        to it; then none expects it.
        """
        done: "List[Place]" = []
        try:
            for place in lent:
                inbox = self._own_inbox(place)
                if inbox is not None:
                    inbox.expect(context_id)
                    done.append(place)
            # Last: these are told in messages.
            for sender in self._strangers(lent, context_id):
                self._hand_on(sender, context_id)
        except Exception:
            self.take_back(done, context_id)
            raise

    def _hand_on(self, sender: "Sender", context_id: "int") -> "None":
        """Tell the Receiver of somebody else that a third context may write to it."""
        switch, home = self.switch, sender.place[0]
        is_below = home in switch.routes and context_id in switch.routes
        is_apart = is_below and switch.routes[home] is not switch.routes[context_id]
        refusal = refuse_handing_on(
            self.name_of(home), self.name_of(context_id), is_below, is_apart, switch.siblings
        )
        if refusal is not None:
            raise RefusedError(refusal)
        sender.outlet().give(context_id)

    def take_back(self, lent: "Iterable[Place]", context_id: "int") -> "None":
        """Undo expect(): the Senders were not sent."""
        for place in lent:
            inbox = self._own_inbox(place)
            if inbox is not None:
                inbox.take_back(context_id)
        for sender in self._strangers(lent, context_id):
            sender.outlet().take_back(context_id)

    def _strangers(self, lent: "Iterable[Place]", context_id: "int") -> "List[Sender]":
        """Return the Senders that lead neither to us nor to who is given them."""
        if not isinstance(lent, dict):
            return []
        near = (self.switch.id, context_id)
        return [one for place, one in lent.items() if one is not None and place[0] not in near]

    def _own_inbox(self, place: "Place") -> "Optional[Inbox]":
        home, handle = place
        return self._inboxes.get(handle) if home == self.switch.id else None


class Lender:
    """Takes the place of what encodes calls, once a router has streams: it notes who gets them."""

    def __init__(self, outgoing: "Outgoing", streams: "Streams") -> "None":
        self._outgoing = outgoing
        self._streams = streams
        streams.has_lender = True

    def encode_call(self, context: "Context", *args: "Any") -> "Tuple[int, bytes]":
        """Return what the other one does; with a Sender, send ahead what that needs.

        What was sent before the call arrives before it.
        """
        self._streams.flush()
        encode = self._outgoing.encode_call
        call, lent = self._streams.collect(encode, context, *args)
        if lent:
            self._lend(lent, context, len(call[1]))
        return call  # type: ignore[no-any-return]

    def encode_service(self, context: "Context", *args: "Any") -> "bytes":
        """Return the same for the arguments of a service."""
        self._streams.flush()
        arguments, lent = self._streams.collect(self._outgoing.encode_service, context, *args)
        if lent:
            self._lend(lent, context, len(arguments))
        return arguments  # type: ignore[no-any-return]

    def push(self, context_id: "int", names: "Sequence[str]") -> "None":
        """Do what the other one does."""
        self._outgoing.push(context_id, names)

    def push_connector(self, context_id: "int", connector: "str") -> "None":
        """Do what the other one does, where that is the controller's."""
        self._outgoing.push_connector(context_id, connector)  # type: ignore[attr-defined]

    def _lend(self, lent: "Lent", context: "Context", size: "int") -> "None":
        streams = self._streams
        streams.expect(lent, context.id)
        try:
            # It may have been lost before it was expected to write.
            context.check_connected()
            if self._is_refused(context.id, size):
                # The switch says why, in a moment.
                streams.take_back(lent, context.id)
                return
            self._outgoing.push(context.id, STREAM_MODULES)
            if any(hasattr(one, "meet") for one in lent.values()):
                self._outgoing.push(context.id, CHANNEL_MODULES)
        except Exception:
            streams.take_back(lent, context.id)
            raise

    def _is_refused(self, context_id: "int", size: "int") -> "bool":
        """Tell whether the switch will not send a call of so many bytes."""
        switch = self._streams.switch
        link = switch.routes.get(context_id) or switch.upstream
        is_congested = (
            link is not None and link.outbox.size > QUEUE_LIMIT + switch.max_message_size
        )
        has_no_route = link is None and context_id != switch.id
        return is_congested or has_no_route or size > switch.max_message_size
