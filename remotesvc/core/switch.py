"""Switch: moves messages between links and local handles, and obeys authority.py.

It owns the routes and the table of local handles. It decides nothing by itself: each question goes
to a pure function of authority.py, and a refusal is told to the sender as a dead reply (unless it
is a reply itself) and reported once per link and kind. Links deliver on the threads that read
them; handlers run there, and never block.
"""

import itertools
import os
import threading

from .authority import (
    FIRST_DYNAMIC,
    handle_name,
    is_commanded,
    refuse_delivery,
    refuse_reply,
    refuse_sending,
    refuse_size,
)
from .errors import DisconnectedError, Error, MessageTooLarge, ProtocolError, RefusedError, again
from .fragments import Reassembler, total_size
from .link import QUEUE_LIMIT
from .values import encode
from .wire import DEAD, FRAGMENT, Message

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, Dict, List, Optional, Protocol, Set, Tuple

    from .link import Link
    from .relay import Relay

    Handler = Callable[[Optional[Link], Message], None]

    class Waiter(Protocol):
        """Whoever waits for a reply: told exactly once, on a reading thread.

        With a `limit`, the end of a stream: told of every message of at most so many bytes, until
        it does not listen any more. Without a respondent it hears whoever knows its handle.
        """

        @property
        def respondent(self) -> Optional[int]:
            """Return the id of the context that is to answer."""

        @property
        def limit(self) -> int:
            """Return the size that a message may have, 0 for a wait that one reply ends."""

        def deliver(self, message: Message) -> None:
            """Take the reply."""

        def lose(self, error: Exception) -> None:
            """Take the news that none will come."""


__all__ = ["Switch"]

# All messages that are being joined from fragments in this process, together.
REASSEMBLY_BUDGET = 512 * 1024 * 1024


