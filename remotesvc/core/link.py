"""Link: the message stream to one adjacent context, over any byte stream.

A link queues what is to be sent, decodes what comes, notices silence, and ends exactly once, with
a reason. How bytes move is the business of a *stream*, of which this file holds the one for
descriptors. The contract of a stream:

    write(data) -> bool   called when idle, from any thread, never blocks: True if all is written;
                          else the stream keeps the rest, and calls `pull()` until that gives b""
    close()               drop everything; no callback begins after it returns, but one that is
                          under way on the reading thread may end later
    on_bytes(data)        set by its owner: bytes arrived, never empty, from one thread at a time
    on_end(reason)        set by its owner: nothing will come any more, called once
    pull() -> bytes       set by its owner: what to write next
"""

import os
import threading
import time

from .authority import PING
from .errors import DisconnectedError, ProtocolError, again
from .outbox import Outbox
from .wire import RAW, FrameDecoder, Message

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, Optional, Set, Union

    from ..types import Stream
    from .loop import Loop

__all__ = ["HIGH_WATER", "QUEUE_LIMIT", "DescriptorStream", "Link"]

# A local sender waits while this much is queued: enough to keep a long fat pipe busy.
HIGH_WATER = 4 * 1024 * 1024

# What is relayed for others may queue up to this; beyond, the sender hears "congested".
QUEUE_LIMIT = 64 * 1024 * 1024

READ_SIZE = 128 * 1024

# A message that may wait waits at most so long for others, and for so many bytes of them.
SOON = 0.001
ENOUGH = 4096

# A peer that speaks but does not read gets so many times the silence that ends a link: a stream
# takes up to 400 KB at a time, and a line of 3 KB/s needs two minutes for that.
PATIENCE = 4


class Link:
    """One neighbour: `reach` holds the ids that lie behind it, `peer_id` its own.

    `on_message(link, message)` and `on_end(link, error)` are called on the thread that reads.
    """

    def __init__(
        self,
        peer_id: "int",
        on_message: "Callable[[Link, Message], None]",
        on_end: "Callable[[Link, Exception], None]",
    ) -> "None":
        self.peer_id = peer_id
        self.reach: "Set[int]" = {peer_id}
        self.reported: "Set[str]" = set()
        self.error: "Optional[Exception]" = None
        self._on_message = on_message
        self.on_end = on_end
        self._stream: "Optional[Stream]" = None
        self._decoder = FrameDecoder()
        self.outbox = Outbox()
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._is_writing = False
        self._is_put_off = False
        self._is_timed = False
        self._loop: "Optional[Loop]" = None
        # What was sent from here and wants an answer, less what was answered; about.
        self.unanswered = 0
        self._has_spoken = False
        self._has_heard = True
        # Until then no sign of life is expected.
        self.excused_until = 0.0
        self.bytes_sent = self.bytes_received = 0

    def attach(self, stream: "Stream", opening: "bytes" = b"") -> "None":
        """Begin to write to a stream: first `opening`, then whatever was queued meanwhile.

        The link owns the stream from here on: one that has ended already closes it.
        """
        with self._changed:
            self._stream = stream
            stream.pull = self.pull
            if self.error is None:
                self._push(stream, opening)
                return
        stream.close()

    def send(self, message: "Message", may_wait: "bool" = False) -> "None":
        """Queue a message, or write it at once; never blocks.

        One that may wait leaves with the next one that may not, at `push()`, or within SOON: so
        many small ones cost one write.
        Raises DisconnectedError, or what else ended the link, once it has ended.
        """
        with self._lock:
            if self.error is not None:
                raise again(self.error)
            self._has_spoken = True
            if message.reply_to:
                self.unanswered += 1
            stream = self._stream
            self.outbox.put(message)
            if self._is_writing or stream is None:
                return
            if not may_wait or self._loop is None or self.outbox.size > ENOUGH:
                self._push(stream)
                return
            self._is_put_off = True
            if not self._is_timed:
                self._is_timed = True
                self._loop.call_later(SOON, self._push_in_time)

    def _push(self, stream: "Stream", opening: "bytes" = b"") -> "None":
        """Write while the stream takes it (with the lock held); the stream pulls the rest."""
        self._is_put_off = False
        data = opening + self.outbox.take()
        while data:
            self.bytes_sent += len(data)
            if not stream.write(data):
                self._is_writing = True
                return
            data = self.outbox.take()

    def pull(self) -> "bytes":
        """Return what to write next; b"" makes the link idle (for its stream to call)."""
        with self._lock:
            data = self.outbox.take()
            self.bytes_sent += len(data)
            self._is_writing = bool(data)
            if self.outbox.size < HIGH_WATER:
                self._changed.notify_all()
            return data

    def push(self) -> "bool":
        """Write now what was put off; tell whether nothing is left to be written."""
        if self._is_put_off:
            with self._lock:
                if self._is_put_off and self._stream is not None:
                    self._push(self._stream)
        return not self._is_writing

    def _push_in_time(self) -> "None":
        self._is_timed = False
        self.push()

    def wait_for_room(self, timeout: "Optional[float]" = None) -> "bool":
        """Block while HIGH_WATER bytes are queued; False if that lasts longer than `timeout`."""
        if self.outbox.size < HIGH_WATER:
            return True
        with self._changed:
            return self._changed.wait_for(
                lambda: self.error is not None or self.outbox.size < HIGH_WATER, timeout
            )

    def flush(self, timeout: "float") -> "bool":
        """Block until everything is written or the link has ended; False after `timeout`."""
        self.push()
        with self._changed:
            return self._changed.wait_for(
                lambda: self.error is not None or not self._is_writing, timeout
            )

    def on_bytes(self, data: "bytes") -> "None":
        """Take bytes from the stream and hand on the messages that they complete."""
        self._has_heard = True
        self.bytes_received += len(data)
        try:
            for message in self._decoder.feed(data):
                if self.error is not None:
                    return  # what lay behind it is forgotten, and stays so
                if self.unanswered and not message.reply_to:
                    self.unanswered -= 1
                self._on_message(self, message)
        except ProtocolError as error:
            self.end(error)
        except Exception as error:  # noqa: BLE001 going on would lose messages in silence
            self.end(ProtocolError("a message could not be handled: %r" % error))

    def on_stream_end(self, reason: "str") -> "None":
        """Take the end of the stream."""
        if self._decoder.pending:
            reason += " (in the middle of a message)"
        self.end(DisconnectedError(reason))

    def end(self, error: "Exception") -> "None":
        """End the link for a reason; only the first one counts."""
        with self._changed:
            if self.error is not None:
                return
            self.error = error
            self.outbox = Outbox()
            self._changed.notify_all()
            stream = self._stream
        if stream is not None:
            stream.close()
        self.on_end(self, error)

    def watch(self, loop: "Loop", interval: "float", misses: "int", own_id: "int") -> "None":
        """Send a sign of life every `interval` seconds; end the link after `misses` silent ones.

        Any byte received counts. It also ends when nothing could be written for PATIENCE times as
        long, so that no caller waits for room for ever. When this very timer comes late (a
        suspended machine), the silence is not the peer's, and counting begins anew.
        """
        self._loop = loop
        ping = Message(self.peer_id, own_id, own_id, PING, 0, RAW, b"")
        silent = [0, time.monotonic()]
        stuck = [0, 0]

        def tick() -> "None":
            if self.error is not None:
                return
            now = time.monotonic()
            is_late = now - silent[1] > 1.5 * interval
            silent[1] = now
            is_excused = is_late or now < self.excused_until
            silent[0] = 0 if self._has_heard or is_excused else silent[0] + 1
            if silent[0] >= misses:
                text = "no sign of life for %g s (heartbeat %g s)" % (misses * interval, interval)
                self.end(DisconnectedError(text))
                return
            is_stuck = self._is_writing and self.bytes_sent == stuck[1] and not is_excused
            stuck[:] = stuck[0] + 1 if is_stuck else 0, self.bytes_sent
            if stuck[0] >= PATIENCE * misses:
                text = "it does not read: nothing could be written for %g s" % (
                    PATIENCE * misses * interval
                )
                self.end(DisconnectedError(text))
                return
            self._has_heard = False
            if not self._has_spoken:
                try:
                    self.send(ping)
                except Exception:  # noqa: BLE001 whatever ended the link has been told already
                    return
            self._has_spoken = False
            loop.call_later(interval, tick)

        loop.call_later(interval, tick)


