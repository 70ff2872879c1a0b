"""Credit: how much of a stream may be under way. Pure.

The one mechanism for everything bulky: the receiving end grants a window, the sending end spends
it and stops when it is gone, and what the receiver has consumed is granted anew. So a slow reader
stops a fast writer, and what waits at the reader never exceeds the window.
"""

import struct

__all__ = ["GRANT", "MESSAGE_COST", "Allowance", "Window"]

# A grant is a reply to what was sent, and does not end the wait for more of them: so it is taken
# from nobody but the receiving end, and a dead reply or the loss of that end come the same way.
GRANT = struct.Struct(">L")

# What a message costs beside its bytes: a million empty ones fill a queue too.
MESSAGE_COST = 128


class Window:
    """The sending end: how many bytes may still leave."""

    def __init__(self, size: "int") -> "None":
        self.left = size

    def spend(self, size: "int") -> "None":
        """Note that `size` bytes left; the window may be overdrawn by one message."""
        self.left -= size

    def grant(self, size: "int") -> "None":
        """Take what the receiver granted."""
        self.left += size

    @property
    def is_open(self) -> "bool":
        """Tell whether anything may be sent now."""
        return self.left > 0


class Allowance:
    """The receiving end: what one source may still have under way, and when to grant more."""

    def __init__(self, size: "int", slack: "int") -> "None":
        self._size = size
        self._limit = size + slack
        self._under_way = 0
        self._consumed = 0

    def take(self, size: "int") -> "bool":
        """Note that `size` bytes arrived; False, and nothing noted, if that exceeds its credit."""
        if self._under_way + size > self._limit:
            return False
        self._under_way += size
        return True

    def consume(self, size: "int") -> "int":
        """Note that `size` bytes were read; return what to grant now, 0 for not yet.

        Grants go out in halves of the window: two messages per window instead of one per read.
        """
        self._consumed += size
        if self._consumed * 2 < self._size:
            return 0
        granted, self._consumed = self._consumed, 0
        self._under_way -= granted
        return granted
