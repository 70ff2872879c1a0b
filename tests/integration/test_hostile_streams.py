"""A child that breaks the rules of streams: it gets nothing by it, and the others go on."""

import os
from typing import Any

import pytest

from remotesvc import ProtocolError, Receiver, Router
from remotesvc.channel.frames import BATCH_SIZE, CONTEXT_ID, END, GIVEN, VALUE, VALUES, cut
from remotesvc.core.authority import CALL_FUNCTION, FIRST_DYNAMIC
from remotesvc.core.values import SENDER, encode
from remotesvc.core.wire import DEAD, PLAIN, RAW
from tests.integration.hostile_scene import DEADLINE, Scene, memory_stays_below
from tests.integration.pipes import Pipe
from tests.integration.targets import streams


class Lent:
    """Encodes as a Sender with these fields."""

    def __init__(self, *fields: Any) -> None:
        self.fields = fields

    def __wire__(self) -> tuple[int, tuple[Any, ...]]:
        return SENDER, self.fields


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param((2, CALL_FUNCTION, bytes(16), 4096), id="a sibling's CALL_FUNCTION"),
        pytest.param((2, FIRST_DYNAMIC, bytes(16), 4096), id="a sibling's reply"),
        pytest.param((0, CALL_FUNCTION, bytes(16), 4096), id="our CALL_FUNCTION"),
        pytest.param((999, 300, bytes(16), 4096), id="an unknown context"),
    ],
)
def test_sender_in_a_result_that_is_not_its_to_give_is_refused(
    scene: Scene, fields: tuple[Any, ...]
) -> None:
    payload = encode([Lent(*fields)])
    with pytest.raises(ProtocolError):
        scene.tell("say", [[None, PLAIN, payload]])
    assert scene.good.call(abs, -1) == 1


def test_guessed_token_is_refused_and_the_stream_goes_on(
    scene: Scene, router: Router, caplog: pytest.LogCaptureFixture
) -> None:
    with Receiver(router) as receiver:
        _, handle, token = receiver.sender._address
        frames = [next(cut(bytes([n]) * 16, VALUE, b"\xc0")) for n in range(256)]
        scene.say(*[[handle, RAW, frame] for frame in frames])
        scene.say(*[[handle, encoding, token[:15], 0] for encoding in (PLAIN, RAW, DEAD)])
        assert len([one for one in caplog.messages if "token" in one]) == 1
        scene.good.call(streams.send_numbers, receiver.sender, 3)
        assert list(receiver) == [0, 1, 2]


def test_child_that_ignores_its_credit_is_cut_off_and_the_others_go_on(
    scene: Scene, router: Router, caplog: pytest.LogCaptureFixture
) -> None:
    with Receiver(router) as receiver:
        _, handle, token = receiver.sender._address
        frame = next(cut(token, VALUE, encode("x" * 1000)))
        scene.say([handle, RAW, frame], count=100_000)
        assert len(receiver._inbox._queue) < 2048
        scene.good.call(streams.send_numbers, receiver.sender, 3)
        taken: list[Any] = []
        with pytest.raises(ProtocolError, match="evil sent more than its credit"):
            while True:
                taken.append(receiver.get(DEADLINE))
        assert list(receiver) == [0, 1, 2]
    assert len([one for one in caplog.messages if "credit" in one]) == 1


def test_lent_sender_answers_no_call_of_ours(scene: Scene, pipe: Pipe) -> None:
    # Handles are consecutive, so that of a call under way is guessed: it is not a stream.
    waiting = scene.good.submit(os.open, pipe.path, os.O_RDONLY)  # until somebody writes
    for handle in scene.router.switch._waiters:
        payload = encode(Lent(0, handle, bytes(16), 4096))
        with pytest.raises(ProtocolError, match="where no receiver of ours gave it"):
            scene.tell("say", [[None, PLAIN, payload]])
    pipe.release()
    assert isinstance(waiting.result(DEADLINE), int)


def test_guessed_receiver_of_ours_does_not_wait_for_us(scene: Scene, router: Router) -> None:
    with Receiver(router, respondent=scene.good) as receiver:
        (_, handle, _), window = receiver.sender._address, receiver.sender._window
        payload = encode(Lent(0, handle, bytes(16), window))
        with pytest.raises(ProtocolError, match="where no receiver of ours gave it"):
            scene.tell("say", [[None, PLAIN, payload]])
        scene.good.call(streams.send_numbers, receiver.sender, 3)
        assert list(receiver) == [0, 1, 2]


def test_senders_of_a_child_that_we_close_leave_nothing_here(scene: Scene, router: Router) -> None:
    assert router.streams._outlets == {}
    waiters = len(router.switch._waiters)
    for handle in range(5000, 5100):
        payload = encode(Lent(scene.evil.id, handle, bytes(16), 4096))
        scene.tell("say", [[None, PLAIN, payload]]).close()
    assert (router.streams._outlets, len(router.switch._waiters)) == ({}, waiters)


