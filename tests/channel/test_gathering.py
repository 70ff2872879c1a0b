"""Gathering: small values leave together, in order, soon, and none is lost."""

import threading
from typing import Any

import pytest

from remotesvc import (
    CallTimeout,
    DisconnectedError,
    Error,
    MessageTooLarge,
    Receiver,
    RefusedError,
)
from remotesvc.channel.batch import pack, unpack
from remotesvc.channel.frames import BATCH_SIZE, BYTES, END, HEAD_SIZE, VALUE, VALUES
from remotesvc.channel.gathering import LATER, LEAST_WINDOW, SOON
from remotesvc.channel.sender import Sender
from remotesvc.core.credit import GRANT
from remotesvc.core.dead import bury
from remotesvc.core.values import decode
from remotesvc.core.wire import DEAD
from tests.channel.ends import CHILD, Station

WINDOW = 4 * LEAST_WINDOW
DEADLINE = 30.0


@pytest.fixture
def station(monkeypatch: pytest.MonkeyPatch) -> Station:
    station = Station()
    monkeypatch.setattr("remotesvc.channel.gathering.time.monotonic", station.clock.monotonic)
    return station


@pytest.fixture
def sender(station: Station) -> Sender:
    """A Sender to a child's Receiver, through which one value has just gone."""
    sender = station.lent_sender(WINDOW)
    sender.send("first")
    assert came(station) == [["first"]]
    return sender


def came(station: Station) -> list[Any]:
    """Return what came to the child, frame by frame."""
    return [show(one.payload) for one in station.heard()]


def show(frame: bytes) -> Any:
    kind, data = frame[HEAD_SIZE - 1], frame[HEAD_SIZE:]
    if kind == VALUES:
        return unpack(data, decode)
    return {VALUE: "value", BYTES: "bytes", END: "end"}[kind & 0x3F], decode(data)


# -- when they leave -----------------------------------------------------------------------------


def test_first_value_after_a_pause_leaves_at_once(station: Station, sender: Sender) -> None:
    for number in range(3):
        station.clock.advance(2 * SOON)
        sender.send(number)
        assert came(station) == [[number]]


def test_values_that_follow_leave_together_soon(station: Station, sender: Sender) -> None:
    for value in (1, 2.5, "text", b"raw", None, True, [1], {"a": ()}, 3):
        sender.send(value)
    assert came(station) == []
    station.clock.advance(SOON)
    assert came(station) == [[1, 2.5, "text", b"raw", None, True, [1], {"a": ()}, 3]]
    station.clock.advance(1)
    assert came(station) == []


def test_value_that_comes_while_the_timer_runs_out_is_not_left_behind(
    station: Station, sender: Sender
) -> None:
    sender.send(1)
    station.clock.advance(SOON)
    sender.send(2)
    assert came(station) == [[1]]
    station.clock.advance(SOON)
    assert came(station) == [[2]]


def test_full_batch_leaves_and_no_batch_is_longer_than_one_may_be(
    station: Station, sender: Sender
) -> None:
    for number in range(5000):
        sender.send(number)
    frames = [one.payload for one in station.heard()]
    assert frames and all(len(frame) <= HEAD_SIZE + BATCH_SIZE for frame in frames)
    station.clock.advance(SOON)
    frames += [one.payload for one in station.heard()]
    assert [value for frame in frames for value in show(frame)] == list(range(5000))
    assert len(frames) < 5


def test_texts_fill_a_batch_by_their_bytes(station: Station, sender: Sender) -> None:
    for _ in range(12):
        sender.send("\U0001f40d" * 1000)
    frames = [one.payload for one in station.heard()]
    assert len(frames) >= 2
    assert all(len(frame) <= HEAD_SIZE + BATCH_SIZE for frame in frames)


def test_whoever_goes_on_to_wait_sends_what_is_gathered(station: Station, sender: Sender) -> None:
    with Receiver(station) as receiver:
        sender.send("question")
        with pytest.raises(CallTimeout):
            receiver.get(0)
        assert came(station) == [["question"]]


def test_who_answers_one_another_wait_for_no_timer_and_set_none(
    station: Station, sender: Sender
) -> None:
    with Receiver(station) as receiver:
        for number in range(3):
            with pytest.raises(CallTimeout):
                receiver.get(0)
            sender.send(number)
            assert came(station) == [[number]]
        assert station.clock._timers == []


