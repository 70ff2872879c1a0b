"""Byte streams in memory, for tests of whatever speaks over a link.

Two joined ends that keep the contract of a stream (remotesvc/core/link.py). Nothing moves by
itself: there are no threads and no clock, and `pump()` delivers what the test wants, whole or in
pieces of any size. So each run is the same run.
"""

from collections.abc import Callable

__all__ = ["MemoryStream", "pair", "pump"]

# What an end that was closed in an orderly way tells the other one.
CLOSED = "the other side closed the connection"


class MemoryStream:
    """One end: what it writes waits, at most `capacity` bytes of it, until the other end pumps."""

    def __init__(self, capacity: int | None = None) -> None:
        """Make an end without a peer; `pair()` makes two that have each other."""
        self.on_bytes: Callable[[bytes], None] = lambda data: None
        self.on_end: Callable[[str], None] = lambda reason: None
        self.pull: Callable[[], bytes] = bytes
        self.peer: MemoryStream | None = None
        self.is_closed = False
        self._capacity = capacity
        self._sent = bytearray()
        self._rest = b""
        self._ending: str | None = None
        self._is_busy = False
        self._is_started = False
        self._has_ended = False

    def start(self) -> None:
        """Take part in `pump()` from now on."""
        self._is_started = True

    def write(self, data: bytes) -> bool:
        """Take data for the other end; False if there is more of it than room."""
        if self.is_closed:
            raise ValueError("write() after close(): the owner of a stream must not do that")
        if self._is_busy:
            raise ValueError("write() before pull() gave b'': the stream still has data to write")
        self._is_busy = not self._store(data)
        return not self._is_busy

    def close(self) -> None:
        """Drop everything; the other end sees the end after what was sent before."""
        if not self.is_closed:
            self.is_closed = True
            self._rest = b""
            self._ending = CLOSED

    def cut(self, reason: str) -> None:
        """Break the connection: what is under way is lost, and both ends see the end."""
        for end in (self, self.peer):
            if end is not None:
                end._sent.clear()
                end._rest = b""
                end._ending = reason

    @property
    def waiting(self) -> int:
        """The number of bytes that the next `pump()` here can deliver."""
        return len(self._other()._sent)

    def pump(self, step: int | None = None) -> int:
        """Deliver here what the other end has sent, in pieces of `step` bytes; return how many.

        Everything that is on its way goes in one piece without `step`. What its `on_bytes` makes
        the other end send is left for the next time.
        """
        sender = self._other()
        moved = 0
        while self._is_listening and sender._sent:
            data = bytes(sender._sent[:step])
            del sender._sent[: len(data)]
            moved += len(data)
            self.on_bytes(data)
            sender._refill()
        ending = sender._ending if self._ending is None else self._ending
        if self._is_listening and ending is not None:
            self._has_ended = True
            self.on_end(ending)
        return moved

    @property
    def _is_listening(self) -> bool:
        return self._is_started and not self.is_closed and not self._has_ended

    def _other(self) -> "MemoryStream":
        if self.peer is None:
            raise ValueError("this end has no peer: make it with pair()")
        return self.peer

    def _store(self, data: bytes) -> bool:
        room = len(data) if self._capacity is None else self._capacity - len(self._sent)
        self._sent += data[:room]
        self._rest = data[room:]
        return not self._rest

    def _refill(self) -> None:
        """Send what there was no room for, then what the owner has beyond that."""
        while self._is_busy and not self.is_closed:
            data = self._rest or self.pull()
            self._is_busy = bool(data)
            if not self._store(data):
                return


def pair(capacity: int | None = None) -> tuple[MemoryStream, MemoryStream]:
    """Return two joined ends; each direction holds at most `capacity` bytes, if that is given."""
    left, right = MemoryStream(capacity), MemoryStream(capacity)
    left.peer, right.peer = right, left
    return left, right


def pump(left: MemoryStream, right: MemoryStream, step: int | None = None) -> int:
    """Pump both ends until neither has anything to deliver; return how many bytes moved."""
    total = 0
    while moved := left.pump(step) + right.pump(step):
        total += moved
    return total
