"""The future of a call that nobody waits for yet.

A concurrent.futures.Future that never enters RUNNING, so `cancel()` works until the reply is
here. What came from below is decoded on the thread that asks for the result, never on the one
that reads.
"""

import _thread
import concurrent.futures

from .wire import PLAIN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Optional, Tuple

    from .link import Link
    from .wire import Message

__all__ = ["ReplyFuture"]


class ReplyFuture(concurrent.futures.Future):  # type: ignore[type-arg]
    """`open_reply(message)` decodes, or raises what the call raised; `defer` runs callbacks.

    `tell(future, error, is_hard)` tells the other side that nobody waits any more, and never
    blocks; it finds there what was called (`fn`) and where the reply is awaited (`handle`).

    It becomes a Future in full when somebody looks at it as one, or waits. Of a thousand calls in
    flight most are answered before that, and a dozen objects less for each, which the collector
    would go through again and again, are a third of the time that a call takes.
    """

    limit = 0
    handle = 0
    # Makes what a wait for it takes place in, if it may be a wait for oneself (service/waits.py).
    guard: "Optional[Callable[[], Any]]" = None
    # What its call went out by, and may wait in.
    link: "Optional[Link]" = None
    _message: "Optional[Message]" = None
    _encoding: "Optional[int]" = None
    _outcome: "Optional[Tuple[Any, Optional[BaseException]]]" = None
    _given_up: "Optional[Exception]" = None
    _is_full = False
    _opening: "Any" = None

    def __init__(
        self,
        respondent: "int",
        fn: "Any",
        open_reply: "Callable[[Message], Any]",
        defer: "Callable[[Callable[[], None]], None]",
        tell: "Callable[[ReplyFuture, Exception, bool], None]",
    ) -> "None":
        # Not super().__init__(): see __getattr__().
        self.respondent = respondent
        self.fn = fn
        self._open_reply = open_reply
        self._defer = defer
        self._tell = tell
        self._turn = _thread.allocate_lock()

    def __getattr__(self, name: "str") -> "Any":
        """Become a Future in full: asked only for what is missing, so for a part of one."""
        with self._turn:
            if not self._is_full:
                super().__init__()
                self._is_full = True
                if self._encoding is not None:
                    self._conclude()
        return object.__getattribute__(self, name)

    def deliver(self, message: "Message") -> "None":
        """Take the reply; after a cancel it is dropped."""
        with self._turn:
            if not self._is_full:
                self._message, self._encoding = message, message.encoding
                return
        with self._condition:
            if not self.done():
                self._message, self._encoding = message, message.encoding
                self._conclude()

    def _conclude(self) -> "None":
        if self._encoding == PLAIN:
            self.set_result(None)
        else:
            # So that wait(FIRST_EXCEPTION) sees that it failed, before anybody knows why.
            self.set_exception(_Failure())

    def lose(self, error: "Exception") -> "None":
        """Take the news that there will be none."""
        with self._condition:
            if not self.done():  # else it was cancelled in the meantime
                self.set_exception(error)

    def cancel(self, hard: "bool" = False) -> "bool":
        """Give the call up, and end the function; False when its outcome is here already.

        A call that waits is not begun; one that runs is interrupted (KeyboardInterrupt), and its
        `finally` blocks run. Whether it obeys is not waited for. `hard` ends the whole child if
        the function is running: also after a cancel, or a timeout, that it did not obey.
        """
        with self._condition:
            if not self.done():
                super().cancel()
                self.set_running_or_notify_cancel()
                self._given_up = concurrent.futures.CancelledError("the call was cancelled")
            elif not hard or self._given_up is None:
                return self.cancelled()
            error = self._given_up
        if error is not None:
            self._tell(self, error, hard)
        return True

    def give_up(self, error: "Exception") -> "None":
        """Cancel the call for a reason that its outcome tells: its deadline has passed."""
        with self._condition:
            if self.done():
                return
            self._given_up = error
            self.set_exception(error)
        self._tell(self, error, False)

    def result(self, timeout: "Optional[float]" = None) -> "Any":
        """Return what the call returned, or raise what it raised."""
        value, error = self._opened(timeout)
        if error is not None:
            raise error
        return value

    def exception(self, timeout: "Optional[float]" = None) -> "Optional[BaseException]":
        """Return what the call raised, None if it returned."""
        return self._opened(timeout)[1]

    def add_done_callback(self, fn: "Callable[[ReplyFuture], Any]") -> "None":
        """Call `fn(future)` once it is done, on a thread of the router's that may block."""
        super().add_done_callback(lambda _: self._defer(lambda: fn(self)))

    def _opened(self, timeout: "Optional[float]") -> "Tuple[Any, Optional[BaseException]]":
        if self._outcome is None and self._message is None:
            if self.link is not None:
                self.link.push()
            failure = self._wait(timeout)
            if self._message is None and self._outcome is None:
                return None, failure
        with self._turn:
            opening = self._opening = self._opening or _thread.allocate_lock()
        with opening:
            if self._outcome is None:
                self._outcome = self._open(self._message)  # type: ignore[arg-type]  # it has come
                self._message = None
            return self._outcome

    def _wait(self, timeout: "Optional[float]") -> "Optional[BaseException]":
        if self.guard is None or self.done():
            return super().exception(timeout)
        with self.guard():
            return super().exception(timeout)

    def _open(self, message: "Message") -> "Tuple[Any, Optional[BaseException]]":
        try:
            return self._open_reply(message), None
        except Exception as error:  # noqa: BLE001 it is the outcome of the call
            return None, error


class _Failure(Exception):
    """Stands for an error that nobody has decoded yet."""
