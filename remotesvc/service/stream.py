"""Stream: what a caller gets of a method that yields; an iterator with flow control."""

import time
import weakref
from functools import partial

from ..channel.receiver import EndOfStream, Receiver, late
from ..core.budget import Unfit
from ..core.errors import CallTimeout, Error, RemoteError
from .catalog import CATALOG
from .offers import NUMBER
from .waits import Wait

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any, Optional, Tuple, Type

    from ..core.futures import ReplyFuture
    from .verbs import ServiceVerbs

__all__ = ["Stream"]


class Stream:
    """Iterates over what a method yields over there; a context manager.

    The method begins to run with the first `next()`, and never gets further ahead than a window
    of 1 MiB. An exception in it is raised here after all that it yielded; what it returns is
    `value` at the end. `close()`, the end of the `with` block, or that nobody holds it any more,
    ends it early: its `finally` blocks run. A timeout of the call counts for each value, and for
    the end; the stream goes on after it. `async for` works too.
    """

    SIZE = NUMBER.size

    def __init__(self, verbs: "ServiceVerbs", payload: "bytes") -> "None":
        self.value: "Any" = None
        self._verbs = verbs
        self._number = NUMBER.unpack(payload)[0]
        self._receiver: "Optional[Receiver]" = None
        self._future: "Optional[ReplyFuture]" = None
        self._wait: "Optional[Wait]" = None
        self._is_over = False
        self._finalizer: "Any" = None

    def __repr__(self) -> "str":
        return "<Stream %d of %s>" % (self._number, self._verbs.context.name)

    def __wire__(self) -> "Tuple[int, Tuple[Any, ...]]":
        raise Unfit("is a stream, and a stream cannot be passed on: give list(stream)")

    def __reduce__(self) -> "Tuple[Any, ...]":
        raise Unfit("a stream cannot be passed on: give list(stream)")

    def __iter__(self) -> "Stream":
        return self

    def __next__(self) -> "Any":
        if self._is_over:
            raise StopIteration
        receiver = self._receiver or self._open()
        deadline = _Deadline(self._verbs.timeout)
        try:
            return receiver.get(self._verbs.timeout)
        except (EndOfStream, RemoteError, _Over):
            pass  # the answer says how it ended
        except CallTimeout:
            raise  # the next one may come in time
        except BaseException:
            self.close()
            raise
        self._conclude(deadline)
        raise StopIteration

    def _conclude(self, deadline: "_Deadline") -> "None":
        """Take the answer, which may come later than the end of the values, or never."""
        from concurrent.futures import wait  # a child has services before it has futures

        future: "Any" = self._future
        try:
            is_there = wait((future,), deadline.left()).done
        except BaseException:
            self.close()
            raise
        if not is_there:
            raise deadline.error()
        self._finish()
        self.value = future.result()

    def __aiter__(self) -> "Stream":
        return self

    async def __anext__(self) -> "Any":
        if self._is_over:
            raise StopAsyncIteration
        receiver = self._receiver or self._open()
        deadline = _Deadline(self._verbs.timeout)
        try:
            return await receiver.aget(self._verbs.timeout)
        except (EndOfStream, RemoteError, _Over):
            pass
        except CallTimeout:
            raise
        except BaseException:
            self.close()
            raise
        await self._await_end(deadline)
        raise StopAsyncIteration

    async def _await_end(self, deadline: "_Deadline") -> "None":
        """Do what _conclude() does."""
        import asyncio

        future: "Any" = self._future
        # Not wrap_future(): who gives that up gives up the call.
        loop, event = asyncio.get_event_loop(), asyncio.Event()
        future.add_done_callback(lambda _: _tell(loop, event))
        try:
            await asyncio.wait_for(event.wait(), deadline.left())
        except asyncio.TimeoutError:
            raise deadline.error() from None
        except BaseException:
            self.close()
            raise
        self._finish()
        self.value = future.result()

    def _open(self) -> "Receiver":
        context = self._verbs.context
        self._wait = self._verbs.wait("a method that yields")
        if self._wait is not None:
            self._wait.__enter__()
        receiver = self._receiver = Receiver(context.router, respondent=context)
        try:
            arguments = {"number": self._number, "sender": receiver.sender}
            future = self._future = context.submit_service(CATALOG, "open_stream", **arguments)
            # Its answer comes after all that was sent, and also if the method never began.
            future.add_done_callback(lambda _: receiver.conclude(context, _Over()))
            # Who leaves a loop early has it collected: then it ends, as a local generator would.
            end = partial(_abandon, receiver, future, self._wait)
            self._finalizer = weakref.finalize(self, context.router.loop.call_soon, end)
            self._finalizer.atexit = False
        except BaseException:
            self.close()
            raise
        if self._is_over:
            self.close()  # another thread has closed it before there was anything to close
        return receiver

    def _finish(self) -> "None":
        """Let go of everything: it is known how the method ended."""
        self._is_over = True
        self._let_go()

    def close(self) -> "None":
        """End the method, if it runs; closing twice is fine."""
        self._is_over = True
        self._let_go()
        if self._future is not None:
            self._future.cancel()

    def _let_go(self) -> "None":
        if self._finalizer is not None:
            self._finalizer.detach()
        if self._wait is not None:
            self._wait.end()
        if self._receiver is not None:
            self._receiver.close()

    def __enter__(self) -> "Stream":
        return self

    def __exit__(
        self,
        kind: "Optional[Type[BaseException]]",
        error: "Optional[BaseException]",
        traceback: "Optional[TracebackType]",
    ) -> "None":
        self.close()


def _abandon(receiver: "Receiver", future: "ReplyFuture", wait: "Optional[Wait]") -> "None":
    """End a stream that nobody can read any more; never blocks."""
    if wait is not None:
        wait.end()
    receiver.close()
    future.cancel()


def _tell(loop: "Any", event: "Any") -> "None":
    try:
        loop.call_soon_threadsafe(event.set)
    except RuntimeError:
        return  # the loop is closed, so nobody waits


class _Deadline:
    """When a value, or the end, has to be there."""

    def __init__(self, timeout: "Optional[float]") -> "None":
        self._timeout = timeout
        self._limit = None if timeout is None else time.monotonic() + timeout

    def left(self) -> "Optional[float]":
        """Return the seconds that are left."""
        return None if self._limit is None else max(0.0, self._limit - time.monotonic())

    def error(self) -> "CallTimeout":
        """Return what is raised when they are over."""
        return late(self._timeout)


class _Over(Error):
    """The answer is here: it says how the stream ended."""
