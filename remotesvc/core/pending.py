"""Pending: one thread waits for one reply."""

import _thread

from .errors import CallTimeout, DisconnectedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Optional

    from .wire import Message

__all__ = ["Pending"]


class Pending:
    """The waiter of a blocking call: told once, from the thread that reads.

    A bare lock, held until the outcome is there, is the fastest hand-over between two threads.
    """

    limit = 0

    def __init__(self, respondent: "int") -> "None":
        self.respondent = respondent
        self._message: "Optional[Message]" = None
        self._error: "Optional[Exception]" = None
        # Held until then.
        self.told = _thread.allocate_lock()
        self.told.acquire()

    def deliver(self, message: "Message") -> "None":
        """Take the reply."""
        self._message = message
        self.told.release()

    def lose(self, error: "Exception") -> "None":
        """Take the news that there will be none."""
        self._error = error
        self.told.release()

    def wait(self, timeout: "Optional[float]", what: "str" = "the call") -> "Message":
        """Return the reply; raise what was lost, or CallTimeout naming `what` was waited for."""
        if not self.told.acquire(timeout=-1 if timeout is None else max(0.0, timeout)):
            raise CallTimeout("%s timed out after %g s" % (what, timeout or 0))
        if self._message is None:
            raise self._error or DisconnectedError("no reply came")
        return self._message
