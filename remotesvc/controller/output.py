"""What children print: received under credit, cut into lines, handed to one sink on one thread.

The reading threads only queue; a sink that is slow, or blocks, holds up the children's prints (by
credit) and nothing else. A child that ignores its credit loses what exceeds it, and that is shown.
"""

import sys
import threading
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..core.credit import GRANT, MESSAGE_COST, Allowance
from ..core.visible import visible
from ..core.wire import RAW

if TYPE_CHECKING:
    from ..core.link import Link
    from ..core.switch import Switch
    from ..core.wire import Message

__all__ = ["OUTPUT_WINDOW", "Output", "Sink", "print_line"]

# What one child may have printed and we not yet shown.
OUTPUT_WINDOW = 256 * 1024

# One message may overdraw the window: a chunk of the child's forwarder.
SLACK = 128 * 1024

# A line longer than this is shown in pieces: memory per child stays bounded.
LINE_LIMIT = 64 * 1024

STREAMS = {1: "stdout", 2: "stderr"}

# sink(name of the context, "stdout" | "stderr", one line without its newline)
Sink = Callable[[str, str, bytes], None]


def print_line(name: str, stream: str, line: bytes) -> None:
    """Show a line on this process's stderr, after the name of its host; the default sink."""
    text = visible(line.decode("utf-8", "backslashreplace"))
    sys.stderr.write(f"{name}: {text}\n")
    sys.stderr.flush()


class _Source:
    """One context's prints: its credit, and the unfinished line of each stream."""

    def __init__(self, name: str) -> None:
        # Found out at the first print: what is shown after the end has no context any more.
        self.name = name
        self.allowance = Allowance(OUTPUT_WINDOW, SLACK)
        self.partial: dict[int, bytes] = {}
        self.received = 0
        self.shown = 0
        self.dropped = 0


class Output:
    """Queue and thread between STDIO messages and the sink; `name_of(id)` names a context."""

    def __init__(self, switch: "Switch", sink: Sink, name_of: Callable[[int], str]) -> None:
        self._switch = switch
        self._sink = sink
        self._name_of = name_of
        self._sources: dict[int, _Source] = {}
        self._queue: deque[tuple[_Source, Message | None]] = deque()
        self._changed = threading.Condition(threading.Lock())
        self._thread: threading.Thread | None = None
        self._is_closed = False

    def receive(self, link: "Link | None", message: "Message") -> None:
        """Queue a chunk (handler of STDIO, on a reading thread)."""
        payload = message.payload
        if len(payload) < 2 or payload[0] not in STREAMS:
            self._switch.refuse(link, message, "protocol", "no stream number and text")
            return
        with self._changed:
            if self._is_closed:
                return
            source = self._sources.get(message.src)
            if source is None:
                name = self._name_of(message.src)
                source = self._sources[message.src] = _Source(name)
            if not source.allowance.take(len(payload) - 1 + MESSAGE_COST):
                source.dropped += len(payload) - 1
                return
            source.received += 1
            self._queue.append((source, message))
            self._start()
            self._changed.notify_all()

    def lose(self, ids: "set[int]", error: Exception) -> None:
        """Show the unfinished last lines of lost contexts (observer of the switch)."""
        with self._changed:
            for context_id in ids & self._sources.keys():
                source = self._sources.pop(context_id)
                source.received += 1
                self._queue.append((source, None))
            self._changed.notify_all()

    def settle(self, context_id: int) -> None:
        """Wait until the sink has taken all that a context printed so far."""
        source = self._sources.get(context_id)
        if source is None or threading.current_thread() is self._thread:
            return
        # Not until nothing waits: another thread over there may print without an end.
        so_far = source.received
        with self._changed:
            self._changed.wait_for(lambda: source.shown >= so_far or self._is_closed)

    def close(self, timeout: float = 2.0) -> None:
        """Show what is queued, bounded by `timeout` seconds, and end the thread."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(timeout)

    def _start(self) -> None:
        if self._thread is None:
            name = "remotesvc-output"
            self._thread = threading.Thread(target=self._run, name=name, daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._queue or self._is_closed)
                if not self._queue:
                    return
                source, message = self._queue.popleft()
            self._show_lost(source)
            if message is None:
                self._show_rest(source)
            else:
                self._show(source, message.payload[0], message.payload[1:])
            self._note_shown(source, message)

    def _note_shown(self, source: _Source, message: "Message | None") -> None:
        """Wake who waits for it, and give credit back."""
        with self._changed:
            source.shown += 1
            size = 0 if message is None else len(message.payload) - 1 + MESSAGE_COST
            granted = source.allowance.consume(size)
            self._changed.notify_all()
        if granted and message is not None:
            self._switch.reply(message, RAW, GRANT.pack(granted))

    def _show_lost(self, source: _Source) -> None:
        if source.dropped:
            lost, source.dropped = source.dropped, 0
            text = f"[{lost} bytes lost: this child printed beyond its credit]"
            self._emit(source.name, 2, text.encode())

    def _show_rest(self, source: _Source) -> None:
        for number, line in source.partial.items():
            self._emit(source.name, number, line)
        source.partial.clear()

    def _show(self, source: _Source, stream: int, data: bytes) -> None:
        name = source.name
        lines = (source.partial.pop(stream, b"") + data).split(b"\n")
        last = lines.pop()
        for line in lines:
            self._emit(name, stream, line)
        if len(last) > LINE_LIMIT:
            self._emit(name, stream, last)
        elif last:
            source.partial[stream] = last

    def _emit(self, name: str, stream: int, line: bytes) -> None:
        try:
            self._sink(name, STREAMS[stream], line)
        except BaseException:  # noqa: BLE001 the user's sink: show it, and go on with the others
            sys.excepthook(*sys.exc_info())
