"""DeadMan: ends a child whose I/O thread does not get the GIL any more.

A C function that holds the GIL (a runaway regular expression) stops every thread: nobody reads
the link, nobody sees that the parent is gone. The kernel still counts: an interval timer over the
user CPU time of this process, whose signal ends it without any Python code, wound up again and
again by the I/O thread (setitimer(2), ITIMER_VIRTUAL).

CPU time, because time on the clock also passes for a process that is stopped, or whose machine
sleeps, and it would end as soon as it goes on. Hence a function that holds the GIL and uses no CPU
is out of reach.
"""

import os
import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .loop import Loop

__all__ = ["DeadMan"]


class DeadMan:
    """Wound up at once, then every so often on the loop, for `limit` seconds of CPU time."""

    def __init__(self, loop: "Loop", limit: "float") -> "None":
        self._loop = loop
        self._limit = limit
        # Threads without the GIL burn the time of as many CPUs as there are.
        self._interval = limit / 2 / (os.cpu_count() or 1)
        self._declared = 0.0
        self._tick()

    def hold(self, seconds: "float") -> "None":
        """Allow the call that begins now to hold the GIL for so long; 0 ends that."""
        self._declared = seconds
        self._wind_up()

    def _tick(self) -> "None":
        self._wind_up()
        self._loop.call_later(self._interval, self._tick)

    def _wind_up(self) -> "None":
        signal.setitimer(signal.ITIMER_VIRTUAL, self._limit + self._declared)
