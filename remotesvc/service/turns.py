"""Turns: strangers have some of the threads each, never all; what is more waits per source.

A source that has as many jobs in hand as may_run() lets it have hands over the next one when one
of them has ended: behind those of all others. So sources take turns.
"""

import threading
from collections import deque

from .admission import may_run
from .call import Call

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Deque, Dict, Tuple

    from .threads import Threads

    Job = Tuple[Callable[..., Any], Tuple[Any, ...]]

__all__ = ["Turns"]


class Turns:
    """The jobs of strangers for some threads, by source."""

    def __init__(self, threads: "Threads") -> "None":
        self._threads = threads
        # Of each source: jobs that threads have, or will have as soon as one is free.
        self._running: "Dict[int, int]" = {}
        self._waiting: "Dict[int, Deque[Job]]" = {}
        self._lock = threading.Lock()

    def defer(self, function: "Callable[..., Any]", *args: "Any") -> "None":
        """Run function(*args) as soon as a thread is free; never blocks.

        With the call of a stranger among its arguments it waits for a turn of his, too.
        """
        for one in args:
            if type(one) is Call and not one.is_commanded:
                self._defer(one.account, (function, args))
                return
        self._threads.defer(function, *args)

    def _defer(self, src: "int", job: "Job") -> "None":
        with self._lock:
            is_first = src not in self._waiting and self._begin(src)
            if not is_first:
                self._waiting.setdefault(src, deque()).append(job)
        if is_first:
            self._hand_over(src, job)
        else:
            self._go_on(src)

    def _begin(self, src: "int") -> "bool":
        """Count one more job of a source, if that may have it (with the lock held)."""
        running = self._running.get(src, 0)
        if not may_run(False, running, self._threads.size):
            return False
        self._running[src] = running + 1
        return True

    def _go_on(self, src: "int") -> "None":
        """Hand over what waits and may be run now."""
        while True:
            with self._lock:
                waiting = self._waiting.get(src)
                if not waiting or not self._begin(src):
                    return
                job = waiting.popleft()
                if not waiting:
                    del self._waiting[src]
            self._hand_over(src, job)

    def _hand_over(self, src: "int", job: "Job") -> "None":
        try:
            self._threads.defer(self._run, src, job)
        except BaseException:
            self._end(src)  # no thread could be started
            raise

    def _run(self, src: "int", job: "Job") -> "None":
        try:
            job[0](*job[1])
        finally:
            if self._end(src):
                self._go_on(src)

    def _end(self, src: "int") -> "bool":
        """Count one less; tell whether more of that source wait."""
        with self._lock:
            self._running[src] -= 1
            if not self._running[src]:
                del self._running[src]
            return src in self._waiting
