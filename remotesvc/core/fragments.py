"""Large messages as fragments: cutting them at the sender, joining them at the receiver. Sans-IO.

A fragment's payload is `message_id u32 | total u32 | piece`. The sender numbers its large
messages; all pieces but the last are PIECE_SIZE long and arrive in order, so a position is not
sent. Relays pass fragments on like any other frame; only the final receiver joins them.

From one source to one handle, large messages follow one another (outbox.py): so whoever starts a
second one has given up the first, and a peer can begin no more of them than it knows handles.
"""

import struct

from .errors import ProtocolError
from .wire import FRAGMENT, FRAGMENT_SIZE, Message, encode_frame

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Dict, Iterator, List, Optional, Tuple

__all__ = ["PIECE_SIZE", "Reassembler", "cut", "total_size"]

PREFIX = struct.Struct(">LL")

# A fragment with its prefix is as long as the longest frame: a relay passes it on uncut.
PIECE_SIZE = FRAGMENT_SIZE - PREFIX.size


def cut(message: "Message", message_id: "int") -> "Iterator[Tuple[bytes, bool]]":
    """Yield (frame, whether it is the last one), in the order in which they must be sent.

    A message of at most FRAGMENT_SIZE is one frame, and no fragment.
    """
    payload = memoryview(message.payload)
    size = len(payload)
    prefix = PREFIX.pack(message_id, size) if size > FRAGMENT_SIZE else b""
    step = FRAGMENT_SIZE - len(prefix)
    for start in range(0, size or 1, step):
        end = start + step
        yield encode_frame(message, prefix, payload[start:end]), end >= size


def total_size(fragment: "Message") -> "int":
    """Return the size that the whole message will have, by the fragment's own word."""
    if len(fragment.payload) < PREFIX.size:
        raise ProtocolError("a fragment of %d bytes has no prefix" % len(fragment.payload))
    return int(PREFIX.unpack_from(fragment.payload)[1])


class _Partial(Message):
    """A message on its way; its payload is put together when somebody asks for it.

    That is who waits for it, not the thread that reads: there it would be memory that is asked
    for and given back with each message, and to come by it costs more than to copy.
    """

    __slots__ = ("message_id", "pieces", "received", "total")

    def __init__(self, first: "Message", message_id: "int", total: "int") -> "None":
        for name in Message.__slots__:
            setattr(self, name, getattr(first, name))
        del self.payload
        self.message_id = message_id
        self.total = total
        self.pieces: "List[memoryview]" = []
        self.received = 0

    def __getattr__(self, name: "str") -> "bytes":
        # Of all that it has only the payload can be missing.
        self.payload = b"".join(self.pieces)
        self.pieces = []
        return self.payload


class Reassembler:
    """Joins fragments, one message per source and handle; together they stay within one budget.

    The caller has checked by `total_size` that it wants a message of that size. Room for the whole
    message is reserved at its first fragment, so what was begun can be finished. A source that
    has begun one message gets no more than half of the budget.
    """

    def __init__(self, budget: "int") -> "None":
        self._budget = budget
        self._reserved = 0
        self._partials: "Dict[Tuple[int, int], _Partial]" = {}

    def add(self, fragment: "Message") -> "Optional[Message]":
        """Take one fragment; return the whole message when it was the last one."""
        message_id, total = PREFIX.unpack_from(fragment.payload)
        src, handle = fragment.src, fragment.handle
        partial = self._partials.get((src, handle))
        if partial is None or partial.message_id != message_id:
            self.forget(src, handle)
            partial = self._begin(fragment, message_id, total)
        if not _is_next(partial, fragment, total):
            self.forget(src, handle)
            raise ProtocolError("a fragment does not continue its message: %r" % fragment)
        piece = memoryview(fragment.payload)[PREFIX.size :]
        partial.received += len(piece)
        partial.pieces.append(piece)
        if partial.received < total:
            return None
        self.forget(src, handle)
        partial.encoding &= ~FRAGMENT
        return partial

    def forget(self, src: "Optional[int]", handle: "Optional[int]" = None) -> "None":
        """Drop what a source (None: any) left unfinished for a handle, and give its room back."""
        for key in list(self._partials) if self._partials else ():
            if src in (None, key[0]) and handle in (None, key[1]):
                self._reserved -= self._partials.pop(key).total

    def _begin(self, fragment: "Message", message_id: "int", total: "int") -> "_Partial":
        held = sum(part.total for key, part in self._partials.items() if key[0] == fragment.src)
        # Half for one source: it has begun one message and queued the next, others go on.
        if self._reserved + total > self._budget or (held and held + total > self._budget // 2):
            raise ProtocolError(
                "no room to join %d bytes from context %d: %d of %d are taken, %d by it"
                % (total, fragment.src, self._reserved, self._budget, held)
            )
        self._reserved += total
        partial = _Partial(fragment, message_id, total)
        self._partials[fragment.src, fragment.handle] = partial
        return partial


def _is_next(partial: "_Partial", fragment: "Message", total: "int") -> "bool":
    size = len(fragment.payload) - PREFIX.size
    return (
        total == partial.total
        and fragment.auth == partial.auth
        and fragment.reply_to == partial.reply_to
        and fragment.encoding == partial.encoding
        and 0 < size == min(PIECE_SIZE, total - partial.received)
    )
