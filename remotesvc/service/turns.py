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
                with self._lock:
                    self._waiting.setdefault(one.account, deque()).append((function, args))
                self._go_on(one.account)
                return
        self._threads.defer(function, *args)

    def _go_on(self, src: "int") -> "None":
        while True:
            with self._lock:
                waiting, running = self._waiting.get(src), self._running.get(src, 0)
                if not waiting or not may_run(False, running, self._threads.size):
                    return
                job = waiting.popleft()
                if not waiting:
                    del self._waiting[src]
                self._running[src] = running + 1
            try:
                self._threads.defer(self._run, src, job)
            except BaseException:
                self._end(src)  # no thread could be started
                raise

    def _run(self, src: "int", job: "Job") -> "None":
        try:
            job[0](*job[1])
        finally:
            self._end(src)
            self._go_on(src)

    def _end(self, src: "int") -> "None":
        with self._lock:
            self._running[src] -= 1
            if not self._running[src]:
                del self._running[src]
