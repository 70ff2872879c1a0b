"""Threads: a fixed number of them, started when first needed; jobs beyond that wait in order.

A job is handed to the thread that was idle last, by the release of a bare lock: that is the
shortest way from the thread that reads to the one that runs.
"""

import _thread
import sys
import threading
import time
from collections import deque

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Deque, List, Tuple

    Job = Tuple[Callable[..., Any], Tuple[Any, ...]]

__all__ = ["Threads"]


class _Seat:
    """Where a thread waits for its next job."""

    __slots__ = ("job", "signal")

    def __init__(self) -> "None":
        self.job: "Any" = None
        self.signal = _thread.allocate_lock()
        self.signal.acquire()


class Threads:
    """Up to `size` daemon threads that run what `defer()` takes."""

    def __init__(self, name: "str", size: "int") -> "None":
        self.size = size
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
            if self._idle:
                seat = self._idle.pop()
                seat.job = job
                seat.signal.release()
                return
            self._jobs.append(job)
            if self._counted() < self.size and not self._is_closed:
                self._start()

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
        with self._lock:
            if self._counted() > self.size:
                self._threads.remove(threading.current_thread())
                return None
            if self._jobs:
                return self._jobs.popleft()
            if self._is_closed:
                self._threads.remove(threading.current_thread())
                return None
            self._idle.append(seat)
        seat.signal.acquire()
        return seat.job or self._next(seat)
