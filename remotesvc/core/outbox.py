"""What a link has still to write: a bounded queue in which small messages overtake large ones.

Sans-IO and without locks: the link that owns it guards it.

Messages of one lane, that is of one source to one handle of one context, never overtake each
other: a small call behind a large one waits for it. Between lanes, the fragments of large messages
take turns with each other and with everything small. Modules that are sent ahead make a rule of
their own (lanes.py).
"""

from collections import deque

from .fragments import cut
from .wire import FRAGMENT_SIZE, HEADER, encode_frame

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Deque, Dict, Iterator, Tuple

    from .wire import Message

    Lane = Tuple[int, int, int]

__all__ = ["Outbox"]

# One write takes about this much: more gains nothing on a pipe of 64 KiB or an SSH packet of 32.
BATCH = 128 * 1024


class Outbox:
    """Queue of messages to one link; `size` counts the bytes that wait in it, headers included."""

    def __init__(self) -> "None":
        self._small: "Deque[bytes]" = deque()
        self.lanes: "Dict[Lane, Deque[Message]]" = {}
        self._turns: "Deque[Lane]" = deque()
        self._cutting: "Dict[Lane, Iterator[Tuple[bytes, bool]]]" = {}
        self._next_id = 0
        self.size = 0

    def __bool__(self) -> "bool":
        return bool(self._small or self._turns)

    def put(self, message: "Message") -> "None":
        """Queue a message of any size."""
        size = len(message.payload)
        self.size += size + HEADER.size
        if self.lanes or size > FRAGMENT_SIZE:
            lane = self.lane_of(message)
            if lane in self.lanes:
                self.lanes[lane].append(message)
                return
            if size > FRAGMENT_SIZE:
                self.lanes[lane] = deque((message,))
                self._turns.append(lane)
                return
        self._small.append(encode_frame(message))

    def lane_of(self, message: "Message") -> "Lane":
        """Return the lane of a message; lanes.py has another rule for the links of children."""
        return message.src, message.dst, message.handle

    def take(self) -> "bytes":
        """Return the bytes to write next, whole frames, about BATCH of them; b"" when empty."""
        frames = []
        size = 0
        small = self._small
        while small and size < BATCH:
            frame = small.popleft()
            frames.append(frame)
            size += len(frame)
        if self._turns:
            frames.append(self._take_turn())
        data = b"".join(frames) if len(frames) != 1 else frames[0]
        # The headers of fragments were not counted in, so a little more is left than is said.
        self.size = max(0, self.size - len(data))
        return data

    def _take_turn(self) -> "bytes":
        """Return the next frame of the lane whose turn it is, and pass the turn on."""
        lane = self._turns.popleft()
        waiting = self.lanes[lane]
        if lane not in self._cutting:
            self._next_id = (self._next_id + 1) & 0xFFFFFFFF
            self._cutting[lane] = cut(waiting[0], self._next_id)
        frame, is_last = next(self._cutting[lane])
        if is_last:
            del self._cutting[lane]
            waiting.popleft()
        if waiting:
            self._turns.append(lane)
        else:
            del self.lanes[lane]
        return frame
