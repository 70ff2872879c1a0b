"""Turn: a lock for one after the other, with a deadline, that an interrupt cannot leave taken.

Between `lock.acquire(timeout=...)` and the `try` behind it Python may look for signals; a plain
`with lock:` has no such gap, but no deadline either.
"""

import threading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Callable, Optional, Type

__all__ = ["Turn"]


class Turn:
    """`with Turn(lock, timeout, late):` raises late() when it is not ours within `timeout` s."""

    def __init__(
        self,
        lock: "threading.RLock",
        timeout: "Optional[float]",
        late: "Callable[[], Exception]",
    ) -> "None":
        self._lock = lock
        self._timeout = -1 if timeout is None else max(0.0, timeout)
        self._late = late

    def __enter__(self) -> "None":
        try:
            if not self._lock.acquire(timeout=self._timeout):
                raise self._late()
        except BaseException:
            # Of an RLock it is known whether it was taken before the interrupt came.
            if self._lock._is_owned():  # type: ignore[attr-defined]
                self._lock.release()
            raise

    def __exit__(
        self,
        kind: "Optional[Type[BaseException]]",
        error: "Optional[BaseException]",
        traceback: "Optional[TracebackType]",
    ) -> "None":
        self._lock.release()
