"""Inbox: the reading end of a stream: what came and nobody has read yet, counted per writer.

A *writer* is a context that was given a Sender, or that was heard. The stream ends when each of
its writers has: closed all Senders that it was given, failed, or was lost. What ends a writer
comes after all that it sent. Frames arrive on reading threads, which only count and queue them;
what they hold is looked at by whoever takes it.
"""

import os
import threading
from collections import deque
from hmac import compare_digest

from ..core.credit import GRANT, Allowance
from ..core.errors import CallTimeout, Error, ProtocolError, RefusedError
from ..core.values import encode
from ..core.wire import RAW, Message
from .frames import (
    END,
    END_LIMIT,
    GOES_ON,
    HEAD_SIZE,
    MORE,
    TOKEN_SIZE,
    VALUE_COST,
    cost_of,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, Deque, Dict, List, Optional, Set

    from ..core.switch import Switch

__all__ = ["MAX_WRITERS", "Inbox", "Item"]

# Each may have a window unread.
MAX_WRITERS = 1024

# What a writer's Senders were closed with and nobody has read yet: an end costs no credit, so of
# more than these only the fact is kept, and not the text.
MAX_FAILURES = 64
NOT_KEPT = encode(
    (
        "Error",
        "a sender was closed with an error; its text is not kept, %d are unread" % MAX_FAILURES,
    )
)

CLOSED = "the receiver is closed"


class Item:
    """What one `take()` returns: a value as it travelled, or the end of a writer.

    kind: one of frames.py; data: its bytes; error: what ended the writer instead of an END.
    """

    __slots__ = ("auth", "cost", "data", "error", "kind", "src")

    def __init__(
        self,
        src: "int",
        auth: "int",
        kind: "int",
        data: "bytes",
        cost: "int" = 0,
        error: "Optional[Exception]" = None,
    ) -> "None":
        self.src = src
        self.auth = auth
        self.kind = kind
        self.data = data
        self.cost = cost
        self.error = error


class _Writer:
    """One context that writes: its credit, its unfinished value, the Senders it was given."""

    __slots__ = (
        "allowance",
        "cost",
        "failures",
        "is_awaited",
        "is_cut_off",
        "is_over",
        "kind",
        "parts",
        "route",
        "senders",
    )

    def __init__(self, window: "int") -> "None":
        # By a value of more than half the window it may be overdrawn: see Outlet.
        self.allowance = Allowance(window, (window + 1) // 2 + VALUE_COST)
        self.senders = 0
        # How many of those failed, unread.
        self.failures = 0
        # An end must come, whatever Senders it was given: it spoke since the last one.
        self.is_awaited = False
        self.is_over = False
        self.is_cut_off = False
        self.route: "Optional[Message]" = None
        self.parts: "List[bytes]" = []
        self.kind = END
        self.cost = 0


class Inbox:
    """Waiter at the handle of a Receiver; `only` is the one context that may write, if given."""

    respondent = None  # the token decides who is heard, and the router tells who is lost
    limit = 1  # no frame of a stream comes in fragments

    def __init__(
        self,
        switch: "Switch",
        name_of: "Callable[[int], str]",
        window: "int",
        only: "Optional[int]",
    ) -> "None":
        self.token = os.urandom(TOKEN_SIZE)
        self._switch = switch
        self._name_of = name_of
        self.window = window
        self._only = only
        self._writers: "Dict[int, _Writer]" = {}
        self._queue: "Deque[Item]" = deque()
        self._open_writers = 0
        # How the last writer ended.
        self._outcome: "Optional[Item]" = None
        self._is_closed = False
        self._changed = threading.Condition(threading.Lock())
        if only is not None:
            self._add_writer(only).is_awaited = True
        self.handle = switch.listen(self)

    # -- on the reading threads ------------------------------------------------------------------

    def deliver(self, message: "Message") -> "None":
        """Take a frame, or refuse it."""
        payload = message.payload
        refusal: "Optional[str]" = "a frame without the token of this receiver"
        if len(payload) >= HEAD_SIZE and compare_digest(payload[:TOKEN_SIZE], self.token):
            with self._changed:
                if not self._is_closed:
                    refusal = self._accept(message)
        if self._is_closed:
            self._switch.reply_dead(message, "disconnected", CLOSED)
        elif refusal is not None:
            text = "refused %r: %s" % (message, refusal)
            self._switch.report_once(None, "stream of %d" % message.src, text)
            self._switch.reply_dead(message, "refused", refusal)

    def _accept(self, message: "Message") -> "Optional[str]":
        """Take a frame with the right token; return why not (with the lock held)."""
        if self._only not in (None, message.src):
            return "context %d is not the one that may write to this receiver" % message.src
        writer = self._writers.get(message.src)
        if writer is None:
            if not self._is_there(message.src):
                return None  # its loss came before this: nobody would end it again
            if len(self._writers) >= MAX_WRITERS:
                return "this receiver has %d writers, at most so many are heard" % MAX_WRITERS
            writer = self._add_writer(message.src)
        if writer.is_cut_off:
            return None  # it was told
        if writer.route is None or writer.route.reply_to != message.reply_to:
            writer.route = Message(0, message.src, 0, 0, message.reply_to, RAW, b"")
        complaint = self._add_frame(writer, message)
        if complaint is None:
            return None
        writer.is_cut_off = True
        writer.parts = []
        error = ProtocolError("%s %s: it is cut off" % (self._name_of(message.src), complaint))
        self._finish(writer, Item(message.src, message.auth, END, b"", 0, error), True)
        return complaint

    def _is_there(self, context_id: "int") -> "bool":
        """Tell whether a context can still be lost; routes go before anybody is told."""
        switch = self._switch
        if context_id in switch.routes or context_id == switch.id:
            return True
        # Of the loss of a sibling nobody tells us, and so it comes not before anything.
        return context_id in switch.parents or (switch.upstream is not None and switch.siblings)

    def _add_frame(self, writer: "_Writer", message: "Message") -> "Optional[str]":
        """Queue what a frame completes; return what is wrong with it."""
        payload = message.payload
        kind = payload[TOKEN_SIZE] & ~(MORE | GOES_ON)
        flags = payload[TOKEN_SIZE] & (MORE | GOES_ON)
        if message.encoding != RAW or kind > END or (kind == END and flags):
            return "sent a frame that no sender makes"
        if kind == END:
            return self._end_sender(writer, message)
        cost = cost_of(payload)
        if not writer.allowance.take(cost):
            return "sent more than its credit, a window of %d bytes" % self.window
        if flags & GOES_ON and not (writer.parts and writer.kind == kind):
            return "sent the end of a value without its beginning"
        if not flags & GOES_ON:
            # What was unfinished is given up; its cost is granted with the value that follows.
            writer.parts = []
        if writer.is_over:
            writer.is_over = False
            self._open_writers += 1
        writer.is_awaited = True
        writer.parts.append(payload[HEAD_SIZE:])
        writer.kind = kind
        writer.cost += cost
        if not flags & MORE:
            data = b"".join(writer.parts)
            self._queue.append(Item(message.src, message.auth, kind, data, writer.cost))
            writer.parts, writer.cost = [], 0
            self._changed.notify()
        return None

    def _end_sender(self, writer: "_Writer", message: "Message") -> "Optional[str]":
        data = message.payload[HEAD_SIZE:]
        if len(data) > END_LIMIT:
            return "sent an end of %d bytes" % len(data)
        if writer.is_over:
            return None  # a second end costs nothing, and says nothing
        writer.senders = max(0, writer.senders - 1)
        writer.is_awaited = False
        is_failure = data != b"\xc0"
        if is_failure:
            data = data if writer.failures < MAX_FAILURES else NOT_KEPT
            writer.failures += 1
        item = self._outcome = Item(message.src, message.auth, END, data)
        if not writer.senders:
            self._finish(writer, item, is_failure)
        elif is_failure:
            self._queue.append(item)
            self._changed.notify()
        return None

    def _add_writer(self, context_id: "int") -> "_Writer":
        writer = self._writers[context_id] = _Writer(self.window)
        self._open_writers += 1
        return writer

    def _finish(self, writer: "_Writer", item: "Item", is_failure: "bool") -> "None":
        """Note how a writer ended; a failure is raised once, in its turn."""
        if not writer.is_over:
            writer.is_over = True
            self._open_writers -= 1
        self._outcome = item
        if is_failure:
            self._queue.append(item)
        self._changed.notify_all()

    # -- who writes ------------------------------------------------------------------------------

    def expect(self, context_id: "int") -> "None":
        """Note that a context is given a Sender: it is a writer until it closes that.

        One that may not write here is none, whatever it is given: it may hand it on.
        """
        if self._only not in (None, context_id):
            return
        with self._changed:
            writer = self._writers.get(context_id)
            if writer is None:
                if len(self._writers) >= MAX_WRITERS:
                    raise RefusedError("a receiver may have %d writers" % MAX_WRITERS)
                writer = self._add_writer(context_id)
            elif writer.is_over and not writer.is_cut_off:
                writer.is_over = False
                self._open_writers += 1
            writer.senders += 1

    def take_back(self, context_id: "int") -> "None":
        """Note that a context was not given a Sender after all."""
        with self._changed:
            writer = self._writers.get(context_id)
            if writer is None:
                return
            writer.senders = max(0, writer.senders - 1)
            if writer.senders or writer.is_awaited or writer.is_over:
                return
            writer.is_over = True
            self._open_writers -= 1
            if writer.route is None:
                del self._writers[context_id]
            self._changed.notify_all()

    def lose_contexts(self, ids: "Set[int]", error: "Exception") -> "None":
        """Take the news that contexts are gone, some of them writers."""
        with self._changed:
            for context_id in ids & self._writers.keys():
                self._lose_writer(context_id, error)

    def _lose_writer(self, context_id: "int", error: "Exception") -> "None":
        writer = self._writers.pop(context_id)
        if not writer.is_over:
            self._finish(writer, Item(context_id, context_id, END, b"", 0, error), True)

    def lose(self, error: "Exception") -> "None":
        """Take the news that nobody can write any more: the router is closed."""
        with self._changed:
            for context_id in list(self._writers):
                self._lose_writer(context_id, error)
            if self._outcome is None:
                own_id = self._switch.id
                self._outcome = Item(own_id, own_id, END, b"", 0, error)
            self._changed.notify_all()

    # -- on the threads that read ----------------------------------------------------------------

    def take(self, timeout: "Optional[float]") -> "Item":
        """Return what came next, or how the stream ended; grant what it cost.

        Raises CallTimeout, and Error when the receiver is closed here.
        """
        with self._changed:
            if not self._changed.wait_for(self._is_settled, timeout):
                raise CallTimeout("no value came within %g s" % (timeout or 0))
            if self._is_closed:
                raise Error("this receiver is closed")
            if not self._queue:
                return self._outcome  # type: ignore[return-value]  # it is settled
            item = self._queue.popleft()
            writer = self._writers.get(item.src)
            granted = 0 if writer is None else writer.allowance.consume(item.cost)
            route = None if writer is None else writer.route
            if writer is not None and item.kind == END and item.error is None:
                writer.failures -= 1
        if granted and route is not None:
            self._switch.reply(route, RAW, GRANT.pack(granted))
        return item

    def _is_settled(self) -> "bool":
        is_over = self._outcome is not None and not self._open_writers
        return bool(self._queue) or is_over or self._is_closed

    def close(self) -> "None":
        """Give the handle back, drop what is unread, and tell the writers."""
        with self._changed:
            if self._is_closed:
                return
            self._is_closed = True
            routes = [writer.route for writer in self._writers.values()]
            self._queue.clear()
            self._writers.clear()
            self._changed.notify_all()
        self._switch.unlisten(self.handle)
        for route in routes:
            if route is not None:
                self._switch.reply_dead(route, "disconnected", CLOSED)