class Switch:
    """The centre of one context: `id` is its own, `parents` go from its parent up to the root."""

    def __init__(
        self,
        own_id: "int",
        parents: "Tuple[int, ...]",
        max_message_size: "int",
        siblings: "bool",
        report: "Callable[[str], object]",
    ) -> "None":
        self.id = own_id
        self.parents = parents
        self.siblings = siblings
        self.max_message_size = max_message_size
        self.upstream: "Optional[Link]" = None
        self.relay: "Optional[Relay]" = None
        self.pid = os.getpid()
        self.report = report
        self.routes: "Dict[int, Link]" = {}
        self._handlers: "Dict[int, Handler]" = {}
        self._waiters: "Dict[int, Waiter]" = {}
        self._observers: "List[Callable[[Set[int], Exception], None]]" = []
        self._handles = itertools.count()
        self._reassembler = Reassembler(max(REASSEMBLY_BUDGET, max_message_size))
        self._reported: "Set[str]" = set()
        self._lock = threading.Lock()

    # -- set up ----------------------------------------------------------------------------------

    def serve(self, handle: "int", handler: "Handler") -> "None":
        """Give a reserved handle its handler."""
        self._handlers[handle] = handler

    def observe(self, observer: "Callable[[Set[int], Exception], None]") -> "None":
        """Have `observer(ids, error)` called whenever contexts are lost."""
        self._observers.append(observer)

    def add_link(self, link: "Link") -> "None":
        """Route to what lies behind the link of a child: from now on this is a relay."""
        from .relay import Relay

        with self._lock:
            self.relay = self.relay or Relay(self)
        self.relay.add_link(link)

    # -- sending ---------------------------------------------------------------------------------

    def listen(self, waiter: "Waiter") -> "int":
        """Return a new handle that delivers to `waiter`."""
        while True:
            handle = FIRST_DYNAMIC + next(self._handles) % ((1 << 32) - FIRST_DYNAMIC)
            if self._waiters.setdefault(handle, waiter) is waiter:
                return handle

    def unlisten(self, handle: "int") -> "Optional[Waiter]":
        """Give a handle back; what came for it, and what still comes, is dropped.

        Returns its waiter to one caller only: that one has to tell it the outcome.
        """
        with self._lock:
            waiter = self._waiters.pop(handle, None)
            if waiter is not None:
                self._reassembler.forget(waiter.respondent, handle)
            return waiter

    def check_process(self) -> "None":
        """Raise RefusedError in a fork: what two processes say on one link is nonsense."""
        if self.pid != os.getpid():
            raise RefusedError("a fork must not use links")

    def send(
        self,
        dst: "int",
        handle: "int",
        encoding: "int",
        payload: "bytes",
        reply_to: "int" = 0,
        auth: "Optional[int]" = None,
        may_wait: "bool" = False,
    ) -> "Optional[Link]":
        """Send a message from here; return the link that it took, None when it stayed here.

        Raises MessageTooLarge, RefusedError or DisconnectedError before anything was sent.
        """
        self.check_process()
        if len(payload) > self.max_message_size:
            raise MessageTooLarge(
                "%s of %d bytes: at most %d (max_message_size) may be sent"
                % (handle_name(handle), len(payload), self.max_message_size)
            )
        is_self = dst == self.id
        below = self.routes.get(dst)
        link = below or self.upstream
        if link is None and not is_self:
            raise DisconnectedError("there is no route to context %d" % dst)
        if handle < FIRST_DYNAMIC:
            refusal = refuse_sending(handle, below is not None, is_self)
            if refusal is not None:
                raise RefusedError(refusal)
        auth = self.id if auth is None else auth
        message = Message(dst, self.id, auth, handle, reply_to, encoding, payload)
        if link is None or is_self:
            self.deliver(None, message)
            return None
        if link.outbox.size > QUEUE_LIMIT + self.max_message_size:
            # Whoever may wait has waited before; this is one who asks and does not read.
            raise RefusedError("the way to context %d is congested" % dst)
        link.send(message, may_wait)
        return link

    # -- receiving -------------------------------------------------------------------------------

    def receive(self, link: "Link", message: "Message") -> "None":
        """Take one message from a link: deliver it, pass it on, or refuse it."""
        if self.relay is not None:
            self.relay.receive(link, message)
        elif message.dst == self.id:
            self.deliver(link, message)
        else:
            self.refuse_route(link, message)

    def deliver(self, link: "Optional[Link]", message: "Message") -> "None":
        """Deliver a message to this context, if authority lets it."""
        if message.handle < FIRST_DYNAMIC:
            self._deliver_reserved(link, message)
        else:
            self._deliver_reply(link, message)

    def _deliver_reserved(self, link: "Optional[Link]", message: "Message") -> "None":
        handle = message.handle
        from_below = link is not None and link is not self.upstream
        neighbour = None if link is None else link.peer_id
        refusal = refuse_delivery(
            handle, message.src, message.auth, self.id, self.parents, from_below, neighbour
        )
        handler = self._handlers.get(handle)
        if refusal is None and handler is None:
            refusal = "%s is not served by context %d" % (handle_name(handle), self.id)
        if refusal is not None:
            self.refuse(link, message, "refused", refusal)
            return
        joined = self._join(link, message, False)
        if joined is not None and handler is not None:
            handler(link, joined)

    def _deliver_reply(self, link: "Optional[Link]", message: "Message") -> "None":
        waiter = self._waiters.get(message.handle)
        if waiter is None:
            # A late reply is dropped: the caller gave up and was told so. Who writes to a stream
            # that nobody reads any more wants to know it.
            self.reply_dead(message, "disconnected", "the receiver is closed")
            return
        above = self.parents if message.encoding == DEAD else ()
        refusal = refuse_reply(message.src, message.auth, waiter.respondent, above)
        if refusal is not None:
            self.report_once(link, "reply", "dropped %r: %s" % (message, refusal))
            return
        joined = self._join(link, message, True, waiter.limit)
        if joined is not None and (waiter.limit or self.unlisten(message.handle) is waiter):
            waiter.deliver(joined)

    def _join(
        self, link: "Optional[Link]", message: "Message", is_asked: "bool", limit: "int" = 0
    ) -> "Optional[Message]":
        """Return the whole message, or None while pieces are missing or when it is refused."""
        if not message.encoding & FRAGMENT:
            return message
        try:
            size = total_size(message)
            is_commanding = is_commanded(message.src, message.auth, self.id, self.parents)
            refusal = refuse_size(size, is_asked, is_commanding, limit or self.max_message_size)
            if refusal is not None:
                raise MessageTooLarge(refusal)
            with self._lock:
                if is_asked and message.handle not in self._waiters:
                    return None  # given up at this very moment
                return self._reassembler.add(message)
        except (MessageTooLarge, ProtocolError) as error:
            waiter = self.unlisten(message.handle) if is_asked and not limit else None
            if waiter is not None:
                waiter.lose(error)
            self.refuse(link, message, "size", str(error))
        return None

    # -- refusing --------------------------------------------------------------------------------

    def refuse(
        self, link: "Optional[Link]", message: "Message", code: "str", text: "str"
    ) -> "None":
        """Report a refusal once, and tell the sender if it waits for a reply."""
        self.report_once(link, code, "refused %r: %s" % (message, text))
        self.reply_dead(message, code, text)

    def refuse_route(self, link: "Link", message: "Message") -> "None":
        """Refuse a message to a context that is not known here."""
        text = "there is no route to context %d" % message.dst
        self.refuse(link, message, "disconnected", text)

    def reply_dead(self, message: "Message", code: "str", text: "str") -> "None":
        """Answer a message with an error of ours, unless it is a reply or wants none."""
        if message.encoding & ~FRAGMENT != DEAD:
            self.reply(message, DEAD, encode((code, text)))

    def reply(
        self, message: "Message", encoding: "int", payload: "bytes", may_wait: "bool" = False
    ) -> "Optional[Link]":
        """Answer a message; the answer to one who is gone, or does not read, is dropped."""
        if message.reply_to < FIRST_DYNAMIC:
            return None  # it wants none; or ours to reach a handle that it may not
        try:
            return self.send(message.src, message.reply_to, encoding, payload, may_wait=may_wait)
        except MessageTooLarge:
            raise
        except Error:
            return None

    def report_once(self, link: "Optional[Link]", kind: "str", text: "str") -> "None":
        """Report what a link did wrong, once per kind: a flood of it costs a line."""
        reported = self._reported if link is None else link.reported
        if kind not in reported:
            reported.add(kind)
            self.report(text)

    # -- ends ------------------------------------------------------------------------------------

    def lose_link(self, link: "Link", error: "Exception") -> "None":
        """Forget all that lies behind a link, and tell everybody who waits for it."""
        with self._lock:
            lost = set(link.reach)
            if link is self.upstream:
                lost.update(self.parents)
            for context_id in lost:
                self.routes.pop(context_id, None)
        self.lose_contexts(lost, error)

    def lose_contexts(self, lost: "Set[int]", error: "Exception") -> "None":
        """Tell everybody who waits for one of the lost contexts."""
        with self._lock:
            for context_id in lost:
                self._reassembler.forget(context_id)
        for handle, waiter in list(self._waiters.items()):
            if waiter.respondent in lost and self.unlisten(handle) is not None:
                waiter.lose(again(error))
        for observer in list(self._observers):
            observer(lost, error)
