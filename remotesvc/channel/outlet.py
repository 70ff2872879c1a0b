"""Outlet: the writing end of a stream, one for all Senders of this process to one Receiver.

It keeps to the credit that the Receiver grants. It is made when something is first sent, and ends
when the Receiver is closed or lost, or when no Sender is open and all that was sent was granted
again: not before, for it is counted over there until it is read, and the next Sender has to know.

What is gathered has its credit already: it never waits, and leaves before anything else does.
"""

import threading
import time

from ..core.credit import GRANT, Window
from ..core.dead import exhume
from ..core.errors import CallTimeout, DisconnectedError, Error, MessageTooLarge, again
from ..core.values import encode
from ..core.wire import RAW
from .batch import pack
from .frames import (
    ASK,
    BATCH_SIZE,
    CONTEXT_ID,
    END,
    GIVEN,
    GONE,
    HEAD_SIZE,
    VALUE_COST,
    VALUES,
    cost_of,
    cut,
    total_cost,
)
from .gathering import LEAST_WINDOW, Gathering
from .turn import Turn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Iterable, List, Optional, Set

    from ..core.link import Link
    from ..core.wire import Message
    from .streams import Address, Streams

__all__ = ["TOO_LARGE", "Outlet"]

# What is said of a value of %d bytes that never fits into the window of %d.
TOO_LARGE = (
    "a value of %d bytes does not fit into the receiver's window of %d: send it in parts, or make "
    "the receiver with a larger window"
)

# Of the loss of a sibling nobody tells us: who waits for credit of one asks this often.
ASK_INTERVAL = 5.0

# Before a batch stands the head of its array.
_BATCH = bytes((VALUES,))
_BATCH_HEAD = 3


