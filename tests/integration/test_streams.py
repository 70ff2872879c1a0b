"""Streams between real processes: values both ways, credit, ends, and nothing left behind."""

import os
from collections.abc import Iterator
from typing import Any

import pytest

import remotesvc
from remotesvc import (
    CallTimeout,
    Context,
    DisconnectedError,
    EndOfStream,
    Receiver,
    RemoteError,
    Router,
    Sender,
)
from remotesvc.controller.modules.responder import Responder
from remotesvc.core.values import decode
from tests.integration.pipes import Pipe
from tests.integration.targets import streams

DEADLINE = 30.0


@pytest.fixture
def child(router: Router) -> Iterator[Context]:
    """A child of this Python; afterwards no handle but those of the router may be taken."""
    before = set(router.switch._waiters)
    yield router.local()
    assert set(router.switch._waiters) == before
    assert (router.streams._outlets, router.streams._inboxes) == ({}, {})


def fill(sender: Sender) -> int:
    """Send until the window is spent; return how many values it held."""
    sent = 0
    with pytest.raises(CallTimeout):
        while True:
            sender.send("x", timeout=0)
            sent += 1
    return sent


# -- what users do -------------------------------------------------------------------------------


@pytest.mark.matrix
def test_values_pass_both_ways_between_any_pythons(router: Router, any_child: Context) -> None:
    with Receiver(router) as receiver:
        running = any_child.submit(streams.send_numbers, receiver.sender, 3000)
        assert list(receiver) == list(range(3000))
        assert running.result(DEADLINE) == 3000
    values = [1, b"raw", {"a": (None, 2.5)}, bytes(700_000), "last"]
    with any_child.call(streams.open_receiver) as sender:
        for value in values:
            sender.send(value)
    assert any_child.call(streams.read_all) == values
    with pytest.raises(remotesvc.CallTimeout), Receiver(router) as receiver:
        receiver.get(0)


def test_sender_travels_inside_of_a_value_and_both_ends_talk(
    router: Router, child: Context
) -> None:
    with Receiver(router) as receiver:
        running = child.submit(streams.echo, receiver.sender)
        with receiver.get(DEADLINE) as back:
            for number in range(2000):
                back.send(number)
                assert receiver.get(DEADLINE) == number
        with pytest.raises(EndOfStream):
            receiver.get(DEADLINE)
        running.result(DEADLINE)


def test_sender_goes_along_in_a_closure(router: Router, child: Context) -> None:
    with Receiver(router) as receiver:
        sender = receiver.sender
        child.call(lambda: sender.send("from a lambda"))
        assert receiver.get(DEADLINE) == "from a lambda"


def test_closure_may_use_what_remotesvc_offers(router: Router, child: Context) -> None:
    assert child.call(lambda: remotesvc.current_router().name_of(3)) == "context 3"


def test_thread_over_there_goes_on_after_its_call_returned(
    router: Router, child: Context, pipe: Pipe
) -> None:
    with Receiver(router) as receiver:
        child.call(streams.send_later, receiver.sender, pipe.path, 5)
        with pytest.raises(CallTimeout):
            receiver.get(0)
        pipe.release("go")
        assert list(receiver) == list(range(5))


def test_threads_over_there_share_a_sender(router: Router, child: Context) -> None:
    with Receiver(router) as receiver:
        running = child.submit(streams.send_from_threads, receiver.sender, 4, 20, 300_000)
        seen: dict[int, list[int]] = {}
        for thread, number, padding in receiver:
            assert padding == bytes(300_000)
            seen.setdefault(thread, []).append(number)
        running.result(DEADLINE)
    assert seen == {thread: list(range(20)) for thread in range(4)}


def test_several_children_write_to_one_receiver_until_the_last_has_closed(
    router: Router, child: Context
) -> None:
    children = [child, router.local(), router.local()]
    with Receiver(router) as receiver:
        running = [one.submit(streams.send_numbers, receiver.sender, 500) for one in children]
        assert sorted(receiver) == sorted(3 * list(range(500)))
        assert [one.result(DEADLINE) for one in running] == [500, 500, 500]


