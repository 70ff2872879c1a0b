"""Inbox: takes the place of a channel's input buffer, and hands on what arrives at once.

paramiko's own buffer wakes a thread that reads it, and that thread hands the bytes on: one switch
of threads more for each reply. Here they are handed on by the thread that took them from the
network. They are kept, too, until `Channel.recv` takes them: that is what opens the window of the
channel again, and it is done by the reading thread, seldom.
"""

import threading
from collections import deque
from collections.abc import Callable

__all__ = ["Inbox"]

# The reading thread is woken for so much at least; the window is many times as large.
WORTHWHILE = 64 * 1024


class Inbox:
    """The part of paramiko's BufferedPipe that a channel uses; `arrival` wakes the reader."""

    def __init__(self, arrival: threading.Event) -> None:
        self._arrival = arrival
        self._chunks: deque[bytes] = deque()
        self._size = 0
        self._deliver: Callable[[bytes], None] | None = None
        self._turn = threading.Lock()

    def start(self, deliver: Callable[[bytes], None]) -> None:
        """Hand on what has come so far, and from now on whatever comes, to `deliver(data)`."""
        with self._turn:
            early = b"".join(self._chunks)
            if early:
                deliver(early)
            self._deliver = deliver

    def feed(self, data: bytes) -> None:
        """Take what arrived (paramiko's code, on the thread that reads)."""
        with self._turn:
            self._chunks.append(data)
            self._size += len(data)
            if self._deliver is not None and data:
                self._deliver(data)
        if self._size > WORTHWHILE:
            self._arrival.set()

    def read_ready(self) -> bool:
        """Tell whether `read` would return anything."""
        return bool(self._chunks)

    def read(self, size: int, timeout: float | None = None) -> bytes:
        """Return a piece of what has arrived, b"" when there is nothing; never waits."""
        try:
            data = self._chunks.popleft()
        except IndexError:
            return b""
        self._size -= len(data)
        return data

    def close(self) -> None:
        """Take the news that nothing more will arrive."""
        self._arrival.set()

    def __len__(self) -> int:
        return self._size
