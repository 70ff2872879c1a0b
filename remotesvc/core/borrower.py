"""Borrower: the main thread of a child reads a reply itself, instead of waiting for who reads.

The loop is lent to it (loop.py), so that nothing is handed from one thread to another. But Python
runs the handlers of signals on the main thread, between any two steps, and one that raises in the
middle of a message would lose it. SIGINT is ours and knows that (calls.py); while a function has
any other handler installed, the main thread waits as all others do.
"""

import _signal  # type: ignore[import-not-found]
import _thread
import signal
import time

from .loop import REST

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Optional

    from .calls import CallLoop
    from .loop import Loop
    from .pending import Pending
    from .wire import Message

__all__ = ["Borrower"]

OTHERS = [number for number in range(1, _signal.NSIG) if number != _signal.SIGINT]


class Borrower:
    """The main thread of a child, while a function on it waits for replies."""

    def __init__(self, loop: "Loop", calls: "CallLoop") -> "None":
        self._loop = loop
        self._calls = calls
        self._pending: "Optional[Pending]" = None
        # When the last reply was there.
        self._since = 0.0

    def is_wanted(self) -> "bool":
        """Tell whether the reply is there, or an interrupt on its way (for the loop)."""
        pending = self._pending
        return pending is None or not pending.told.locked() or self._calls.is_due

    def wait(self, pending: "Pending", timeout: "Optional[float]") -> "Message":
        """Return what `pending.wait(timeout)` does."""
        if _thread.get_ident() == self._calls.thread:
            # Who asks once in a while would only keep others waiting for the loop.
            is_likely = timeout is None and time.monotonic() - self._since < REST
            if is_likely and self._is_undisturbed():
                self._read(pending)
            message = pending.wait(timeout)
            self._since = time.monotonic()
            return message
        return pending.wait(timeout)

    def _is_undisturbed(self) -> "bool":
        is_ours = _signal.getsignal(_signal.SIGINT) == self._calls.on_interrupt
        return is_ours and not any(map(callable, map(_signal.getsignal, OTHERS)))

    def _read(self, pending: "Pending") -> "None":
        """Turn the loop until a reply is there; have it lent for the next one if that fails."""
        loop = self._loop
        self._pending = pending
        if loop.heir is not self:
            loop.lend(self)
        if not loop.turn_until(self):
            loop.lend(self)
        calls = self._calls
        if calls.is_due:
            # It came in the middle of a message, of which there is an end now.
            calls.is_due = False
            signal.pthread_kill(calls.thread, signal.SIGINT)
