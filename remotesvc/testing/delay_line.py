"""Bytes in flight in one direction: each piece comes out a fixed time after it went in.

Pure: no sockets, no clock; the time comes in as an argument. Pieces keep their order, and any
number of them is under way at once (a delay line, not stop-and-wait).
"""

from collections import deque
from dataclasses import dataclass
from typing import Literal

__all__ = ["DelayLine", "Piece"]

# A sender that is this far ahead is not read until something has been delivered: it allows
# 80 MB/s at a delay of 0.1 s and bounds the proxy's memory.
MAX_BYTES = 8 * 1024 * 1024

Ending = Literal["", "end", "reset"]


@dataclass
class Piece:
    """Some bytes, or the ending of the stream; `data` shrinks as it is delivered."""

    due: float
    round: int
    data: bytes = b""
    ending: Ending = ""


class DelayLine:
    """One direction of a connection."""

    def __init__(self, delay_seconds: float, opens_at: float) -> None:
        """Delay by `delay_seconds`; what goes in before `opens_at` counts as sent then."""
        self._delay = delay_seconds
        self._opens_at = opens_at
        self._pieces: deque[Piece] = deque()
        self._size = 0

    @property
    def is_full(self) -> bool:
        """Whether the sender has to wait."""
        return self._size >= MAX_BYTES

    def put(self, now: float, round_number: int, data: bytes, ending: Ending = "") -> None:
        """Take in what arrived at `now`, as part of the given round."""
        due = max(now, self._opens_at) + self._delay
        self._pieces.append(Piece(due, round_number, data, ending))
        self._size += len(data)

    def next_due(self) -> float | None:
        """Return when the first piece is to be delivered, None when nothing is under way."""
        return self._pieces[0].due if self._pieces else None

    def peek(self, now: float) -> Piece | None:
        """Return the first piece if it is due."""
        if self._pieces and self._pieces[0].due <= now:
            return self._pieces[0]
        return None

    def delivered(self, count: int) -> None:
        """Forget the first `count` bytes of the first piece, and it with its last byte."""
        piece = self._pieces[0]
        piece.data = piece.data[count:]
        self._size -= count
        if not piece.data:
            self._pieces.popleft()
