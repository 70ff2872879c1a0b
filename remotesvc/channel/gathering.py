"""Gathering: small values on their way into one batch, and the timer that has them leave soon.

Threads append without a lock, because a list lets them: so `run` is always the same list, and
what is taken out of it is what stood at its beginning. Whoever appends looks at `is_timed`
afterwards; the timer clears it first and looks at `run` afterwards: so one sees the other, and no
value is left behind.
"""

import time

from ..core.errors import DisconnectedError, Error
from .batch import UNIT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, List

    from .streams import Streams

__all__ = ["LEAST_WINDOW", "Gathering"]

# What is gathered leaves after this time at the latest, and at once if nothing did for as long.
SOON = 0.001

# What could not leave because the way is congested is tried again after this time.
LATER = 0.05

# Threads that find room for the last value at the same moment overdraw the window by a number
# each: of a window of this size, a thousand of them may. With a smaller one nothing is gathered.
LEAST_WINDOW = 16 * 1024


class Gathering:
    """What one writing end has gathered: `flush(may_wait)` of it sends that, if it can.

    Whoever finds len(run) < room may append a number, and then calls begin() if not is_timed.
    """

    def __init__(self, streams: "Streams", flush: "Callable[[bool], object]") -> "None":
        self.run: "List[Any]" = []
        self.room = 0
        self.is_timed = False
        self._extra = 0
        self._streams = streams
        self._flush = flush
        self._left_at = 0.0

    def begin(self) -> "None":
        """Have what was gathered leave: at once after a pause, else soon.

        A pause is also when this very thread has waited for something since it last sent: those
        who answer one another need no timer for each answer. Raises what ended the stream.
        """
        if self._streams.has_waited() or time.monotonic() - self._left_at >= SOON:
            try:
                self._flush(True)
                return
            except DisconnectedError:
                raise
            except Error:
                self._streams.switch.check_process()  # a fork has no timer
                self._arm(LATER)
                return
        self._arm(SOON)

    def push(self) -> "None":
        """Send now what was gathered; what goes wrong is raised by the next send."""
        if self.run:
            try:
                self._flush(True)
            except Error:
                return  # what may go another time is still there, and the timer goes on

    def _arm(self, delay: "float") -> "None":
        self._streams.busy.add(self)
        try:
            self.is_timed = True
            self._streams.loop.call_later(delay, self._leave_in_time)
        except BaseException:
            self.is_timed = False
            raise

    def _leave_in_time(self) -> "None":
        """Send what was gathered (on the thread of the loop)."""
        self._streams.busy.discard(self)
        self.is_timed = False
        delay = SOON
        if self.run:
            try:
                self._flush(False)
            except Error:
                delay = LATER
        if self.run:
            self._arm(delay)

    # -- with the lock of the writing end held ---------------------------------------------------

    def add(self, value: "Any", weight: "int") -> "None":
        """Append a value that takes so many units."""
        self._extra += weight - 1
        self.room -= weight - 1
        self.run.append(value)

    def has_room(self, weight: "int") -> "bool":
        """Tell whether so many units may be added."""
        return len(self.run) + weight <= self.room

    def allow(self, size: "int") -> "None":
        """Let it take so many bytes, with those that it has."""
        self.room = size // UNIT - self._extra

    def take(self) -> "List[Any]":
        """Return all that was gathered; until allow() there is no room for more."""
        self._left_at = time.monotonic()
        self.room = self._extra = 0
        values = self.run[:]
        # Last: an interrupt comes before it, or finds the values with whoever called.
        del self.run[: len(values)]
        return values

    def put_back(self, values: "List[Any]") -> "None":
        """Take again what could not be sent, before all else."""
        self.run[:0] = values
        self.room = 0
