"""Relay: what a switch with children does besides: it judges what comes from below, and passes on.

It decides nothing by itself: each question goes to a pure function of reach.py. A child that
starts no children never gets this file.
"""

from collections import deque

from .authority import FIRST_DYNAMIC
from .express import reader
from .link import QUEUE_LIMIT
from .reach import refuse_relay, refuse_source
from .routes import Routes
from .values import encode
from .wire import DEAD, FRAGMENT, Message

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Deque, Dict, List, Tuple

    from .link import Link
    from .switch import Switch

__all__ = ["Relay"]

# Who passes messages on may queue as much as he leaves free for the others: one alone up to
# QUEUE_LIMIT and one message of the largest size, which so passes any link however slow; and there
# is always room for one more (the dynamic thresholds of Choudhury and Hahne, "Dynamic queue length
# thresholds for shared-memory packet switches", 1998).
SHARED_LIMIT = 2 * QUEUE_LIMIT

# What is told in the place of replies that found no room: some thousands.
NEWS_LIMIT = 1024 * 1024

# What is queued is remembered in lumps of this size, so at most some hundred of them.
LUMP = 256 * 1024


class Relay:
    """Stands before the delivery of a switch, from its first child on."""

    def __init__(self, switch: "Switch") -> "None":
        self._switch = switch
        self.routes = Routes(switch)
        self._shares: "Dict[Tuple[Link, Link], _Share]" = {}
        switch.observe(self._forget)
        if switch.upstream is not None:
            self._hasten(switch.upstream)

    def add_link(self, link: "Link") -> "None":
        """Route to the child at the other end of a link."""
        self.routes.add_link(link)
        if self._switch.upstream is not None:
            self._hasten(link)

    def _hasten(self, link: "Link") -> "None":
        """Let frames that nothing is in the way of go the short way; from the next bytes on."""
        link.on_bytes = reader(self._switch, link)  # type: ignore[assignment, method-assign]
        stream: "Any" = link._stream
        if stream is not None:
            stream.on_bytes = link.on_bytes

    def receive(self, link: "Link", message: "Message") -> "None":
        """Take one message from any link: deliver it, pass it on, or refuse it."""
        switch = self._switch
        if link is not switch.upstream:
            refusal = refuse_source(link.reach, message.src, message.auth)
            if refusal is not None:
                switch.report_once(link, "source", "dropped %r: %s" % (message, refusal))
                return
        if message.dst == switch.id:
            switch.deliver(link, message)
        else:
            self._pass_on(link, message)

    def _pass_on(self, link: "Link", message: "Message") -> "None":
        switch = self._switch
        to_link = switch.routes.get(message.dst)
        from_below = link is not switch.upstream
        refusal = refuse_relay(from_below, to_link is not None, switch.siblings)
        if refusal is not None:
            switch.refuse(link, message, "refused", refusal)
            return
        if to_link is None and from_below:
            to_link = switch.upstream
        if to_link is None:
            switch.refuse_route(link, message)
            return
        if from_below and switch.siblings and message.dst not in switch.parents:
            self.routes.note_talk(link, message.dst)
        if self._take(link, to_link, len(message.payload)):
            self._forward(link, to_link, message)
            return
        text = "the way to context %d is congested" % message.dst
        self._refuse_for(link, message, "congested", text)
        is_reply = message.handle >= FIRST_DYNAMIC > message.reply_to
        if is_reply and message.encoding & ~FRAGMENT != DEAD:
            # Who waits for it would wait for ever; who sent it waits for nothing.
            news = encode(("congested", text))
            if self._take(link, to_link, len(news), NEWS_LIMIT):
                dst, src, auth, handle = message.dst, message.src, message.auth, message.handle
                self._forward(link, to_link, Message(dst, src, auth, handle, 0, DEAD, news))

    def _take(self, link: "Link", to_link: "Link", size: "int", more: "int" = 0) -> "bool":
        limit = SHARED_LIMIT + 2 * self._switch.max_message_size + more
        return self._share(link, to_link).take(to_link, size, limit)

    def _refuse_for(self, link: "Link", message: "Message", code: "str", text: "str") -> "None":
        """Refuse a message in the name of who it was for: the sender takes it from nobody else.

        Who asked need not know the relays on the way; and what lies behind a relay is at its mercy
        anyway.
        """
        switch = self._switch
        if message.dst not in switch.routes:
            switch.refuse(link, message, code, text)
            return
        switch.report_once(link, code, "refused %r: %s" % (message, text))
        wants_none = message.reply_to < FIRST_DYNAMIC or message.encoding & ~FRAGMENT == DEAD
        if not wants_none:
            dst, src = message.src, message.dst
            link.send(Message(dst, src, src, message.reply_to, 0, DEAD, encode((code, text))))

    def _share(self, link: "Link", to_link: "Link") -> "_Share":
        share = self._shares.get((link, to_link))
        if share is None:
            share = self._shares[(link, to_link)] = _Share()
        return share

    def _forget(self, ids: "set[int]", error: "Exception") -> "None":
        """Drop what concerns links that have ended (observer of the switch)."""
        for pair in list(self._shares):
            if pair[0].error is not None or pair[1].error is not None:
                self._shares.pop(pair, None)

    def _forward(self, link: "Link", to_link: "Link", message: "Message") -> "None":
        try:
            to_link.send(message)
        except Exception as error:  # noqa: BLE001 whatever ended the link is told to the sender
            self._refuse_for(link, message, "disconnected", str(error))


class _Share:
    """What one link has in the queue of another: lumps of [where in the stream it ends, size]."""

    def __init__(self) -> "None":
        self._lumps: "Deque[List[int]]" = deque()
        self._size = 0

    def take(self, to_link: "Link", size: "int", limit: "int") -> "bool":
        """Note a message; False, and nothing noted, if it leaves too little room for others."""
        lumps = self._lumps
        while lumps and lumps[0][0] <= to_link.bytes_sent:
            self._size -= lumps.popleft()[1]
        if self._size > limit - to_link.outbox.size:
            return False
        if not lumps or lumps[-1][1] >= LUMP:
            lumps.append([0, 0])
        lumps[-1][0] = to_link.bytes_sent + to_link.outbox.size + size
        lumps[-1][1] += size
        self._size += size
        return True
