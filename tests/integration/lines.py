"""What the children of a router have printed: kept, and waited for."""

import queue

from tests.integration.hosts import Print

__all__ = ["Lines"]

DEADLINE = 60.0


class Lines:
    """Takes lines as `Router(output=...)` gives them; `prints` is all that came so far."""

    def __init__(self) -> None:
        self.prints: list[Print] = []
        self._fresh: queue.SimpleQueue[bytes] = queue.SimpleQueue()

    def __call__(self, name: str, stream: str, line: bytes) -> None:
        self.prints.append((name, stream, line))
        self._fresh.put(line)

    def wait_for(self, expected: bytes) -> None:
        """Return when that line has come, after the one that was waited for last."""
        try:
            while self._fresh.get(timeout=DEADLINE) != expected:
                pass
        except queue.Empty:
            raise AssertionError(f"{expected!r} did not come, but {self.prints!r}") from None
