"""A link over a stream in memory: what it writes, when it waits, how it ends."""

import threading
from collections.abc import Iterator

import pytest

from remotesvc.core import link as link_module
from remotesvc.core.authority import PING
from remotesvc.core.errors import DisconnectedError, ProtocolError
from remotesvc.core.link import ENOUGH, HIGH_WATER, Link
from remotesvc.core.wire import FRAGMENT_SIZE, Message, encode_frame
from remotesvc.testing.links import MemoryStream, pair
from tests.core.ends import Clock, Recorder, decode_all, fields, message


class Far:
    """The other end of a link's stream: keeps the bytes."""

    def __init__(self, stream: MemoryStream) -> None:
        self.stream = stream
        self.data = b""
        self.endings: list[str] = []
        stream.on_bytes = self._take
        stream.on_end = self.endings.append
        stream.start()

    def _take(self, data: bytes) -> None:
        self.data += data

    def read(self) -> bytes:
        self.stream.pump()
        return self.data


def attached(capacity: int | None = None, opening: bytes = b"") -> tuple[Recorder, Far]:
    """Return a link with its owner, and the far end of its stream."""
    near, far = pair(capacity)
    owner = Recorder()
    near.on_bytes = owner.link.on_bytes
    near.on_end = owner.link.on_stream_end
    owner.link.attach(near, opening)
    near.start()
    return owner, Far(far)


def near_of(far: Far) -> MemoryStream:
    assert far.stream.peer is not None
    return far.stream.peer


# -- writing -------------------------------------------------------------------------------------


def test_opening_goes_first_then_what_was_queued_before() -> None:
    owner = Recorder()
    owner.link.send(message(b"early"))
    near, far_stream = pair()
    far = Far(far_stream)
    owner.link.attach(near, b"opening")
    owner.link.send(message(b"late"))
    data = far.read()
    assert data.startswith(b"opening")
    assert [one.payload for one in decode_all(data[7:])] == [b"early", b"late"]


def test_idle_link_writes_at_once() -> None:
    owner, far = attached()
    owner.link.send(message(b"x"))
    assert owner.link.outbox.size == 0 and far.stream.waiting > 0


def test_message_that_may_wait_leaves_with_the_next_one_that_may_not() -> None:
    owner, far = attached()
    owner.link.watch(Clock(), 10, 3, 0)  # type: ignore[arg-type]
    owner.link.send(message(b"first"), may_wait=True)
    assert far.stream.waiting == 0 and owner.link.outbox.size > 0
    owner.link.send(message(b"second"))
    assert [one.payload for one in decode_all(far.read())] == [b"first", b"second"]


def test_messages_that_may_wait_leave_when_they_are_enough() -> None:
    owner, far = attached()
    owner.link.watch(Clock(), 10, 3, 0)  # type: ignore[arg-type]
    sizes = []
    while far.stream.waiting == 0:
        owner.link.send(message(bytes(100)), may_wait=True)
        sizes.append(owner.link.outbox.size)
    assert len(sizes) > 10 and max(sizes) <= ENOUGH and sizes[-1] == 0


def test_busy_link_queues_and_the_stream_pulls() -> None:
    owner, far = attached(capacity=10)
    sent = [message(bytes([number]) * 100) for number in range(5)]
    for one in sent:
        owner.link.send(one)
    assert owner.link.outbox.size > 0
    assert list(map(fields, decode_all(far.read()))) == list(map(fields, sent))
    assert owner.link.outbox.size == 0


def test_large_message_arrives_in_fragments_that_small_ones_overtake() -> None:
    owner, far = attached(capacity=FRAGMENT_SIZE)
    owner.link.send(message(bytes(4 * FRAGMENT_SIZE), handle=300))
    owner.link.send(message(b"small", handle=301))
    handles = [one.handle for one in decode_all(far.read())]
    assert handles.count(300) == 5 and handles[-1] == 300 and 301 in handles[:-1]


def test_bytes_sent_counts_all_that_went_to_the_stream() -> None:
    owner, far = attached(opening=b"opening")
    owner.link.send(message(bytes(FRAGMENT_SIZE * 2)))
    assert owner.link.bytes_sent == len(far.read())


def test_send_after_the_end_raises_the_reason_anew() -> None:
    owner, _ = attached()
    owner.link.end(ProtocolError("it lied"))
    errors = []
    for _ in range(2):
        with pytest.raises(ProtocolError, match="it lied") as caught:
            owner.link.send(message())
        errors.append(caught.value)
    assert errors[0] is not errors[1] and owner.link.error not in errors


