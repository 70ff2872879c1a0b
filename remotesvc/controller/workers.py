"""Workers: the few threads that do what a reading thread may not, because it could block.

Answering module requests reads files; a future's callback is user code. Threads start when first
needed and end with the router.
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

    def __init__(self) -> None:
        self._jobs: deque[Callable[[], None]] = deque()
        self._changed = threading.Condition(threading.Lock())
        self._threads: list[threading.Thread] = []
        self._idle = 0
        self._is_closed = False

    def defer(self, job: Callable[[], None]) -> None:
        """Run `job()` soon on a worker; after `close()` it is dropped."""
        with self._changed:
            if self._is_closed:
                return
            self._jobs.append(job)
            if not self._idle and len(self._threads) < THREADS:
                name = f"remotesvc-worker-{len(self._threads)}"
                thread = threading.Thread(target=self._run, name=name, daemon=True)
                self._threads.append(thread)
                thread.start()
            self._changed.notify()

    def close(self, timeout: float = 2.0) -> None:
        """Drop what has not begun and wait, bounded, for what runs."""
        with self._changed:
            self._is_closed = True
            self._jobs.clear()
            self._changed.notify_all()
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(timeout)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._idle += 1
                self._changed.wait_for(lambda: self._jobs or self._is_closed)
                self._idle -= 1
                if self._is_closed:
                    return
                job = self._jobs.popleft()
            try:
                job()
            except Exception:  # noqa: BLE001 a job of the user's: show it, and take the next
                sys.excepthook(*sys.exc_info())
