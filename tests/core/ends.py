"""What the tests of core share: messages, neighbours of a switch, and a clock to turn by hand."""

import heapq
from collections.abc import Callable, Iterator

from remotesvc.core import fragments
from remotesvc.core.link import Link
from remotesvc.core.loop import Timer
from remotesvc.core.switch import Switch
from remotesvc.core.wire import PLAIN, FrameDecoder, Message, encode_frame
from remotesvc.testing.links import pair

__all__ = ["Clock", "Neighbour", "Recorder", "Waiter", "cut", "decode_all", "fields", "message"]


def message(
    payload: bytes = b"",
    *,
    dst: int = 1,
    src: int = 2,
    auth: int | None = None,
    handle: int = 300,
    reply_to: int = 0,
    encoding: int = PLAIN,
) -> Message:
    """Return a message; auth is src unless it is given."""
    return Message(dst, src, src if auth is None else auth, handle, reply_to, encoding, payload)


def fields(of: Message) -> tuple[int, int, int, int, int, int, bytes]:
    """Return all that a message holds: messages have no equality of their own."""
    return (of.dst, of.src, of.auth, of.handle, of.reply_to, of.encoding, of.payload)


def decode_all(data: bytes, step: int | None = None) -> list[Message]:
    """Decode a stream, fed whole or `step` bytes at a time."""
    decoder = FrameDecoder()
    size = step or max(1, len(data))
    return [
        found
        for start in range(0, len(data), size)
        for found in decoder.feed(data[start : start + size])
    ]


def cut(message: Message, message_id: int) -> Iterator[tuple[Message, bool]]:
    """Cut as `fragments.cut` does, and yield messages instead of frames."""
    for frame, is_last in fragments.cut(message, message_id):
        yield decode_all(frame)[0], is_last


class Recorder:
    """Owner of a link: keeps what arrives and how it ended."""

    def __init__(self, peer_id: int = 2) -> None:
        self.messages: list[Message] = []
        self.endings: list[Exception] = []
        self.link = Link(peer_id, self._on_message, self._on_end)

    def _on_message(self, link: Link, arrived: Message) -> None:
        self.messages.append(arrived)

    def _on_end(self, link: Link, error: Exception) -> None:
        self.endings.append(error)


class Waiter:
    """Waits for one reply, and keeps all that it is told."""

    limit = 0

    def __init__(self, respondent: int) -> None:
        self.respondent = respondent
        self.replies: list[Message] = []
        self.losses: list[Exception] = []

    def deliver(self, message: Message) -> None:
        """Take the reply."""
        self.replies.append(message)

    def lose(self, error: Exception) -> None:
        """Take the news that none will come."""
        self.losses.append(error)


class Neighbour:
    """The other end of a link of a switch: says what the test wants, keeps what it hears."""

    def __init__(
        self,
        switch: Switch,
        peer_id: int,
        *behind: int,
        is_parent: bool = False,
        capacity: int | None = None,
    ) -> None:
        self.link = Link(peer_id, switch.receive, switch.lose_link)
        self._ours, self.stream = pair(capacity)
        # A relay puts a shorter way in its place.
        self._ours.on_bytes = lambda data: self.link.on_bytes(data)
        self._ours.on_end = self.link.on_stream_end
        self._decoder = FrameDecoder()
        self._heard: list[Message] = []
        self.stream.on_bytes = lambda data: self._heard.extend(self._decoder.feed(data))
        if is_parent:
            switch.upstream = self.link
        else:
            switch.add_link(self.link)
            for one in behind:
                switch.relay.routes.give(one, one + 1, peer_id, True)  # type: ignore[union-attr]
        self.link.attach(self._ours)
        self._ours.start()
        self.stream.start()

    def say(self, *messages: Message) -> None:
        """Send messages to the switch."""
        self.say_bytes(b"".join(map(encode_frame, messages)))

    def say_bytes(self, data: bytes, step: int | None = None) -> None:
        """Send bytes to the switch, `step` at a time."""
        self.stream.write(data)
        self._ours.pump(step)

    def hear(self) -> list[Message]:
        """Return what the switch has sent since the last time."""
        self.stream.pump()
        heard, self._heard = self._heard, []
        return heard

    def hang_up(self) -> None:
        """Close the connection from over there."""
        self.stream.close()
        self._ours.pump()


class Clock:
    """A loop without a thread: time passes when the test says so."""

    def __init__(self) -> None:
        self.now = 1000.0
        self._timers: list[Timer] = []

    def monotonic(self) -> float:
        """Stand in for time.monotonic."""
        return self.now

    def call_later(self, delay: float, callback: Callable[[], None]) -> Timer:
        """Take a timer, as a loop does."""
        timer = Timer(self.now + delay, callback)
        heapq.heappush(self._timers, timer)
        return timer

    def advance(self, seconds: float) -> None:
        """Let time pass, each timer run at its time."""
        end = self.now + seconds
        while self._timers and self._timers[0].when <= end:
            timer = heapq.heappop(self._timers)
            self.now = max(self.now, timer.when)
            if timer.callback is not None:
                timer.callback()
        self.now = end

    def oversleep(self, seconds: float) -> None:
        """Let time pass while nobody runs: then all timers that are due come late."""
        self.now += seconds
        self.advance(0)