# -- waiting -------------------------------------------------------------------------------------


def test_there_is_room_below_high_water() -> None:
    owner, _ = attached(capacity=0)
    owner.link.send(message(bytes(1000)))
    assert owner.link.wait_for_room(0) is True


def test_full_link_has_no_room_until_it_is_read() -> None:
    owner, far = attached(capacity=1024 * 1024)
    owner.link.send(message(bytes(3 * HIGH_WATER)))
    assert owner.link.outbox.size >= HIGH_WATER and owner.link.wait_for_room(0) is False
    far.read()
    assert owner.link.wait_for_room(0) is True


def test_whoever_waits_for_room_is_woken_by_reading() -> None:
    owner, far = attached(capacity=1024 * 1024)
    owner.link.send(message(bytes(3 * HIGH_WATER)))
    result: list[bool] = []
    waiting = threading.Thread(target=lambda: result.append(owner.link.wait_for_room(30)))
    waiting.start()
    far.read()
    waiting.join(30)
    assert result == [True]


@pytest.mark.parametrize("wait", [Link.wait_for_room, Link.flush])
def test_whoever_waits_is_woken_by_the_end(wait: object) -> None:
    owner, _ = attached(capacity=0)
    owner.link.send(message(bytes(3 * HIGH_WATER)))
    result: list[bool] = []
    waiting = threading.Thread(
        target=lambda: result.append(wait(owner.link, 30))  # type: ignore[operator]
    )
    waiting.start()
    owner.link.end(DisconnectedError("gone"))
    waiting.join(30)
    assert result == [True]


def test_flush_waits_until_the_stream_has_taken_everything() -> None:
    owner, far = attached(capacity=10)
    assert owner.link.flush(0) is True
    owner.link.send(message(bytes(1000)))
    assert owner.link.flush(0) is False
    far.read()
    assert owner.link.flush(0) is True


# -- reading -------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", [None, 1, 17])
def test_messages_are_handed_on_however_the_bytes_come(step: int | None) -> None:
    owner, far = attached()
    sent = [message(b"one"), message(bytes(500)), message(b"")]
    far.stream.write(b"".join(map(encode_frame, sent)))
    near_of(far).pump(step)
    assert list(map(fields, owner.messages)) == list(map(fields, sent))


def test_bytes_that_are_no_frame_end_the_link_and_are_quoted() -> None:
    owner, far = attached()
    far.stream.write(encode_frame(message(b"good")) + b"Segmentation fault (core dumped)")
    near_of(far).pump()
    (ending,) = owner.endings
    assert isinstance(ending, ProtocolError) and "Segmentation fault" in str(ending)
    assert near_of(far).is_closed


def test_handler_that_fails_ends_the_link_with_its_error() -> None:
    owner = Recorder()

    def fail(link: Link, arrived: Message) -> None:
        raise ZeroDivisionError("a defect of ours")

    broken = Link(2, fail, lambda link, error: owner.endings.append(error))
    broken.on_bytes(encode_frame(message()))
    (ending,) = owner.endings
    assert isinstance(ending, ProtocolError) and "a defect of ours" in str(ending)


# -- ends ----------------------------------------------------------------------------------------


def test_nothing_is_handed_on_after_the_end() -> None:
    heard: list[bytes] = []

    def take(link: Link, arrived: Message) -> None:
        heard.append(arrived.payload)
        link.end(DisconnectedError("killed from here"))

    link = Link(1, take, lambda link, error: None)
    link.on_bytes(encode_frame(message(b"one")) + encode_frame(message(b"two")))

    assert heard == [b"one"]


def test_end_of_the_stream_ends_the_link_with_its_reason() -> None:
    owner, far = attached()
    far.stream.close()
    near_of(far).pump()
    (ending,) = owner.endings
    assert isinstance(ending, DisconnectedError)
    assert str(ending) == "the other side closed the connection"


def test_end_in_the_middle_of_a_message_says_so() -> None:
    owner, far = attached()
    far.stream.write(encode_frame(message(b"half"))[:-1])
    far.stream.close()
    near_of(far).pump()
    assert str(owner.endings[0]).endswith("(in the middle of a message)")


