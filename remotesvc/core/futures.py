"""The future of a call that nobody waits for yet.

A concurrent.futures.Future that never enters RUNNING, so `cancel()` works until the reply is
here. What came from below is decoded on the thread that asks for the result, never on the one
that reads.
"""

import concurrent.futures
import threading

from .wire import PLAIN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Optional, Tuple

    from .wire import Message

__all__ = ["ReplyFuture"]


class ReplyFuture(concurrent.futures.Future):  # type: ignore[type-arg]
    """`open_reply(message)` decodes, or raises what the call raised; `defer` runs callbacks."""

    limit = 0

    def __init__(
        self,
        respondent: "int",
        open_reply: "Callable[[Message], Any]",
        defer: "Callable[[Callable[[], None]], None]",
        forget: "Callable[[], Any]",
    ) -> "None":
        super().__init__()
        self.respondent = respondent
        self._open_reply = open_reply
        self._defer = defer
        self._forget = forget
        self._opening = threading.Lock()
        self._outcome: "Optional[Tuple[Any, Optional[BaseException]]]" = None

    def deliver(self, message: "Message") -> "None":
        """Take the reply; after a cancel it is dropped."""
        if message.encoding == PLAIN:
            self._settle(self.set_result, message)
        else:
            # So that wait(FIRST_EXCEPTION) sees that it failed, before anybody has decoded why.
            self._settle(self.set_exception, _Failure(message))

    def lose(self, error: "Exception") -> "None":
        """Take the news that there will be none."""
        self._settle(self.set_exception, error)

    def cancel(self) -> "bool":
        """Give the call up; False when its reply is here already."""
        if self.cancelled():
            return True
        if not super().cancel():
            return False
        self.set_running_or_notify_cancel()
        self._forget()
        return True

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

    def _settle(self, settle: "Callable[[Any], None]", outcome: "Any") -> "None":
        with self._condition:
            if not self.done():  # else it was cancelled in the meantime
                settle(outcome)

    def _opened(self, timeout: "Optional[float]") -> "Tuple[Any, Optional[BaseException]]":
        failure = super().exception(timeout)
        if failure is not None and not isinstance(failure, _Failure):
            return None, failure
        with self._opening:
            if self._outcome is None:
                message = super().result() if failure is None else failure.message
                try:
                    self._outcome = (self._open_reply(message), None)
                except Exception as error:  # noqa: BLE001 it is the outcome of the call
                    self._outcome = (None, error)
            return self._outcome


class _Failure(Exception):
    """Stands for an error that nobody has decoded yet."""

    def __init__(self, message: "Message") -> "None":
        Exception.__init__(self)
        self.message = message
