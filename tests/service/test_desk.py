"""Calls that were taken in are answered once, counted, and cancelled by who may."""

import threading
from typing import Any

import pytest

from remotesvc import Router
from remotesvc.core.errors import ProtocolError
from remotesvc.core.values import decode
from remotesvc.core.wire import DEAD, PLAIN
from remotesvc.service.admission import CALLS_LIMIT
from remotesvc.service.desk import EARLY_LIMIT, Desk
from tests.service.stations import DEADLINE, make_call


class Line:
    """Stands for the switch: keeps what is answered, and for the thread that interrupts."""

    relay = None  # it has no children

    def __init__(self) -> None:
        self.answers: list[tuple[int, int, bytes]] = []
        self.jobs: list[Any] = []

    def reply(self, message: Any, encoding: int, payload: bytes) -> None:
        """Keep an answer."""
        self.answers.append((message.reply_to, encoding, payload))

    def defer(self, job: Any, *args: Any) -> None:
        """Keep a job."""
        self.jobs.append((job, args))


@pytest.fixture
def line() -> Line:
    """Where the desk answers."""
    return Line()


@pytest.fixture
def desk(line: Line, empty_home: object) -> Any:
    """A desk beside the loop of a router."""
    with Router() as router:
        runner: Any = Line()
        runner.interrupt = runner.give_up = None
        switch: Any = line
        yield Desk(switch, router.loop, runner, line.defer, 5.0)


def test_calls_are_counted_until_they_are_answered(desk: Desk, line: Line) -> None:
    calls = [make_call(desk.answer, reply_to=number) for number in range(300, 310)]
    assert [desk.open(call) for call in calls] == [None] * 10
    assert desk._accounts == {7: [10, 10 * calls[0].size]}
    for call in calls:
        call.answer(PLAIN, b"x")
        call.answer(PLAIN, b"y")

    assert (desk._accounts, desk._calls) == ({}, {})
    assert [payload for _, _, payload in line.answers] == [b"x"] * 10


def test_answer_of_many_threads_at_once_is_one(desk: Desk, line: Line) -> None:
    call = make_call(desk.answer)
    desk.open(call)
    barrier = threading.Barrier(8)

    def answer() -> None:
        barrier.wait(DEADLINE)
        call.answer(PLAIN, b"x")

    threads = [threading.Thread(target=answer) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE)
    assert len(line.answers) == 1
    assert desk._accounts == {}


def test_stranger_is_refused_beyond_the_limit_and_a_parent_never(desk: Desk) -> None:
    for _ in range(CALLS_LIMIT):
        assert desk.open(make_call(desk.answer, reply_to=0)) is None
    assert "calls of yours" in (desk.open(make_call(desk.answer)) or "")
    assert desk.open(make_call(desk.answer, src=8)) is None
    assert desk.open(make_call(desk.answer, is_commanded=True)) is None


def test_cancel_is_for_calls_of_its_own_source(desk: Desk, line: Line) -> None:
    call = make_call(desk.answer)
    desk.open(call)
    desk.cancel((8, 300), False)
    was_cancelled = call.cancelled
    desk.cancel((7, 300), False)
    assert (was_cancelled, call.cancelled) == (False, True)
    assert line.jobs == [], "it does not run"


def test_cancel_that_comes_first_counts_for_parents_only_and_few_are_kept(desk: Desk) -> None:
    desk.cancel((7, 300), True)
    desk.cancel((7, 301), False)
    early, other = make_call(desk.answer), make_call(desk.answer, reply_to=301)
    desk.open(early)
    desk.open(other)
    for number in range(EARLY_LIMIT * 3):
        desk.cancel((7, 1000 + number), True)

    assert (early.cancelled, other.cancelled) == (True, False)
    assert len(desk._early) <= EARLY_LIMIT


def test_call_that_runs_is_interrupted_on_another_thread(desk: Desk, line: Line) -> None:
    call = make_call(desk.answer)
    desk.open(call)
    call.ident = 1
    desk.lose([7])

    assert call.cancelled
    assert [args for _, args in line.jobs] == [(call,)]


def test_all_are_told_why_they_get_no_result(desk: Desk, line: Line) -> None:
    calls = [make_call(desk.answer, reply_to=number) for number in (300, 301)]
    for call in calls:
        desk.open(call)
    desk.refuse_all("closed")
    calls[0].answer(PLAIN, b"too late")

    assert [(encoding, decode(payload)) for _, encoding, payload in line.answers] == [
        (DEAD, ("refused", "Logs.tail: closed"))
    ] * 2
    assert all(call.cancelled for call in calls)


def test_call_is_known_until_its_method_has_ended_and_its_stream_too(desk: Desk) -> None:
    for flag in ("is_running", "is_offered"):
        call = make_call(desk.answer)
        desk.open(call)
        setattr(call, flag, True)
        call.answer(PLAIN, b"x")
        assert (desk._calls, desk._accounts[7][0]) == ({call.key: call}, 1)
        setattr(call, flag, False)
        call.release()
        call.release()
        assert (desk._calls, desk._accounts) == ({}, {})


def test_stream_counts_until_the_call_that_reads_it_is_over(desk: Desk) -> None:
    asked, reading = make_call(desk.answer), make_call(desk.answer, reply_to=301)
    desk.open(asked)
    asked.is_offered = True
    asked.answer(PLAIN, b"x")
    desk.open(reading)
    reading.origin = asked
    assert desk._accounts[7][0] == 2
    reading.answer(PLAIN, b"y")

    assert (desk._calls, desk._accounts) == ({}, {})


@pytest.mark.parametrize("way", ["lose", "refuse_all"])
def test_call_without_a_reply_is_reached_too(desk: Desk, line: Line, way: str) -> None:
    calls = [make_call(desk.answer, reply_to=0) for _ in range(3)]
    for call in calls:
        assert desk.open(call) is None
        call.ident = 1
    if way == "lose":
        desk.lose([7])
    else:
        desk.refuse_all("closed")

    assert all(call.cancelled for call in calls)
    assert len(line.jobs) == 3


def test_second_call_with_the_same_reply_handle_is_a_breach_of_protocol(desk: Desk) -> None:
    first = make_call(desk.answer)
    desk.open(first)
    with pytest.raises(ProtocolError, match="reply handle 300 is not over"):
        desk.open(make_call(desk.answer))
    assert desk._accounts == {7: [1, first.size]}
    first.answer(PLAIN, b"x")
    assert desk.open(make_call(desk.answer)) is None


def test_call_that_was_cancelled_is_not_ended_again(desk: Desk, line: Line) -> None:
    call = make_call(desk.answer)
    desk.open(call)
    call.ident = 1
    for _ in range(3):
        desk.cancel((7, 300), False)
    desk.refuse_all("closed")

    assert len(line.jobs) == 1