def test_only_the_first_end_counts() -> None:
    owner, far = attached()
    owner.link.end(DisconnectedError("first"))
    owner.link.end(ProtocolError("second"))
    owner.link.on_stream_end("third")
    assert list(map(str, owner.endings)) == ["first"] and str(owner.link.error) == "first"
    far.read()
    assert far.endings == ["the other side closed the connection"]


def test_ended_link_holds_no_messages() -> None:
    owner, _ = attached(capacity=0)
    owner.link.send(message(bytes(3 * HIGH_WATER)))
    owner.link.end(DisconnectedError("gone"))
    assert owner.link.outbox.size == 0 and owner.link.pull() == b""


def test_link_that_has_ended_closes_the_stream_that_comes_too_late() -> None:
    owner = Recorder()
    owner.link.end(DisconnectedError("the router was closed"))
    near, far = pair()
    owner.link.attach(near, b"opening")
    assert near.is_closed and far.waiting == 0


# -- silence -------------------------------------------------------------------------------------


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    """Time for `watch`, which asks it of the module `time`."""
    clock = Clock()
    monkeypatch.setattr(link_module, "time", clock)
    yield clock


def watched(clock: Clock) -> tuple[Recorder, Far]:
    owner, far = attached()
    owner.link.watch(clock, 15, 3, 10)  # type: ignore[arg-type]
    return owner, far


def pings(far: Far) -> int:
    return [one.handle for one in decode_all(far.read())].count(PING)


def test_silent_peer_is_given_up_after_three_intervals_by_name(clock: Clock) -> None:
    owner, _ = watched(clock)
    clock.advance(59)  # in the first interval it counts as heard
    assert owner.endings == []
    clock.advance(1)
    (ending,) = owner.endings
    assert isinstance(ending, DisconnectedError)
    assert str(ending) == "no sign of life for 45 s (heartbeat 15 s)"


def test_any_byte_is_a_sign_of_life(clock: Clock) -> None:
    owner, far = watched(clock)
    frame = encode_frame(message(bytes(100)))
    for byte in frame:
        clock.advance(40)
        far.stream.write(bytes([byte]))
        near_of(far).pump()
    assert owner.endings == [] and len(owner.messages) == 1


def test_link_that_sent_nothing_for_an_interval_sends_a_ping(clock: Clock) -> None:
    _, far = watched(clock)
    clock.advance(15)
    (ping,) = decode_all(far.read())
    assert (ping.dst, ping.src, ping.auth, ping.handle) == (2, 10, 10, PING)
    assert ping.payload == b""
    clock.advance(15)
    assert pings(far) == 2


def test_link_that_speaks_sends_no_ping(clock: Clock) -> None:
    owner, far = watched(clock)
    for _ in range(4):
        owner.link.send(message(b"x"))
        far.stream.write(encode_frame(message()))
        near_of(far).pump()
        clock.advance(15)
    assert pings(far) == 0


def test_suspended_machine_does_not_blame_its_peer(clock: Clock) -> None:
    owner, _ = watched(clock)
    clock.advance(45)  # two silent intervals
    clock.oversleep(3600)
    assert owner.endings == []
    clock.advance(44)
    assert owner.endings == []
    clock.advance(1)
    assert len(owner.endings) == 1


def test_peer_that_speaks_and_does_not_read_is_given_up(clock: Clock) -> None:
    owner, _ = attached(capacity=0)
    owner.link.watch(clock, 15, 3, 10)  # type: ignore[arg-type]
    owner.link.send(message(b"x"))
    for _ in range(12):
        owner.link.on_bytes(encode_frame(message()))
        clock.advance(15)
    assert owner.endings == []
    owner.link.on_bytes(encode_frame(message()))
    clock.advance(15)
    (ending,) = owner.endings
    assert str(ending) == "it does not read: nothing could be written for 180 s"


def test_peer_that_reads_a_little_is_not_given_up(clock: Clock) -> None:
    owner, far = attached(capacity=16)
    owner.link.watch(clock, 15, 3, 10)  # type: ignore[arg-type]
    for _ in range(40):
        owner.link.send(message(b"x"))
        owner.link.on_bytes(encode_frame(message()))
        clock.advance(15)
        far.read()
    assert owner.endings == []


def test_watch_stops_with_its_link(clock: Clock) -> None:
    owner, far = watched(clock)
    owner.link.end(DisconnectedError("gone"))
    clock.advance(1000)
    assert clock._timers == [] and pings(far) == 0
