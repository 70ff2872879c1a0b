"""What children print: cut into lines and handed to one sink on one thread.

A sink that is slow, or blocks, holds up the children's prints (by credit) and nothing else. A
child that ignores its credit loses what exceeds it, and that is shown.
"""

import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from ..core.visible import visible
from .inbox import SLACK, Inbox, Source
from .inbox import WINDOW as OUTPUT_WINDOW

if TYPE_CHECKING:
    from ..core.link import Link
    from ..core.switch import Switch
    from ..core.wire import Message

__all__ = ["OUTPUT_WINDOW", "SLACK", "Output", "Sink", "print_line"]

# A line longer than this is shown in pieces: memory per child stays bounded.
LINE_LIMIT = 64 * 1024

# A turn of one child ends when this is used up: each line costs its bytes and LINE_COST more, what
# a call of the sink takes. A fraction of a millisecond, and a line of LINE_LIMIT some 30.
TURN = 16 * 1024
LINE_COST = 256

STREAMS = {1: "stdout", 2: "stderr"}

# sink(name of the context, "stdout" | "stderr", one line without its newline)
Sink = Callable[[str, str, bytes], None]


def print_line(name: str, stream: str, line: bytes) -> None:
    """Show a line on this process's stderr, after the name of its host; the default sink."""
    text = visible(line.decode("utf-8", "backslashreplace"))
    sys.stderr.write(f"{name}: {text}\n")
    sys.stderr.flush()


class Output:
    """Between STDIO messages and the sink; `name_of(id)` names a context."""

    def __init__(self, switch: "Switch", sink: Sink, name_of: Callable[[int], str]) -> None:
        self._switch = switch
        self._sink = sink
        # The unfinished last line of each stream.
        self._partial: dict[tuple[Source, int], bytes] = {}
        self._inbox = Inbox(switch, "output", self._handle, name_of)
        self.lose = self._inbox.lose
        self.settle = self._inbox.settle
        self.close = self._inbox.close

    def receive(self, link: "Link | None", message: "Message") -> None:
        """Queue a chunk (handler of STDIO, on a reading thread)."""
        payload = message.payload
        if len(payload) < 2 or payload[0] not in STREAMS:
            self._switch.refuse(link, message, "protocol", "no stream number and text")
            return
        self._inbox.put(message, len(payload) - 1)

    def _handle(self, source: Source, message: "Message | None") -> Iterator[None]:
        self._show_lost(source)
        if message is None:
            self._show_rest(source)
        else:
            yield from self._show(source, message.payload[0], message.payload[1:])

    def _show_lost(self, source: Source) -> None:
        if source.lost_bytes:
            lost, source.lost_bytes = source.lost_bytes, 0
            text = f"[{lost} bytes lost: this child printed beyond its credit]"
            self._emit(source.name, 2, text.encode())

    def _show_rest(self, source: Source) -> None:
        for stream in STREAMS:
            line = self._partial.pop((source, stream), b"")
            if line:
                self._emit(source.name, stream, line)

    def _show(self, source: Source, stream: int, data: bytes) -> Iterator[None]:
        data = self._partial.pop((source, stream), b"") + data
        start = work = 0
        # Not split at once: while others have their turn, nothing but the data is kept.
        while found := _find_end(data, start):
            end, after = found
            self._emit(source.name, stream, data[start:end])
            work += LINE_COST + end - start
            start = after
            if work >= TURN:
                work = 0
                yield
        if start < len(data):
            self._partial[source, stream] = data[start:]

    def _emit(self, name: str, stream: int, line: bytes) -> None:
        try:
            self._sink(name, STREAMS[stream], line)
        except BaseException:  # noqa: BLE001 the user's sink: show it, and go on with the others
            sys.excepthook(*sys.exc_info())


def _find_end(data: bytes, start: int) -> tuple[int, int] | None:
    """Return where a line, or a piece of a long one, ends and where the next begins; or None."""
    end = data.find(b"\n", start, start + LINE_LIMIT + 1)
    if end >= 0:
        return end, end + 1
    end = start + LINE_LIMIT
    return (end, end) if end < len(data) else None
