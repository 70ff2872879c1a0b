"""Receiver: the reading end of a stream as its users see it."""

import threading
import time
from collections import deque

from ..core.errors import CallTimeout, Error, ProtocolError, RemoteError, again
from ..core.seconds import check_seconds
from ..core.values import decode
from .batch import unpack
from .frames import BYTES, DEFAULT_WINDOW, END, MAX_WINDOW, VALUES
from .sender import Sender
from .turn import Turn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any, AsyncIterator, Callable, Deque, Iterator, Optional, Set, Tuple, Type

    from ..core.context import Context
    from ..types import Station
    from .writer import Item

__all__ = ["EndOfStream", "Receiver"]


class EndOfStream(Error, EOFError):
    """No more values will come: all who wrote to the Receiver have closed their Senders."""


class Receiver:
    """Takes values from the Senders that it gives out; a context manager, iterable.

    window: bytes, what each context that writes may have under way and unread; a value costs its
    size and can be no larger. respondent: the one context that may write; without
    it, whoever was given a Sender. The stream ends when all who write have closed their Senders.
    """

    # Whether the first context that is given a Sender, or heard, is the only one.
    is_single = False

    def __init__(
        self,
        router: "Station",
        window: "int" = DEFAULT_WINDOW,
        respondent: "Optional[Context]" = None,
    ) -> "None":
        if not hasattr(router, "streams"):
            raise TypeError("Receiver: wanted is a Router, got %r" % (router,))
        if type(window) is not int or not 1 <= window <= MAX_WINDOW:
            raise ValueError("window=%r: 1 to %d bytes are possible" % (window, MAX_WINDOW))
        if respondent is not None and getattr(respondent, "router", None) is not router:
            raise ValueError("respondent=%r: wanted is a context of this router" % (respondent,))
        self._router = router
        self._window = window
        only = None if respondent is None else respondent.id
        self._inbox = router.streams.open_inbox(window, only, self.is_single)
        # What of a batch nobody has got yet; one thread at a time brings the next.
        self._ready: "Deque[Any]" = deque()
        self._bringing = threading.RLock()
        if respondent is not None and not respondent.connected:
            self._lose(respondent)

    def _lose(self, respondent: "Context") -> "None":
        try:
            respondent.check_connected()
        except Exception as error:  # noqa: BLE001 whatever ended it is what get() raises
            self._inbox.lose_contexts({respondent.id}, error)

    @property
    def sender(self) -> "Sender":
        """A new Sender to this receiver, to use here or to give away."""
        inbox = self._inbox
        return Sender(
            self._router, self._router.switch.id, inbox.handle, inbox.token, self._window
        )

    def get(self, timeout: "Optional[float]" = None) -> "Any":
        """Return the next value.

        Raises CallTimeout after `timeout` seconds; EndOfStream when all who write have closed.
        What went wrong with one of them is raised once, after all that it sent, and the others
        go on: RemoteError for what it closed with, DisconnectedError (or the ConnectError that
        kept it from starting) for its loss, ProtocolError for what it may not do. How the last
        one ended is raised again by each further call. Not on the I/O thread.
        """
        try:
            return self._ready.popleft()
        except IndexError:
            pass  # and what is raised below was not raised because of that
        return self._bring(timeout)

    def _bring(self, timeout: "Optional[float]") -> "Any":
        self._router.check_may_block()
        timeout = check_seconds("timeout", timeout)
        limit = None if timeout is None else time.monotonic() + timeout
        if not self._inbox.is_settled():
            # Whoever is to answer may wait for what was sent from here.
            self._router.streams.flush()
        with Turn(self._bringing, timeout, lambda: late(timeout)):
            while True:
                # Others bring while we wait for our turn, and may get all that we bring.
                try:
                    return self._ready.popleft()
                except IndexError:
                    left = None if limit is None else max(0.0, limit - time.monotonic())
                item = self._inbox.take(left)
                if item is None:
                    raise late(timeout)
                self._take(item)

    def _take(self, item: "Item") -> "None":
        """Take what came next apart; raise how a writer ended."""
        if item.error is not None:
            raise again(item.error)
        if item.kind == BYTES:
            self._ready.append(item.data)
        elif item.kind == END:
            raise self._end(item)
        elif item.kind == VALUES:
            self._ready.extend(self._unpack(item))
        else:
            self._ready.append(self._router.decode(item.data, item.src, item.auth))

    def _unpack(self, item: "Item") -> "Any":
        try:
            return unpack(item.data, lambda data: self._router.decode(data, item.src, item.auth))
        except ValueError as error:
            raise ProtocolError("%s sent %s" % (self._router.name_of(item.src), error)) from error

    def poll(self) -> "Optional[Tuple[Any]]":
        """Return the next value as a tuple of one, None if there is none yet; raise as get()."""
        if not (self._ready or self._inbox.is_settled()):
            return None
        try:
            return (self.get(0),)
        except CallTimeout:
            return None  # another thread was faster

    def flush(self) -> "None":
        """Send what waits for others, and check that this thread may wait."""
        self._router.check_may_block()
        self._router.streams.flush()

    def watch(self, watcher: "Callable[[], None]") -> "None":
        """Call watcher() whenever there may be something to take, on any thread; now, too."""
        self._inbox.watch(watcher)

    def unwatch(self, watcher: "Callable[[], None]") -> "None":
        """Stop that."""
        self._inbox.unwatch(watcher)

    def lose_writers(self, ids: "Set[int]", error: "Exception") -> "None":
        """Take the news that contexts will write no more."""
        self._inbox.lose_contexts(ids, error)

    @property
    def only(self) -> "Optional[int]":
        """The one context that may write, if there is one."""
        return self._inbox.only

    @property
    def has_ended(self) -> "bool":
        """Whether get() would do nothing but say once more how the stream ended."""
        return not self._ready and self._inbox.is_over()

    def _end(self, item: "Item") -> "Exception":
        name = self._router.name_of(item.src)
        reason: "Any" = decode(item.data)
        if reason is None:
            return EndOfStream("no more values: every sender of this receiver is closed")
        if type(reason) is not tuple or tuple(map(type, reason)) != (str, str):
            return ProtocolError("%s ended a stream without saying why" % name)
        from ..core.visible import visible

        error = RemoteError()
        error.type_name, error.message = map(visible, reason)
        error.context_name = name
        return error

    def __iter__(self) -> "Iterator[Any]":
        while True:
            try:
                value = self.get()
            except EndOfStream:
                return
            yield value

    async def aget(self, timeout: "Optional[float]" = None) -> "Any":
        """Do what get() does in an asyncio program, without a thread that waits."""
        from .awaiting import take

        return (await take(self, check_seconds("timeout", timeout)))[0]

    async def __aiter__(self) -> "AsyncIterator[Any]":
        while True:
            try:
                value = await self.aget()
            except EndOfStream:
                return
            yield value

    def conclude(self, respondent: "Context", error: "Exception") -> "None":
        """Raise this error after all that a context sent, if it did not end its stream itself."""
        self._inbox.lose_contexts({respondent.id}, error)

    def close(self) -> "None":
        """Take no more; who still sends hears DisconnectedError. Closing twice is fine."""
        self._router.streams.close_inbox(self._inbox)
        self._ready.clear()

    def __enter__(self) -> "Receiver":
        return self

    def __exit__(
        self,
        kind: "Optional[Type[BaseException]]",
        error: "Optional[BaseException]",
        traceback: "Optional[TracebackType]",
    ) -> "None":
        self.close()


def late(timeout: "Optional[float]") -> "CallTimeout":
    """Return the error of a deadline that has passed without a value."""
    return CallTimeout("no value came within %g s" % (timeout or 0))