class Outlet:
    """Waiter for the credit of one Receiver: of context `respondent`, at its handle `handle`."""

    # Nothing longer is joined from fragments for it.
    limit = GRANT.size

    def __init__(self, streams: "Streams", address: "Address", size: "int", auth: "int") -> "None":
        self.respondent, self.handle, self.token = address
        # What is gathered is sent on this authority.
        self.auth = auth
        self.lost: "Optional[Exception]" = None
        # The id() of each open Sender, which this must not keep alive (for Streams).
        self.holders: "Set[int]" = set()
        # The contexts that were given a Sender to it from here.
        self.given: "Set[int]" = set()
        # Whether it is one Sender's alone: the way back of a channel.
        self.is_sole = False
        self.too_large = TOO_LARGE
        # Called when it has ended, on the thread that reads.
        self.on_end: "Optional[Callable[[], None]]" = None
        # Called when there may be room again, or never will, on the thread that reads.
        self.on_room: "Optional[Callable[[], None]]" = None
        self._streams = streams
        self._switch = streams.switch
        self._size = size
        self._window = Window(size)
        self._refusal: "Optional[bytes]" = None
        # Taken as a lock: while a Condition is entered, an interrupt may leave it taken.
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        # One sender after another waits for credit; and the frames of one value stay together,
        # whoever closes meanwhile without waiting.
        self._turn = threading.RLock()
        self._order = threading.Lock()
        self._batch_limit = _limit_batch(self._switch.max_message_size)
        self.is_gathering = size >= LEAST_WINDOW and self._batch_limit >= VALUE_COST
        # Whether a value that goes alone has the turn: what is granted is for that.
        self._is_reserved = False
        self.gathering = Gathering(streams, self.flush)
        self._allow()
        self._own_handle = self._switch.listen(self)

    # -- on the reading thread -------------------------------------------------------------------

    def deliver(self, message: "Message") -> "None":
        """Take credit, or a dead reply: nobody reads any more."""
        if message.encoding == RAW and len(message.payload) == GRANT.size:
            with self._lock:
                self._window.grant(GRANT.unpack(message.payload)[0])
                self._allow()
                self._changed.notify_all()
            if self.on_room is not None:
                self.on_room()
            if not self.holders:
                self._streams.drop_if_idle(self)
        elif message.encoding != RAW:
            # Read by whoever sends next: on this thread a child can fetch no module for it.
            self._end(None, message.payload)

    def lose(self, error: "Exception") -> "None":
        """Take the news that the context of the Receiver is gone."""
        self._end(error)

    def _end(self, error: "Optional[Exception]", refusal: "Optional[bytes]" = None) -> "None":
        with self._lock:
            self.lost = self.lost or error
            if self._refusal is None:
                self._refusal = refusal
            self.gathering.take()
            self._changed.notify_all()
        self.unlisten()
        self._streams.forget(self)
        for told in (self.on_end, self.on_room):
            if told is not None:
                told()

    def retire(self) -> "bool":
        """End it if nothing is being sent and the window is whole; tell whether it has ended."""
        if self.given or not self._turn.acquire(False):
            return False
        try:
            with self._lock:
                is_idle = self._window.left >= self._size and not self.gathering.run
                if self.lost is None and is_idle:
                    self.lost = Error("this sender is closed")
                    self._allow()
                return self.lost is not None
        finally:
            self._turn.release()

    def unlisten(self) -> "None":
        """Give back the handle for credit."""
        self._switch.unlisten(self._own_handle)

    # -- on the threads that send ----------------------------------------------------------------

    @property
    def has_ended(self) -> "bool":
        """Whether check() would raise."""
        return self.lost is not None or self._refusal is not None

    def check(self) -> "None":
        """Raise what ended this stream, once it has ended."""
        if self.lost is not None:
            raise again(self.lost)
        if self._refusal is not None:
            raise exhume(self._refusal)

    def gather(self, value: "Any", weight: "int", timeout: "Optional[float]") -> "None":
        """Take a small value, as soon as the window lets it; it leaves with others, soon.

        Raises CallTimeout, or what ended the stream; then nothing was taken.
        """
        limit = None if timeout is None else time.monotonic() + timeout
        gathering = self.gathering
        link = None
        if not self._add(value, weight):
            with Turn(self._turn, timeout, lambda: self._late(timeout)):
                link = self.flush()
                self._wait(lambda: gathering.has_room(weight), timeout, limit)
                with self._lock:
                    gathering.add(value, weight)
        if not gathering.is_timed:
            gathering.begin()
        if link is not None:
            link.wait_for_room(_left(limit))

    def _add(self, value: "Any", weight: "int") -> "bool":
        with self._lock:
            has_room = self.gathering.has_room(weight)
            if has_room:
                self.gathering.add(value, weight)
            return has_room

    def _allow(self) -> "None":
        """Let be gathered what the window holds (with the lock held)."""
        left = min(self._window.left, self._batch_limit)
        is_over = self.lost is not None or self._refusal is not None
        is_shut = is_over or self._is_reserved or not self.is_gathering
        self.gathering.allow(0 if is_shut or left < VALUE_COST else left)

    def flush(self, may_wait: "bool" = True) -> "Optional[Link]":
        """Send what was gathered, unless somebody is sending and it may not wait for that.

        Raises what ended the stream; what went wrong for once leaves the values gathered.
        """
        # Only the thread of the loop may not wait, and that is never interrupted.
        if not may_wait and self._order.locked():
            return None
        try:
            with self._order:
                return self._flush()
        except DisconnectedError as error:
            lost = error
        self._lose(lost)
        raise lost

    def _flush(self) -> "Optional[Link]":
        """Send what was gathered (while the order is ours)."""
        gathering = self.gathering
        if not gathering.run:
            return None
        values: "List[Any]" = []
        cost = 0
        # An interrupt may come anywhere here but within switch.send().
        try:
            with self._lock:
                values = gathering.take()
                # What it takes at most: else a grant might let it be gathered once more.
                cost = self._batch_limit
                self._window.spend(cost)
            frame = b"".join((self.token, _BATCH, pack(values)))
            self._spend(cost_of(frame) - cost)
            cost = cost_of(frame)
            return self._send(frame, self.auth)
        except BaseException:
            with self._lock:
                self._window.grant(cost)
                gathering.put_back(values)
            raise

    def put(self, kind: "int", data: "bytes", auth: "int", timeout: "Optional[float]") -> "None":
        """Send one value, as soon as the window lets it.

        Raises MessageTooLarge, CallTimeout, or what ended the stream; then nothing was sent.
        """
        if len(data) > self._size:
            raise MessageTooLarge(self.too_large % (len(data), self._size))
        limit = None if timeout is None else time.monotonic() + timeout
        # What was read is granted when it is half a window: to wait for more might be for ever.
        enough = min(total_cost(len(data)), self._size // 2)
        window = self._window
        with Turn(self._turn, timeout, lambda: self._late(timeout)):
            try:
                self._reserve(True)
                self.flush()
                self._wait(lambda: window.is_open and window.left >= enough, timeout, limit)
                link = self._emit(cut(self.token, kind, data), auth)
            finally:
                self._reserve(False)
        if link is not None:
            link.wait_for_room(_left(limit))

    def put_end(self, data: "bytes", auth: "int") -> "None":
        """Tell that one Sender is closed, after what was gathered.

        Never waits, and to whom nobody listens is no error.
        """
        with self._order:
            try:
                try:
                    self._flush()
                except Error as error:
                    # It may have been the last chance: so at least the reader is told.
                    data = encode(("Error", "what was sent last is lost: %s" % error))
                self._send(next(cut(self.token, END, data)), auth)
            except Error:
                return  # then there is no Receiver that waits for it

    def give(self, context_id: "int") -> "None":
        """Tell the Receiver that a context is given a Sender to it."""
        self._send(next(cut(self.token, GIVEN, CONTEXT_ID.pack(context_id))), self.auth)
        self.given.add(context_id)

    def take_back(self, context_id: "int", reason: "str" = "") -> "None":
        """Tell the Receiver that a context is gone, or was given no Sender after all."""
        if context_id in self.given:
            self.given.discard(context_id)
            data = CONTEXT_ID.pack(context_id) + reason.encode("utf-8", "replace")
            try:
                self._send(next(cut(self.token, GONE, data)), self.auth)
            except Error:
                return  # nobody waits there

    def _reserve(self, is_reserved: "bool") -> "None":
        with self._lock:
            self._is_reserved = is_reserved
            self._allow()

    def _wait(
        self,
        is_enough: "Callable[[], bool]",
        timeout: "Optional[float]",
        limit: "Optional[float]",
    ) -> "None":
        """Wait for credit; raise CallTimeout, or what ended the stream."""

        def is_settled() -> "bool":
            return self.lost is not None or self._refusal is not None or is_enough()

        while True:
            left = _left(limit)
            if not self._is_told:
                left = ASK_INTERVAL if left is None else min(left, ASK_INTERVAL)
            with self._lock:
                if self._changed.wait_for(is_settled, left):
                    break
            if limit is not None and time.monotonic() >= limit:
                raise self._late(timeout)
            self._send(next(cut(self.token, ASK, b"")), self.auth)
        self.check()

    @property
    def _is_told(self) -> "bool":
        """Whether the end of the Receiver's context is told here."""
        switch, context_id = self._switch, self.respondent
        return context_id in (switch.id, *switch.parents) or context_id in switch.routes

    def _emit(self, frames: "Iterable[bytes]", auth: "int") -> "Optional[Link]":
        try:
            with self._order:
                link = self._flush()
                for frame in frames:
                    cost = cost_of(frame)
                    self._spend(cost)
                    try:
                        link = self._send(frame, auth)
                    except Error:
                        self._spend(-cost)
                        raise
                return link
        except DisconnectedError as error:
            lost = error
        self._lose(lost)
        raise lost

    def _lose(self, error: "DisconnectedError") -> "None":
        """Note that there is no way to the Receiver (without the order: others are told)."""
        self._end(error)
        self._streams.lose({self.respondent}, error)

    def _send(self, frame: "bytes", auth: "int") -> "Optional[Link]":
        return self._switch.send(self.respondent, self.handle, RAW, frame, self._own_handle, auth)

    def _spend(self, size: "int") -> "None":
        with self._lock:
            self._window.spend(size)
            self._allow()
            self._changed.notify_all()

    def _late(self, timeout: "Optional[float]") -> "CallTimeout":
        return CallTimeout(
            "sending to %s timed out after %g s: what was sent before is not read yet"
            % (self._streams.name_of(self.respondent), timeout or 0)
        )


def _left(limit: "Optional[float]") -> "Optional[float]":
    return None if limit is None else max(0.0, limit - time.monotonic())


def _limit_batch(max_message_size: "int") -> "int":
    """Return how many bytes of values a batch may hold."""
    return min(BATCH_SIZE, max_message_size - HEAD_SIZE) - _BATCH_HEAD
