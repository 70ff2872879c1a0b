"""Inbox: takes the place of a channel's input buffer, and hands on what arrives at once.

paramiko's own buffer wakes a thread that reads it, and that thread hands the bytes on: one switch
of threads more for each reply. Here they are handed on by the thread that took them from the
network. How many there were is noted until `Channel.recv` takes as many: that is what opens the
window of the channel again, and it is done by the reading thread, seldom. The bytes are not kept:
a server that heeds no window, while nothing can be written to it, would fill the memory.
"""

import threading
from collections.abc import Callable

__all__ = ["Inbox"]

# The reading thread is woken for so much at least; the window is many times as large.
WORTHWHILE = 64 * 1024


class Inbox:
    """The part of paramiko's BufferedPipe that a channel uses; `arrival` wakes the reader."""

    def __init__(self, arrival: threading.Event) -> None:
        self._arrival = arrival
        self._early: list[bytes] = []
        # Each is counted by one thread only: no count is lost, and no window stays shut.
        self._fed = 0
        self._taken = 0
        self._deliver: Callable[[bytes], None] | None = None
        self._turn = threading.Lock()

    def start(self, deliver: Callable[[bytes], None]) -> None:
        """Hand on what has come so far, and from now on whatever comes, to `deliver(data)`."""
        with self._turn:
            early = b"".join(self._early)
            self._early.clear()
            if early:
                deliver(early)
            self._deliver = deliver

    def feed(self, data: bytes) -> None:
        """Take what arrived (paramiko's code, on the thread that reads)."""
        with self._turn:
            self._fed += len(data)
            if self._deliver is None:
                self._early += [data] if data else []
            elif data:
                self._deliver(data)
        if len(self) > WORTHWHILE:
            self._arrival.set()

    def read_ready(self) -> bool:
        """Tell whether `read` would return anything."""
        return len(self) > 0

    def read(self, size: int, timeout: float | None = None) -> bytes:
        """Return as many bytes as have arrived, up to `size`, but not those; never waits."""
        count = min(size, len(self))
        self._taken += count
        return bytes(count)

    def close(self) -> None:
        """Take the news that nothing more will arrive."""
        self._arrival.set()

    def __len__(self) -> int:
        return self._fed - self._taken
