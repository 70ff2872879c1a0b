"""Workers: the few threads that do what a reading thread may not, because it could block.

Answering module requests reads files; a future's callback is user code, which may wait for calls
that need such answers: so a router has two of these. Threads start when first needed and end with
the router.
"""

import sys
import threading
from collections import deque
from collections.abc import Callable

__all__ = ["Workers"]

# Requests of children are short; two threads keep one slow disk from holding up everybody.
THREADS = 2


class Workers:
    """A queue of jobs and up to THREADS daemon threads that run them in order."""

    def __init__(self, name: str = "worker") -> None:
        self._name = name
        self._jobs: deque[Callable[[], None]] = deque()
        self._changed = threading.Condition(threading.Lock())
        self._threads: list[threading.Thread] = []
        self._idle = 0
        self._is_closed = False

    def defer(self, job: Callable[[], None]) -> None:
        """Run `job()` soon on a worker; after `close()` at once, on the calling thread."""
        with self._changed:
            is_closed = self._is_closed
            if not is_closed:
                self._jobs.append(job)
                self._start()
                self._changed.notify()
        if is_closed:
            _run(job)

    def close(self, timeout: float = 2.0) -> None:
        """Let the threads end once nothing is queued, and wait for that, bounded."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(timeout)

    def _start(self) -> None:
        # One that was woken but does not run yet counts as idle still, and its job as queued.
        if self._idle < len(self._jobs) and len(self._threads) < THREADS:
            name = f"remotesvc-{self._name}-{len(self._threads)}"
            thread = threading.Thread(target=self._serve, name=name, daemon=True)
            thread.start()
            self._threads.append(thread)

    def _serve(self) -> None:
        while True:
            with self._changed:
                self._idle += 1
                self._changed.wait_for(lambda: self._jobs or self._is_closed)
                self._idle -= 1
                if not self._jobs:
                    return
                job = self._jobs.popleft()
            _run(job)


def _run(job: Callable[[], None]) -> None:
    try:
        job()
    except (Exception, SystemExit):  # noqa: BLE001 a job of the user's: show it, take the next
        sys.excepthook(*sys.exc_info())