def test_reader_that_has_something_to_read_sends_nothing_ahead(
    station: Station, sender: Sender
) -> None:
    with Receiver(station) as receiver:
        station.write(receiver, 1)
        sender.send("later")
        receiver.get(0)
        assert came(station) == []


def test_close_sends_what_is_gathered_first(station: Station, sender: Sender) -> None:
    sender.send(1)
    sender.send([2])
    sender.close()
    assert came(station) == [[1, [2]], ("end", None)]
    station.clock.advance(1)
    assert came(station) == []


def test_router_that_closes_sends_what_is_gathered(station: Station, sender: Sender) -> None:
    sender.send(1)
    station.streams.end(DisconnectedError("the router was closed"))
    assert came(station) == [[1]]


# -- order, and what goes alone ------------------------------------------------------------------


def test_large_value_leaves_after_what_is_gathered(station: Station, sender: Sender) -> None:
    sender.send(1)
    sender.send("x" * 5000)
    sender.send(2)
    station.clock.advance(SOON)
    assert came(station) == [[1], ("value", "x" * 5000), [2]]


def test_value_that_changes_after_it_was_sent_arrives_as_it_was(
    station: Station, sender: Sender
) -> None:
    value = [1]
    sender.send(value)
    value.append(2)
    sender.send(value)
    station.clock.advance(SOON)
    assert came(station) == [[[1], [1, 2]]]


def test_value_with_a_sender_in_it_goes_alone(station: Station, sender: Sender) -> None:
    with Receiver(station) as receiver:
        sender.send(1)
        sender.send([receiver.sender])
        kinds = [one.payload[HEAD_SIZE - 1] for one in station.heard()]
    assert kinds == [VALUES, VALUE]


def test_value_that_is_as_deep_as_any_may_be_goes_alone(station: Station, sender: Sender) -> None:
    deep: Any = []
    for _ in range(63):
        deep = [deep]
    sender.send(deep)
    assert came(station) == [("value", deep)]


def test_sender_on_another_authority_gathers_nothing(station: Station, sender: Sender) -> None:
    other = Sender(station, *fields_of_lent(sender), WINDOW, auth=0)
    sender.send(1)
    other.send(2)
    assert [(one.auth, show(one.payload)) for one in station.heard()] == [
        (CHILD, [1]),
        (0, ("value", 2)),
    ]


def fields_of_lent(sender: Sender) -> tuple[int, int, bytes]:
    return sender._address


def test_small_window_takes_values_one_by_one(station: Station) -> None:
    sender = station.lent_sender(LEAST_WINDOW - 1)
    for number in range(3):
        sender.send(number)
    assert came(station) == [("value", 0), ("value", 1), ("value", 2)]


def test_small_messages_are_kept(station: Station) -> None:
    station.switch.max_message_size = 4096
    sender = station.lent_sender(WINDOW)
    for number in range(3000):
        sender.send(number)
    assert all(len(one.payload) <= 4096 for one in station.heard())


