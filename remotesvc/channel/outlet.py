"""Outlet: the writing end of a stream, one for all Senders of this process to one Receiver.

It keeps to the credit that the Receiver grants. It is made when something is first sent, and ends
when the Receiver is closed or lost, or when no Sender is open and all that was sent was granted
again: not before, for it is counted over there until it is read, and the next Sender has to know.
"""

import threading
import time

from ..core.credit import GRANT, Window
from ..core.dead import exhume
from ..core.errors import CallTimeout, DisconnectedError, Error, MessageTooLarge, again
from ..core.wire import RAW
from .frames import END, cost_of, cut, total_cost

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterable, Optional, Set

    from ..core.link import Link
    from ..core.wire import Message
    from .streams import Streams

__all__ = ["Outlet"]


class Outlet:
    """Waiter for the credit of one Receiver: of context `respondent`, at its handle `handle`."""

    # Nothing longer is joined from fragments for it.
    limit = GRANT.size

    def __init__(
        self, streams: "Streams", context_id: "int", handle: "int", token: "bytes", size: "int"
    ) -> "None":
        self.respondent = context_id
        self.handle = handle
        self.token = token
        self.lost: "Optional[Exception]" = None
        # The id() of each Sender that is open: this must not keep it alive. For Streams only.
        self.holders: "Set[int]" = set()
        self._streams = streams
        self._switch = streams.switch
        self._size = size
        self._window = Window(size)
        self._refusal: "Optional[bytes]" = None
        self._changed = threading.Condition(threading.Lock())
        # One sender after another waits for credit; and the frames of one value stay together,
        # whoever closes meanwhile without waiting.
        self._turn = threading.Lock()
        self._order = threading.Lock()
        self._own_handle = self._switch.listen(self)

    # -- on the reading thread -------------------------------------------------------------------

    def deliver(self, message: "Message") -> "None":
        """Take credit, or a dead reply: nobody reads any more."""
        if message.encoding == RAW and len(message.payload) == GRANT.size:
            with self._changed:
                self._window.grant(GRANT.unpack(message.payload)[0])
                self._changed.notify_all()
            if not self.holders:
                self._streams.drop_if_idle(self)
        elif message.encoding != RAW:
            # Read by whoever sends next: on this thread a child can fetch no module for it.
            self._end(None, message.payload)

    def lose(self, error: "Exception") -> "None":
        """Take the news that the context of the Receiver is gone."""
        self._end(error)

    def _end(self, error: "Optional[Exception]", refusal: "Optional[bytes]" = None) -> "None":
        with self._changed:
            self.lost = self.lost or error
            if self._refusal is None:
                self._refusal = refusal
            self._changed.notify_all()
        self.unlisten()
        self._streams.forget(self)

    def retire(self) -> "bool":
        """End it if nothing is being sent and the window is whole; tell whether it has ended."""
        if not self._turn.acquire(False):
            return False
        try:
            with self._changed:
                if self.lost is None and self._window.left >= self._size:
                    self.lost = Error("this sender is closed")
                return self.lost is not None
        finally:
            self._turn.release()

    def unlisten(self) -> "None":
        """Give back the handle for credit."""
        self._switch.unlisten(self._own_handle)

    # -- on the threads that send ----------------------------------------------------------------

    def check(self) -> "None":
        """Raise what ended this stream, once it has ended."""
        if self.lost is not None:
            raise again(self.lost)
        if self._refusal is not None:
            raise exhume(self._refusal)

    def put(self, kind: "int", data: "bytes", auth: "int", timeout: "Optional[float]") -> "None":
        """Send one value, as soon as the window lets it.

        Raises MessageTooLarge, CallTimeout, or what ended the stream; then nothing was sent.
        """
        if len(data) > self._size:
            raise MessageTooLarge(
                "a value of %d bytes does not fit into the receiver's window of %d: send it in "
                "parts, or make the receiver with a larger window" % (len(data), self._size)
            )
        limit = None if timeout is None else time.monotonic() + timeout
        if not self._turn.acquire(timeout=-1 if timeout is None else max(0.0, timeout)):
            raise self._late(timeout)
        try:
            self._wait_for_credit(total_cost(len(data)), timeout, limit)
            link = self._emit(cut(self.token, kind, data), auth)
        finally:
            self._turn.release()
        if link is not None:
            link.wait_for_room(_left(limit))

    def put_end(self, data: "bytes", auth: "int") -> "None":
        """Tell that one Sender is closed; never waits, and to whom nobody listens is no error."""
        with self._order:
            try:
                self._send(next(cut(self.token, END, data)), auth)
            except Error:
                return  # then there is no Receiver that waits for it

    def _wait_for_credit(
        self, cost: "int", timeout: "Optional[float]", limit: "Optional[float]"
    ) -> "None":
        # What was read is granted when it is half a window: to wait for more might be for ever.
        enough = min(cost, self._size // 2)

        def is_settled() -> "bool":
            is_over = self.lost is not None or self._refusal is not None
            return is_over or (self._window.is_open and self._window.left >= enough)

        with self._changed:
            if not self._changed.wait_for(is_settled, _left(limit)):
                raise self._late(timeout)
        self.check()

    def _emit(self, frames: "Iterable[bytes]", auth: "int") -> "Optional[Link]":
        link = None
        with self._order:
            for frame in frames:
                cost = cost_of(frame)
                self._grant(-cost)
                try:
                    link = self._send(frame, auth)
                except DisconnectedError as error:
                    self._end(error)
                    self._streams.lose({self.respondent}, error)
                    raise
                except Error:
                    self._grant(cost)
                    raise
        return link

    def _send(self, frame: "bytes", auth: "int") -> "Optional[Link]":
        return self._switch.send(self.respondent, self.handle, RAW, frame, self._own_handle, auth)

    def _grant(self, size: "int") -> "None":
        with self._changed:
            self._window.grant(size)

    def _late(self, timeout: "Optional[float]") -> "CallTimeout":
        return CallTimeout(
            "sending to %s timed out after %g s: what was sent before is not read yet"
            % (self._streams.name_of(self.respondent), timeout or 0)
        )


def _left(limit: "Optional[float]") -> "Optional[float]":
    return None if limit is None else max(0.0, limit - time.monotonic())
