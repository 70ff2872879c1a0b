"""Frames of a stream: what a Sender's messages hold, and what they cost. Pure.

    token, 16 bytes | kind u8 | data

The token was made by the Receiver and came with the Sender: who does not know it is not heard. A
value that exceeds PART_SIZE travels as several frames: all but the last have the flag MORE, all
but the first GOES_ON. Each carries the token, so a Receiver keeps nothing that it has not charged
to a writer whom it knows. A frame without GOES_ON begins anew: what was unfinished is dropped.
Small values travel many at a time, as one batch.
"""

import struct

from ..core.wire import FRAME_LIMIT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterator

__all__ = [
    "ASK",
    "BATCH_SIZE",
    "BYTES",
    "CONTEXT_ID",
    "DEFAULT_WINDOW",
    "END",
    "END_LIMIT",
    "GIVEN",
    "GOES_ON",
    "GONE",
    "HEAD_SIZE",
    "MAX_WINDOW",
    "MORE",
    "PART_SIZE",
    "TOKEN_SIZE",
    "VALUE",
    "VALUES",
    "VALUE_COST",
    "cost_of",
    "cut",
    "total_cost",
]

VALUE = 0  # one plain value
BYTES = 1  # bytes, as they are
END = 2  # this Sender is closed: plain nil, or (name of the type, text) of what ended it
VALUES = 3  # a batch: one plain list, whose elements are the values

# From parents only, because they name others: u32 id of a context.
GIVEN = 4  # it was given a Sender to this Receiver, so it is a writer
GONE = (
    5  # it writes no more; behind the id why, as UTF-8: none if it was given no Sender after all
)

ASK = 6  # nothing; whoever writes to a Receiver that is gone is told so
CONTEXT_ID = struct.Struct(">L")

MORE = 0x80
GOES_ON = 0x40

TOKEN_SIZE = 16
HEAD_SIZE = TOKEN_SIZE + 1

# So that a frame of a stream is never cut into fragments, whose token nobody could check.
PART_SIZE = FRAME_LIMIT - HEAD_SIZE

# What a frame costs at least: the default window holds 1 MiB, or 1,024 frames.
VALUE_COST = 1024

# The longest batch: a frame costs some 50 us at each end, and this is well over a thousand values.
# What is decoded takes up to a hundred times the bytes, of one batch for each Receiver. And no
# more keys stand in so many bytes than one message may have (core/budget.py), so values that may
# travel alone may travel together.
BATCH_SIZE = 16 * 1024

DEFAULT_WINDOW = 1024 * 1024

# A link of 1 Gbit/s and half a second of delay is kept busy by this; more is a file transfer.
MAX_WINDOW = 64 * 1024 * 1024

# The end of a stream is sent without credit, so that closing never blocks: so it is short, and a
# writer may send one for each Sender that it was given and each value that it sent.
END_LIMIT = 2048


def cut(token: "bytes", kind: "int", data: "bytes") -> "Iterator[bytes]":
    """Yield the frames of one value, in the order in which they must be sent."""
    if len(data) <= PART_SIZE:
        yield token + bytes((kind,)) + data
        return
    view = memoryview(data)
    for start in range(0, len(data), PART_SIZE):
        end = start + PART_SIZE
        flags = (MORE if end < len(data) else 0) | (GOES_ON if start else 0)
        yield b"".join((token, bytes((kind | flags,)), view[start:end]))


def cost_of(frame: "bytes") -> "int":
    """Return what a frame costs of the window."""
    return max(VALUE_COST, len(frame) - HEAD_SIZE)


def total_cost(size: "int") -> "int":
    """Return what all frames of a value of `size` bytes cost."""
    whole, rest = divmod(size, PART_SIZE)
    return whole * PART_SIZE + (max(VALUE_COST, rest) if rest or not whole else 0)