def test_threads_lose_nothing_and_keep_their_order() -> None:
    station = Station()
    with Receiver(station, WINDOW) as receiver:
        sender = receiver.sender
        seen: dict[int, list[int]] = {n: [] for n in range(4)}

        def run(thread: int) -> None:
            for number in range(4000):
                sender.send(thread * 10_000 + number)

        threads = [threading.Thread(target=run, args=(n,)) for n in range(4)]
        for one in threads:
            one.start()
        for _ in range(16_000):
            # There is no loop, so no timer: who waits for more has to send it.
            while not receiver._inbox.is_settled() and not receiver._ready:
                station.streams.flush()
            value = receiver.get(DEADLINE)
            seen[value // 10_000].append(value % 10_000)
        for one in threads:
            one.join(DEADLINE)
    assert all(numbers == list(range(4000)) for numbers in seen.values())


# -- credit --------------------------------------------------------------------------------------


def test_batches_keep_to_the_window_and_credit_opens_it(station: Station, sender: Sender) -> None:
    sent = 0
    with pytest.raises(CallTimeout, match="sending to web1 timed out after 0 s"):
        while True:
            sender.send(-sent, timeout=0)
            sent += 1
    frames = station.heard()
    assert sum(max(1024, len(one.payload) - HEAD_SIZE) for one in frames) <= WINDOW
    assert sum(len(show(one.payload)) for one in frames) == sent
    station.answer(frames[0], GRANT.pack(WINDOW // 2))
    sender.send("goes again", timeout=0)
    station.clock.advance(SOON)
    assert came(station) == [["goes again"]]


def test_value_that_timed_out_is_not_sent_later(station: Station, sender: Sender) -> None:
    with pytest.raises(CallTimeout):
        while True:
            sender.send("fill", timeout=0)
    (first, *_) = station.heard()
    with pytest.raises(CallTimeout):
        sender.send("too late", timeout=0)
    station.answer(first, GRANT.pack(WINDOW // 2))
    station.clock.advance(1)
    sender.send("in time", timeout=0)
    station.clock.advance(1)
    assert came(station) == [["in time"]]


# -- failures ------------------------------------------------------------------------------------


def test_loss_that_the_timer_meets_is_raised_by_the_next_send(
    station: Station, sender: Sender
) -> None:
    sender.send(1)
    station.child.hang_up()
    station.clock.advance(SOON)
    with pytest.raises(DisconnectedError):
        sender.send(2)


def test_refusal_is_raised_by_the_next_send(station: Station, sender: Sender) -> None:
    sender.send(1)
    station.clock.advance(SOON)
    station.answer(station.heard()[0], bury("disconnected", "the receiver is closed"), DEAD)
    with pytest.raises(DisconnectedError, match="the receiver is closed"):
        sender.send(2)


def test_what_cannot_leave_now_leaves_later_in_its_order(
    station: Station, sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    send, failures = station.switch.send, [RefusedError("congested"), RefusedError("congested")]

    def refuse(*args: Any) -> Any:
        if failures:
            raise failures.pop()
        return send(*args)

    monkeypatch.setattr(station.switch, "send", refuse)
    sender.send(1)
    station.clock.advance(SOON)
    with pytest.raises(RefusedError):
        sender.send(2)
    station.clock.advance(LATER)
    assert came(station) == [[1]]
    sender.send(2)
    station.clock.advance(SOON)
    assert came(station) == [[2]]


def test_what_is_lost_at_the_end_is_told_to_the_reader(
    station: Station, sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    send, failures = station.switch.send, [MessageTooLarge("over the limit")]

    def refuse(*args: Any) -> Any:
        if failures:
            raise failures.pop()
        return send(*args)

    monkeypatch.setattr(station.switch, "send", refuse)
    sender.send(1)
    sender.close()
    assert came(station) == [("end", ("Error", "what was sent last is lost: over the limit"))]


def test_interrupt_in_the_middle_loses_and_repeats_nothing(
    station: Station, sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupts = [KeyboardInterrupt()]

    def interrupt(values: list[Any]) -> bytes:
        if interrupts:
            raise interrupts.pop()
        return pack(values)

    monkeypatch.setattr("remotesvc.channel.outlet.pack", interrupt)
    sender.send(1)
    sender.send(2)
    with pytest.raises(KeyboardInterrupt):
        station.streams.flush()
    sender.send(3)
    sender.close()
    assert came(station) == [[1, 2], [3], ("end", None)]


def test_fork_is_told_that_it_may_not_send(station: Station, sender: Sender) -> None:
    station.clock.advance(2 * SOON)
    station.switch.pid += 1
    with pytest.raises(RefusedError, match="a fork must not use links"):
        sender.send(1)
    with pytest.raises(RefusedError, match="a fork must not use links"):
        sender.send("x" * 5000)


def test_closed_sender_takes_nothing(station: Station, sender: Sender) -> None:
    sender.close()
    for value in (1, "text", [1], b"raw"):
        with pytest.raises(Error, match="this sender is closed"):
            sender.send(value)


def test_writing_end_goes_once_all_is_granted(station: Station) -> None:
    with station.lent_sender(WINDOW) as sender:
        sender.send(1)
        sender.send(2)
    for one in station.heard():
        station.answer(one, GRANT.pack(1024))
    assert (station.switch._waiters, station.streams._outlets) == ({}, {})