class DescriptorStream:
    """A byte stream over two descriptors that it owns, read and written on the loop."""

    def __init__(self, loop: "Loop", read_fd: "int", write_fd: "int") -> "None":
        self.on_bytes: "Callable[[bytes], None]" = _ignore
        self.on_end: "Callable[[str], None]" = _ignore
        self.pull: "Callable[[], bytes]" = bytes
        self._loop = loop
        self._read_fd = read_fd
        self._write_fd = write_fd
        self._rest: "Union[bytes, memoryview]" = b""
        self._is_closed = False
        os.set_blocking(read_fd, False)
        os.set_blocking(write_fd, False)

    def start(self) -> "None":
        """Begin to read."""
        self._loop.call_soon(self._watch)

    def write(self, data: "bytes") -> "bool":
        """Write what goes at once; the loop writes the rest."""
        self._write(data)
        if self._rest:
            self._loop.call_soon(self._want_to_write)
            return False
        return True

    def close(self) -> "None":
        """Stop watching and close both descriptors."""
        if not self._is_closed:
            self._is_closed = True
            self._loop.call_soon(self._close)

    def _watch(self) -> "None":
        if not self._is_closed:
            self._loop.set_reader(self._read_fd, self._read)

    def _want_to_write(self) -> "None":
        if not self._is_closed:
            self._loop.set_writer(self._write_fd, self._write_rest)

    def _read(self) -> "None":
        if self._is_closed:
            return
        try:
            data = os.read(self._read_fd, READ_SIZE)
        except BlockingIOError:
            return
        except OSError as error:
            self._end("reading failed: %s" % error.strerror)
            return
        if data:
            self.on_bytes(data)
        else:
            self._end("the other side closed the connection")

    def _write_rest(self) -> "None":
        if not self._rest:
            data = self.pull()
            if not data:
                # From here on another thread may write(), so `_rest` is not ours to touch.
                self._loop.set_writer(self._write_fd, None)
                return
            self._rest = data
        self._write(self._rest)

    def _write(self, data: "Union[bytes, memoryview]") -> "None":
        size = len(data)
        try:
            written = os.write(self._write_fd, data)
        except BlockingIOError:
            written = 0
        except OSError:
            written = size  # lost; the reading side tells the end, with its reason
        self._rest = memoryview(data)[written:] if written < size else b""

    def _end(self, reason: "str") -> "None":
        self._loop.set_reader(self._read_fd, None)
        self.on_end(reason)

    def _close(self) -> "None":
        self._loop.set_reader(self._read_fd, None)
        self._loop.set_writer(self._write_fd, None)
        for fd in {self._read_fd, self._write_fd}:
            os.close(fd)


def _ignore(_: "object") -> "None":
    """Take the place of a callback that nobody has set yet."""