def test_many_ends_and_frames_after_close_disturb_nothing(scene: Scene, router: Router) -> None:
    receiver = Receiver(router)
    _, handle, token = receiver.sender._address
    end = next(cut(token, END, encode(("E", "flood"))))
    scene.say([handle, RAW, end], count=10_000)
    assert len(receiver._inbox._queue) == 1
    receiver.close()
    scene.say([handle, RAW, end], [handle, RAW, next(cut(token, VALUE, b"\xc0"))], count=100)
    assert scene.good.call(abs, -1) == 1


def test_flood_of_batches_costs_a_window_and_a_half(scene: Scene, router: Router) -> None:
    # The greediest: 80 bytes of memory for each byte that comes, once it is decoded.
    data = encode([{} for _ in range(BATCH_SIZE - 3)])
    with Receiver(router, window=1 << 18) as receiver:
        _, handle, token = receiver.sender._address
        frame = next(cut(token, VALUES, data))
        with memory_stays_below(4 * 1024 * 1024):
            scene.say([handle, RAW, frame], count=500)
            with pytest.raises(ProtocolError, match="evil sent more than its credit"):
                while True:
                    assert receiver.get(DEADLINE) == {}
        scene.good.call(streams.send_numbers, receiver.sender, 3)
        assert list(receiver) == [0, 1, 2]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"\xdd\xff\xff\xff\xff" + b"\xc0" * 100, id="too many elements"),
        pytest.param(b"\x91" * 16_000 + b"\xc0", id="a nest of arrays"),
        pytest.param(b"\xdc\x00\x01" + b"\xc7\xff\x01" * 5_000, id="a nest of extensions"),
        pytest.param(b"\xdc\xff\xff" + b"\xcd" * 16_000, id="numbers cut short"),
        pytest.param(encode("no list"), id="no list"),
    ],
)
def test_hostile_batch_is_told_and_the_others_go_on(
    scene: Scene, router: Router, data: bytes
) -> None:
    with Receiver(router) as receiver:
        _, handle, token = receiver.sender._address
        with memory_stays_below(8 * 1024 * 1024):
            scene.say([handle, RAW, next(cut(token, VALUES, data))])
            with pytest.raises(ProtocolError):
                receiver.get(DEADLINE)
        scene.say([handle, RAW, next(cut(token, END, b"\xc0"))])
        scene.good.call(streams.send_numbers, receiver.sender, 3)
        assert list(receiver) == [0, 1, 2]


def test_batch_with_a_wrong_token_is_not_looked_at(scene: Scene, router: Router) -> None:
    with Receiver(router) as receiver:
        _, handle, _ = receiver.sender._address
        scene.say([handle, RAW, next(cut(bytes(16), VALUES, encode([1, 2])))], count=100)
        assert receiver._inbox._writers == {}


def test_child_cannot_have_us_wait_for_others(scene: Scene, router: Router) -> None:
    with Receiver(router) as receiver:
        _, handle, token = receiver.sender._address
        frame = next(cut(token, GIVEN, CONTEXT_ID.pack(scene.good.id)))
        scene.say([handle, RAW, frame], count=100)
        assert receiver._inbox._writers == {}


def test_channels_that_a_child_makes_up_leave_nothing_here(scene: Scene, router: Router) -> None:
    waiters = len(router.switch._waiters)
    many = [Lent(scene.evil.id, 5000 + n, bytes(16), 4096, True) for n in range(10_000)]
    found = scene.tell("say", [[None, PLAIN, encode(many)]])
    assert len(found) == 10_000
    assert (router.streams._inboxes, len(router.switch._waiters)) == ({}, waiters)


def test_reader_that_never_reads_costs_a_window(scene: Scene, router: Router) -> None:
    scene.good.call(streams.count_streams)  # what is sent ahead of a first call is no part of it
    with Receiver(router) as receiver, memory_stays_below(4 * 1024 * 1024):
        running = scene.good.submit(streams.send_numbers, receiver.sender, 1_000_000)
        inbox = receiver._inbox
        while not running.done() and counted(receiver) < receiver._window - BATCH_SIZE:
            scene.tell("settle")
        assert held(receiver) <= receiver._window
        assert not receiver._ready
        assert not running.done()
    assert not inbox._queue


def held(receiver: Receiver) -> int:
    """Return how many bytes nobody has read yet."""
    return sum(len(item.data) for item in list(receiver._inbox._queue))


def counted(receiver: Receiver) -> int:
    """Return what that is counted as: small batches as more."""
    return sum(item.cost for item in list(receiver._inbox._queue))
