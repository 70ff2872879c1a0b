"""Threads: a fixed number of them, started when first needed; jobs beyond that wait in order.

A job is handed to the thread that was idle last, by the release of a bare lock. Jobs that come
one at a time have a shorter way: the thread that ran the last one is lent the loop (core/loop.py),
so it reads the next one itself, and nothing is handed over. As soon as two run at once, the loop's
own thread reads again: else what comes would wait for the end of a job.
"""

import _thread
import sys
import threading
import time
from collections import deque

from ..core.borrower import turn_once

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Deque, List, Optional, Tuple

    from ..core.loop import Loop

    Job = Tuple[Callable[..., Any], Tuple[Any, ...]]

__all__ = ["Threads"]

# When the loop was taken back from a thread that ran a job for long, so many more are handed over
# before it is lent again: each such loan has kept what came meanwhile unread for a moment.
CAUTION = 32


class _Seat:
    """Where a thread waits for its next job."""

    __slots__ = ("job", "signal")

    def __init__(self) -> "None":
        self.job: "Any" = None
        self.signal = _thread.allocate_lock()
        self.signal.acquire()


class Threads:
    """Up to `size` daemon threads that run what `defer()` takes; they may be lent `loop`."""

    def __init__(self, name: "str", size: "int", loop: "Optional[Loop]" = None) -> "None":
        self.size = size
        self._loop = loop
        # The thread that turns it now, and the jobs until it may be lent again.
        self._turner: "Optional[_Seat]" = None
        self._caution = 0
        self._name = name
        self._jobs: "Deque[Job]" = deque()
        self._idle: "List[_Seat]" = []
        self._threads: "List[threading.Thread]" = []
        # Threads that are stuck; of these at most `size` count no more.
        self._lost = 0
        self._started = 0
        self._is_closed = False
        self._lock = threading.Lock()

    @property
    def waiting(self) -> "int":
        """The number of jobs that wait for a thread."""
        return len(self._jobs)

    def defer(self, function: "Callable[..., Any]", *args: "Any") -> "None":
        """Run function(*args) as soon as a thread is free; never blocks."""
        job = function, args
        with self._lock:
            if self._hand_over(job):
                return
            self._jobs.append(job)
            if self._counted() < self.size and not self._is_closed:
                self._start()
            elif self._turner is not None and self._loop is not None:
                self._loop.call_soon(turn_once)

    def _hand_over(self, job: "Job") -> "bool":
        """Give a job to a thread that is free, if one is (with the lock held)."""
        loop, turner = self._loop, self._turner
        is_alone = len(self._idle) + (turner is not None) == len(self._threads)
        if loop is None or not loop.is_current():
            loop = turner = None
        if turner is not None and loop is not None:
            turner.job, self._turner = job, None
            if not is_alone:
                loop.recall()
            return True
        if not self._idle:
            return False
        seat = self._idle.pop()
        seat.job = job
        seat.signal.release()
        if loop is not None and is_alone:
            self._caution -= 1
            if self._caution < 0:
                loop.lend(self)
        return True

    def is_wanted(self) -> "bool":
        """Tell whether the thread that turns the loop has something else to do (for the loop)."""
        return self._turner is None or bool(self._jobs) or self._is_closed

    def give_up_one(self) -> "bool":
        """Count one thread as lost; tell whether another takes its place: `size` of them do."""
        with self._lock:
            self._lost += 1
            if self._lost > self.size:
                return False
            if self._jobs and not self._is_closed:
                self._start()
            return True

    def take_back_one(self) -> "None":
        """Count a thread as ours again: it is not stuck any more, and one too many ends."""
        with self._lock:
            self._lost -= 1

    def close(self, timeout: "float") -> "None":
        """Let the threads end once nothing is queued, and wait for that, bounded."""
        limit = time.monotonic() + timeout
        with self._lock:
            self._is_closed = True
            for seat in self._idle:
                seat.signal.release()
            self._idle.clear()
            if self._turner is not None and self._loop is not None:
                self._loop.call_soon(turn_once)
            threads = list(self._threads)
        for thread in threads:
            if thread is not threading.current_thread():
                thread.join(max(0.0, limit - time.monotonic()))

    def _counted(self) -> "int":
        return len(self._threads) - min(self._lost, self.size)

    def _start(self) -> "None":
        self._started += 1
        name = "remotesvc-%s-%d" % (self._name, self._started)
        thread = threading.Thread(target=self._serve, name=name, daemon=True)
        self._threads.append(thread)
        try:
            thread.start()
        except RuntimeError:
            self._threads.remove(thread)
            if not self._threads:
                raise  # nobody will ever take the job

    def _serve(self) -> "None":
        seat = _Seat()
        while True:
            job = self._next(seat)
            if job is None:
                return
            try:
                job[0](*job[1])
            except BaseException:  # noqa: BLE001 a job of the user's: show it, take the next
                sys.excepthook(*sys.exc_info())
            job = seat.job = None  # what it held is free while this thread waits

    def _next(self, seat: "_Seat") -> "Any":
        """Return the next job; None when this thread is to end."""
        has_turned = False
        while seat.job is None:
            with self._lock:
                if self._jobs and self._counted() <= self.size:
                    return self._jobs.popleft()
                if self._is_closed or self._counted() > self.size:
                    self._threads.remove(threading.current_thread())
                    return None
                is_turner = self._may_turn() and not has_turned
                if is_turner:
                    self._turner = seat
                else:
                    self._idle.append(seat)
            if is_turner:
                self._turn(seat)
            else:
                seat.signal.acquire()
            has_turned = is_turner
        return seat.job

    def _may_turn(self) -> "bool":
        loop = self._loop
        return (
            self._caution < 0 and self._turner is None and loop is not None and loop.heir is self
        )

    def _turn(self, seat: "_Seat") -> "None":
        """Turn the loop until there is a job for this thread, or the loop is wanted elsewhere."""
        if self._loop is not None and not self._loop.turn_until(self):
            self._caution = CAUTION
        with self._lock:
            if self._turner is seat:
                self._turner = None
