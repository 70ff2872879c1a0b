"""Inbox: the reading end of a stream: what came and nobody has read yet, counted per writer.

A *writer* is a context that was given a Sender, or that was heard. The stream ends when each of
its writers has: closed all Senders that it was given, failed, or was lost. What ends a writer
comes after all that it sent. Frames arrive on reading threads, which only count and queue them;
what they hold is looked at by whoever takes it. Watchers are told, without any lock held.
"""

import os
import threading
from collections import deque
from hmac import compare_digest

from ..core.credit import GRANT
from ..core.errors import DisconnectedError, Error, ProtocolError, RefusedError
from ..core.values import encode
from ..core.wire import RAW, Message
from .frames import (
    ASK,
    BATCH_SIZE,
    CONTEXT_ID,
    END,
    END_LIMIT,
    GIVEN,
    GOES_ON,
    GONE,
    HEAD_SIZE,
    MORE,
    TOKEN_SIZE,
    VALUES,
    cost_of,
)
from .writer import Item, Writer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, Deque, Dict, Optional, Set, Tuple

    from ..core.switch import Switch

__all__ = ["MAX_WRITERS", "Inbox"]

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

# Kinds of frames that make nobody a writer.
_ABOUT_OTHERS = (GIVEN, GONE, ASK)


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
        is_single: "bool" = False,
    ) -> "None":
        self.token = os.urandom(TOKEN_SIZE)
        self._switch = switch
        self._name_of = name_of
        self.window = window
        self._only = only
        # Whether the first context that is given a Sender, or heard, is the only one.
        self._is_single = is_single
        self._watchers: "Tuple[Callable[[], None], ...]" = ()
        # How those are told of the end who write nothing but named others that do.
        self._givers: "Dict[int, Message]" = {}
        self._writers: "Dict[int, Writer]" = {}
        self._queue: "Deque[Item]" = deque()
        self._open_writers = 0
        # How the last writer ended.
        self._outcome: "Optional[Item]" = None
        self._is_closed = False
        # Taken as a lock: while a Condition is entered, an interrupt may leave it taken.
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        if only is not None:
            self._add_writer(only).is_awaited = True
        self.handle = switch.listen(self)

    @property
    def only(self) -> "Optional[int]":
        """The one context that may write, if there is one."""
        return self._only

    # -- on the reading threads ------------------------------------------------------------------

    def deliver(self, message: "Message") -> "None":
        """Take a frame, or refuse it."""
        payload = message.payload
        refusal: "Optional[str]" = "a frame without the token of this receiver"
        if len(payload) >= HEAD_SIZE and compare_digest(payload[:TOKEN_SIZE], self.token):
            with self._lock:
                if not self._is_closed:
                    refusal = self._accept(message)
            self._tell()
        if self._is_closed:
            self._switch.reply_dead(message, "disconnected", CLOSED)
        elif refusal is not None:
            text = "refused %r: %s" % (message, refusal)
            self._switch.report_once(None, "stream of %d" % message.src, text)
            self._switch.reply_dead(message, "refused", refusal)

    def _accept(self, message: "Message") -> "Optional[str]":
        """Take a frame with the right token; return why not (with the lock held)."""
        if message.payload[TOKEN_SIZE] in _ABOUT_OTHERS:
            return self._hear_of_others(message)
        if self._only not in (None, message.src):
            return "context %d is not the one that may write to this receiver" % message.src
        writer = self._writers.get(message.src)
        if writer is None:
            if not self._is_there(message.src):
                return None  # its loss came before this: nobody would end it again
            if len(self._writers) >= MAX_WRITERS:
                return "this receiver has %d writers, at most so many are heard" % MAX_WRITERS
            writer = self._add_writer(message.src)
            if self._is_single:
                self._only = message.src
        if writer.is_cut_off:
            return None  # it was told
        if writer.route is None or writer.route.reply_to != message.reply_to:
            writer.route = _route(message)
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

    def _add_frame(self, writer: "Writer", message: "Message") -> "Optional[str]":
        """Queue what a frame completes; return what is wrong with it."""
        payload = message.payload
        kind = payload[TOKEN_SIZE] & ~(MORE | GOES_ON)
        flags = payload[TOKEN_SIZE] & (MORE | GOES_ON)
        is_possible = kind < END or (kind <= VALUES and not flags)
        if message.encoding != RAW or not is_possible:
            return "sent a frame that no sender makes"
        if kind == END:
            return self._end_sender(writer, message)
        if kind == VALUES and len(payload) > HEAD_SIZE + BATCH_SIZE:
            return "sent a batch of %d bytes" % len(payload)
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

    def _hear_of_others(self, message: "Message") -> "Optional[str]":
        """Take a frame that concerns a context which our parent gave a Sender to, or asks."""
        kind, data = message.payload[TOKEN_SIZE], message.payload[HEAD_SIZE:]
        if kind == ASK:
            return None
        if message.src not in self._switch.parents or len(data) < CONTEXT_ID.size:
            return "context %d may not name other writers" % message.src
        self._givers[message.src] = _route(message)
        (context_id,) = CONTEXT_ID.unpack_from(data)
        reason = data[CONTEXT_ID.size :].decode("utf-8", "replace")
        if kind == GIVEN:
            try:
                self._expect(context_id)
            except RefusedError as error:
                return str(error)
        elif not reason:
            self._take_back(context_id)
        elif context_id in self._writers:
            self._lose_writer(context_id, DisconnectedError(reason))
        return None

    def _end_sender(self, writer: "Writer", message: "Message") -> "Optional[str]":
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

    def _add_writer(self, context_id: "int") -> "Writer":
        writer = self._writers[context_id] = Writer(self.window)
        self._open_writers += 1
        return writer

    def _finish(self, writer: "Writer", item: "Item", is_failure: "bool") -> "None":
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
        with self._lock:
            self._expect(context_id)

    def _expect(self, context_id: "int") -> "None":
        if self._only not in (None, context_id):
            if self._is_single:
                raise RefusedError("a channel has two ends, and the other one is given away")
            return
        writer = self._writers.get(context_id)
        if writer is None:
            if len(self._writers) >= MAX_WRITERS:
                raise RefusedError("a receiver may have %d writers" % MAX_WRITERS)
            writer = self._add_writer(context_id)
            if self._is_single:
                self._only = context_id
        elif writer.is_over and not writer.is_cut_off:
            writer.is_over = False
            self._open_writers += 1
        writer.senders += 1

    def take_back(self, context_id: "int") -> "None":
        """Note that a context was not given a Sender after all."""
        with self._lock:
            self._take_back(context_id)
        self._tell()

    def _take_back(self, context_id: "int") -> "None":
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
            if self._is_single:
                self._only = None
        self._changed.notify_all()

    def lose_contexts(self, ids: "Set[int]", error: "Exception") -> "None":
        """Take the news that contexts are gone, some of them writers."""
        with self._lock:
            for context_id in ids & self._writers.keys():
                self._lose_writer(context_id, error)
        self._tell()

    def _lose_writer(self, context_id: "int", error: "Exception") -> "None":
        writer = self._writers.pop(context_id)
        if not writer.is_over:
            self._finish(writer, Item(context_id, context_id, END, b"", 0, error), True)

    def lose(self, error: "Exception") -> "None":
        """Take the news that nobody can write any more: the router is closed."""
        with self._lock:
            for context_id in list(self._writers):
                self._lose_writer(context_id, error)
            if self._outcome is None:
                own_id = self._switch.id
                self._outcome = Item(own_id, own_id, END, b"", 0, error)
            self._changed.notify_all()
        self._tell()

    # -- watchers --------------------------------------------------------------------------------

    def watch(self, watcher: "Callable[[], None]") -> "None":
        """Call watcher() whenever there may be something to take, on any thread; now, too."""
        with self._lock:
            self._watchers = (*self._watchers, watcher)
        watcher()

    def unwatch(self, watcher: "Callable[[], None]") -> "None":
        """Stop that."""
        with self._lock:
            self._watchers = tuple(one for one in self._watchers if one != watcher)

    def _tell(self) -> "None":
        for watcher in self._watchers:
            watcher()

    # -- on the threads that read ----------------------------------------------------------------

    def take(self, timeout: "Optional[float]") -> "Optional[Item]":
        """Return what came next, or how the stream ended; grant what it cost.

        None when nothing came within `timeout` seconds. Raises Error when it is closed here.
        """
        with self._lock:
            if not self._changed.wait_for(self.is_settled, timeout):
                return None
            if self._is_closed:
                raise Error("this receiver is closed")
            if not self._queue:
                return self._outcome
            item = self._queue.popleft()
            writer = self._writers.get(item.src)
            granted = 0 if writer is None else writer.allowance.consume(item.cost)
            route = None if writer is None else writer.route
            if writer is not None and item.kind == END and item.error is None:
                writer.failures -= 1
        if granted and route is not None:
            self._switch.reply(route, RAW, GRANT.pack(granted))
        return item

    def is_settled(self) -> "bool":
        """Tell whether take() would return or raise at once."""
        return bool(self._queue) or self.is_over()

    def is_over(self) -> "bool":
        """Tell whether nothing more will come but how it ended, or it is closed here."""
        is_ended = self._outcome is not None and not self._open_writers
        return self._is_closed or (is_ended and not self._queue)

    def close(self) -> "None":
        """Give the handle back, drop what is unread, and tell the writers."""
        with self._lock:
            if self._is_closed:
                return
            self._is_closed = True
            routes = [writer.route for writer in self._writers.values()]
            routes += self._givers.values()
            self._queue.clear()
            self._writers.clear()
            self._changed.notify_all()
        self._switch.unlisten(self.handle)
        for route in routes:
            if route is not None:
                self._switch.reply_dead(route, "disconnected", CLOSED)
        self._tell()


def _route(message: "Message") -> "Message":
    """Return as much of a message as it takes to answer it."""
    return Message(0, message.src, 0, 0, message.reply_to, RAW, b"")
