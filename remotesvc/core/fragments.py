"""Large messages as fragments: cutting them at the sender, joining them at the receiver. Sans-IO.

A fragment's payload is `message_id u32 | total u32 | piece`. The sender numbers its large
messages; all pieces but the last are FRAGMENT_SIZE long and arrive in order, so a position is not
sent. Relays pass fragments on like any other frame; only the final receiver joins them.
"""

import struct

from .errors import ProtocolError
from .wire import FRAGMENT, FRAGMENT_SIZE, Message

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Dict, Iterator, List, Optional, Tuple

__all__ = ["Reassembler", "cut", "total_size"]

PREFIX = struct.Struct(">LL")

# Incomplete messages of one source at one time: an honest sender has one per thread that sends.
SOURCE_LIMIT = 256


def cut(message: "Message", message_id: "int") -> "Iterator[Tuple[Message, bool]]":
    """Yield (fragment, whether it is the last one), in the order in which they must be sent."""
    payload = memoryview(message.payload)
    prefix = PREFIX.pack(message_id, len(payload))
    encoding = message.encoding | FRAGMENT
    for start in range(0, len(payload), FRAGMENT_SIZE):
        end = start + FRAGMENT_SIZE
        fragment = Message(
            message.dst,
            message.src,
            message.auth,
            message.handle,
            message.reply_to,
            encoding,
            prefix + payload[start:end],
        )
        yield fragment, end >= len(payload)


def total_size(fragment: "Message") -> "int":
    """Return the size that the whole message will have, by the fragment's own word."""
    if len(fragment.payload) < PREFIX.size:
        raise ProtocolError("a fragment of %d bytes has no prefix" % len(fragment.payload))
    return int(PREFIX.unpack_from(fragment.payload)[1])


class _Partial:
    __slots__ = ("first", "pieces", "received", "total")

    def __init__(self, first: "Message", total: "int") -> "None":
        self.first = first
        self.total = total
        self.pieces = []  # type: List[bytes]
        self.received = 0


class Reassembler:
    """Joins fragments per source; all incomplete messages together stay within one budget.

    The caller has checked by `total_size` that it wants a message of that size. Room for the whole
    message is reserved at its first fragment, so what was begun can be finished.
    """

    def __init__(self, budget: "int") -> "None":
        self._budget = budget
        self._reserved = 0
        self._partials = {}  # type: Dict[Tuple[int, int], _Partial]
        self._count = {}  # type: Dict[int, int]

    def add(self, fragment: "Message") -> "Optional[Message]":
        """Take one fragment; return the whole message when it was the last one."""
        message_id, total = PREFIX.unpack_from(fragment.payload)
        key = (fragment.src, message_id)
        partial = self._partials.get(key)
        if partial is None:
            partial = self._begin(key, fragment, total)
        self._check(partial, fragment, total)
        piece = fragment.payload[PREFIX.size :]
        partial.received += len(piece)
        partial.pieces.append(piece)
        if partial.received < total:
            return None
        self._end(key)
        first = partial.first
        return Message(
            first.dst,
            first.src,
            first.auth,
            first.handle,
            first.reply_to,
            first.encoding & ~FRAGMENT,
            b"".join(partial.pieces),
        )

    def forget(self, src: "int") -> "None":
        """Drop what a lost source left unfinished, and give its room back."""
        for key in [key for key in self._partials if key[0] == src]:
            self._end(key)

    def _begin(self, key: "Tuple[int, int]", fragment: "Message", total: "int") -> "_Partial":
        src = key[0]
        if self._reserved + total > self._budget or self._count.get(src, 0) >= SOURCE_LIMIT:
            raise ProtocolError(
                "no room to join a message of %d bytes from context %d: %d of %d bytes are taken"
                % (total, src, self._reserved, self._budget)
            )
        self._reserved += total
        self._count[src] = self._count.get(src, 0) + 1
        partial = self._partials[key] = _Partial(fragment, total)
        return partial

    def _check(self, partial: "_Partial", fragment: "Message", total: "int") -> "None":
        first = partial.first
        size = len(fragment.payload) - PREFIX.size
        same = (
            total == partial.total
            and fragment.auth == first.auth
            and fragment.handle == first.handle
            and fragment.reply_to == first.reply_to
            and fragment.encoding == first.encoding
        )
        if not same or size != min(FRAGMENT_SIZE, total - partial.received) or size == 0:
            self._end((fragment.src, PREFIX.unpack_from(fragment.payload)[0]))
            raise ProtocolError("a fragment does not continue its message: %r" % fragment)

    def _end(self, key: "Tuple[int, int]") -> "None":
        self._reserved -= self._partials.pop(key).total
        left = self._count[key[0]] - 1
        if left:
            self._count[key[0]] = left
        else:
            del self._count[key[0]]
