"""Borrower: a main thread that waits for a reply reads it itself, and is handed nothing.

The loop is lent to it (loop.py), so that nothing is handed from one thread to another. But Python
runs the handlers of signals on the main thread, between any two steps, and one that raises in the
middle of a message would lose it. So this is done only while SIGINT is the one signal that has a
handler, and that one is ours: who has a borrower says how.

Whoever turns the loop and leaves it to do something else keeps others waiting. So it is borrowed
only by one who asks again and again, and only while no other thread waits for a reply.
"""

import _signal  # type: ignore[import-not-found]
import _thread
import time

from .loop import REST
from .pending import Pending
from .wire import Message

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Optional, Protocol, Set

    from .loop import Loop

    class Guard(Protocol):
        """Keeps SIGINT from being raised in the middle of a message."""

        @property
        def is_due(self) -> bool:
            """Whether it has come and was not raised."""

        def take(self) -> bool:
            """Begin; tell whether that is possible now."""

        def give_back(self) -> None:
            """End, and see to it that what has come is raised."""


__all__ = ["Awaited", "Borrower", "turn_once"]

OTHERS = [number for number in range(1, _signal.NSIG) if number != _signal.SIGINT]


class Awaited(Pending):
    """A wait that may be for the turns of a loop; whoever ends it from elsewhere has it turn."""

    def __init__(self, respondent: "int", loop: "Loop") -> "None":
        Pending.__init__(self, respondent)
        self._loop = loop
        # Whether its thread turns the loop, or is about to.
        self.is_read = False

    def deliver(self, message: "Message") -> "None":
        """Take the reply."""
        Pending.deliver(self, message)
        self._tell()

    def lose(self, error: "Exception") -> "None":
        """Take the news that there will be none."""
        Pending.lose(self, error)
        self._tell()

    def _tell(self) -> "None":
        # In this order, and the other way round where it is read: one sees the other.
        if self.is_read and not self._loop.is_current():
            self._loop.call_soon(turn_once)


class Borrower:
    """The main thread of a process while it waits for replies; `guard` knows its interrupts."""

    def __init__(self, loop: "Loop", thread: "int", guard: "Guard") -> "None":
        self._loop = loop
        self._thread = thread
        self._guard = guard
        self._pending: "Optional[Pending]" = None
        # When the last reply was there; the threads that wait.
        self._since = 0.0
        self._waiting: "Set[int]" = set()

    def pending(self, respondent: "int") -> "Awaited":
        """Return a wait for a reply of a context."""
        return Awaited(respondent, self._loop)

    def is_wanted(self) -> "bool":
        """Tell whether the reply is there, or an interrupt (for the loop)."""
        pending = self._pending
        return pending is None or not pending.told.locked() or self._guard.is_due

    def wait(self, pending: "Awaited", timeout: "Optional[float]", is_far: "bool") -> "Message":
        """Return what `pending.wait(timeout)` does; is_far: no turn of the loop would bring it."""
        thread = _thread.get_ident()
        try:
            self._waiting.add(thread)
            if thread != self._thread:
                return pending.wait(timeout)
            is_likely = timeout is None and not is_far and time.monotonic() - self._since < REST
            if is_likely and len(self._waiting) == 1:
                self._borrow(pending)
            message = pending.wait(timeout)
            # After one that came in pieces, others like it are for the thread that reads: memory
            # of the main thread is given back to the system, and costs more to come by.
            self._since = time.monotonic() if type(message) is Message else 0.0
            return message
        finally:
            self._waiting.discard(thread)

    def _borrow(self, pending: "Awaited") -> "None":
        others = map(_signal.getsignal, OTHERS)
        if any(map(callable, others)) or not self._guard.take():
            return
        try:
            self._pending = pending
            pending.is_read = True
            self._turn()
        finally:
            pending.is_read = False
            self._guard.give_back()

    def _turn(self) -> "None":
        """Turn the loop until a reply is there; have it lent for the next one if that fails."""
        loop = self._loop
        if loop.heir is not self:
            loop.lend(self)
        if not loop.turn_until(self):
            loop.lend(self)
        elif len(self._waiting) > 1:
            loop.recall()


def turn_once() -> "None":
    """Do nothing: the loop turns once, and whoever turns it sees what there is."""