def test_two_calls_of_one_child_each_close_their_sender(router: Router, child: Context) -> None:
    with Receiver(router) as receiver:
        running = [child.submit(streams.send_numbers, receiver.sender, 10) for _ in range(2)]
        assert list(receiver) == 2 * list(range(10))
        assert [one.result(DEADLINE) for one in running] == [10, 10]


def test_error_over_there_arrives_at_the_call_and_at_the_reader(
    router: Router, child: Context
) -> None:
    with Receiver(router) as receiver:
        with pytest.raises(LookupError):
            child.call(streams.fail_in_the_middle, receiver.sender)
        assert receiver.get(DEADLINE) == "first"
        with pytest.raises(RemoteError) as caught:
            receiver.get(DEADLINE)
    assert str(caught.value) == "LookupError: no more \\x1b[31m"


def test_first_sender_costs_no_request_for_modules(
    router: Router, child: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    answer = Responder._answer_module

    def note(responder: Responder, message: Any) -> None:
        asked.append(decode(message.payload))
        answer(responder, message)

    monkeypatch.setattr(Responder, "_answer_module", note)
    with Receiver(router) as receiver:
        child.call(streams.send_numbers, receiver.sender, 3)
        assert list(receiver) == [0, 1, 2]
    assert [name for name in asked if name.startswith("remotesvc.")] == []


# -- credit --------------------------------------------------------------------------------------


def test_slow_reader_stops_a_fast_writer_and_every_value_comes(
    router: Router, child: Context
) -> None:
    with Receiver(router) as receiver:
        running = child.submit(streams.send_numbers, receiver.sender, 50_000)
        inbox = receiver._inbox
        for expected in range(50_000):
            assert receiver.get(DEADLINE) == expected
            assert len(inbox._queue) <= 1024
        assert running.result(DEADLINE) == 50_000


def test_send_waits_for_its_reader_and_then_times_out(router: Router, child: Context) -> None:
    sender = child.call(streams.open_receiver)
    sent = fill(sender)
    with pytest.raises(CallTimeout, match=r"sending to local timed out after 0\.01 s"):
        sender.send("x", timeout=0.01)
    sender.close()
    assert child.call(streams.read_all) == ["x"] * sent


@pytest.mark.soak
def test_a_million_values_pass_at_flat_memory(router: Router, child: Context) -> None:
    with Receiver(router) as receiver:
        running = child.submit(streams.send_numbers, receiver.sender, 1_000_000)
        assert sum(1 for _ in receiver) == 1_000_000
        running.result(DEADLINE)
        assert child.call(streams.count_streams) == (1, 0)


def test_send_that_waits_is_cancelled_with_its_call(router: Router, child: Context) -> None:
    with Receiver(router) as receiver:
        running = child.submit(streams.send_numbers, receiver.sender, 1_000_000)
        assert [receiver.get(DEADLINE) for _ in range(2)] == [0, 1]
        assert running.cancel()
        with pytest.raises(RemoteError, match="KeyboardInterrupt"):
            while True:
                receiver.get(DEADLINE)
    assert child.call(abs, -1) == 1


# -- ends ----------------------------------------------------------------------------------------


def test_what_was_sent_before_the_end_of_a_call_comes_before_its_result(
    router: Router, child: Context
) -> None:
    with Receiver(router) as receiver:
        for _ in range(50):
            child.call(streams.send_all, receiver.sender, [1, 2, [3]])
            assert [receiver.get(0) for _ in range(3)] == [1, 2, [3]]
        child.kill()


def test_what_was_sent_before_a_call_comes_before_it(router: Router, child: Context) -> None:
    for _ in range(50):
        sender = child.call(streams.open_receiver)
        for value in (1, 2, [3]):
            sender.send(value)
        assert child.call(streams.read_ready) == [1, 2, [3]]
        sender.close()


def test_closing_the_receiver_stops_who_writes(router: Router, child: Context) -> None:
    receiver = Receiver(router)
    running = child.submit(streams.send_numbers, receiver.sender, 1_000_000)
    assert receiver.get(DEADLINE) == 0
    receiver.close()
    with pytest.raises(RemoteError, match="the receiver is closed"):
        running.result(DEADLINE)
    assert child.call(streams.count_streams) == (0, 0)


def test_killed_writer_ends_the_stream_after_what_it_sent(router: Router, child: Context) -> None:
    with Receiver(router) as receiver:
        child.call(streams.send_all, receiver.sender, [1, 2])
        child.kill()
        assert [receiver.get(DEADLINE), receiver.get(DEADLINE)] == [1, 2]
        with pytest.raises(DisconnectedError, match="killed from here"):
            receiver.get(DEADLINE)


def test_death_of_who_was_given_a_sender_ends_the_wait(router: Router, child: Context) -> None:
    with Receiver(router) as receiver:
        child.call(streams.give_back, receiver.sender)
        child.kill()
        with pytest.raises(DisconnectedError, match="killed from here"):
            receiver.get(DEADLINE)


def test_receiver_of_a_respondent_that_is_gone_has_ended(router: Router, child: Context) -> None:
    child.kill()
    with Receiver(router, respondent=child) as receiver:
        for _ in range(2):
            with pytest.raises(DisconnectedError, match="killed from here"):
                receiver.get(DEADLINE)


def test_killed_reader_ends_a_send_that_waits(router: Router, child: Context) -> None:
    sender = child.call(streams.open_receiver)
    fill(sender)
    child.kill()
    with pytest.raises(DisconnectedError, match="killed from here"):
        sender.send("x", timeout=DEADLINE)


def test_respondent_alone_is_heard(router: Router, child: Context) -> None:
    other = router.local()
    with Receiver(router, respondent=child) as receiver:
        with pytest.raises(RemoteError, match="not the one that may write"):
            # More than the window holds: else it may have ended before the refusal is there.
            other.call(streams.send_numbers, receiver.sender, 1_000_000)
        child.call(streams.send_all, receiver.sender, ["friend"])
        assert receiver.get(DEADLINE) == "friend"


def test_closed_router_ends_its_receivers() -> None:
    with Router() as router:
        receiver = Receiver(router)
        child = router.local()
        child.call(streams.send_all, receiver.sender, [1])
    assert receiver.get(0) == 1
    with pytest.raises(DisconnectedError):
        receiver.get(0)
    receiver.close()


def test_call_that_is_cancelled_while_it_sends_tears_no_message(child: Context) -> None:
    """The interrupt comes at any moment: often in the middle of a write to the link."""
    for round_ in range(15):
        with Receiver(child.router, window=1 << 16) as receiver:
            running = child.submit(streams.send_for_ever, receiver.sender)
            seen = [receiver.get(DEADLINE) for _ in range(100 + round_)]
            assert running.cancel()
            assert seen == list(range(100 + round_))
        assert child.call(os.getpid) == child.info.pid


def test_sender_of_another_router_is_refused_where_it_is_given(no_leaks: None) -> None:
    with Router() as one, Router() as two, Receiver(one) as first, Receiver(two) as second:
        for router, foreign in ((one, second), (two, first)):
            child = router.local()
            with pytest.raises(remotesvc.ValueNotSupported, match="of another router"):
                child.call(streams.send_all, foreign.sender, [1])
        with pytest.raises(ValueError, match="a context of this router"):
            Receiver(one, respondent=child)


@pytest.mark.parametrize("wrong", ["5", True])
def test_deadline_that_is_no_number_is_told(router: Router, wrong: Any) -> None:
    with Receiver(router) as receiver, pytest.raises(TypeError, match="seconds as a number"):
        receiver.get(wrong)


def test_receiver_of_what_is_no_router_is_told(router: Router) -> None:
    wrong: Any = (router.local(), None)
    for one in wrong:
        with pytest.raises(TypeError, match="wanted is a Router"):
            Receiver(one)
