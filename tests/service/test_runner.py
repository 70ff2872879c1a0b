"""Where a method may be interrupted, and where not any more."""

import threading
from typing import Any

import pytest

from remotesvc.core.values import decode
from remotesvc.core.wire import ERROR, PLAIN
from remotesvc.service.offers import Offers
from remotesvc.service.runner import Runner, describe
from remotesvc.service.threads import Threads
from tests.service.stations import DEADLINE, make_call


@pytest.fixture
def runner() -> Runner:
    """A runner without a router: no method is run here."""
    router: Any = None
    return Runner(router, Offers(), Threads("test", 1))


def test_call_that_was_cancelled_before_it_began_is_interrupted_at_once(runner: Runner) -> None:
    call = make_call()
    runner.lay_open(call)
    assert call.ident == threading.get_ident()
    runner.shelter(call)
    assert call.ident == 0
    call.cancel()
    with pytest.raises(KeyboardInterrupt):
        runner.lay_open(call)
    runner.shelter(call)


def test_interrupt_reaches_the_thread_that_runs_the_call_and_only_once(runner: Runner) -> None:
    call = make_call()
    begun, caught, goes_on = threading.Event(), threading.Event(), threading.Event()
    count = 0

    def run() -> None:
        nonlocal count
        runner.lay_open(call)
        try:
            begun.set()
            while True:
                threading.Event().wait(0.001)
        except KeyboardInterrupt:
            count += 1
        caught.set()
        goes_on.wait(DEADLINE)
        runner.shelter(call)

    thread = threading.Thread(target=run)
    thread.start()
    assert begun.wait(DEADLINE)
    runner.interrupt(call)
    assert caught.wait(DEADLINE)
    runner.interrupt(call)
    goes_on.set()
    thread.join(DEADLINE)
    runner.interrupt(call)
    assert count == 1
    assert call.ident == 0


def test_interrupt_that_was_not_raised_yet_is_taken_back(runner: Runner) -> None:
    call = make_call()
    outcome: list[str] = []

    def run() -> None:
        try:
            runner.lay_open(call)
            with runner._lock:
                # As if another thread had been here: raised after the next steps.
                pass
            runner.shelter(call)
            outcome.append("safe")
        except KeyboardInterrupt:
            outcome.append("interrupted")

    for _ in range(200):
        thread = threading.Thread(target=run)
        thread.start()
        runner.interrupt(call)
        thread.join(DEADLINE)
        call.is_interrupted = False
        if outcome[-1] == "interrupted":
            runner.shelter(call)
    assert len(outcome) == 200, "no thread has died of it"


def test_stuck_call_gives_its_thread_back_once(runner: Runner) -> None:
    call = make_call()
    runner.give_up(call)
    assert runner._threads._lost == 0, "it does not run"
    call.ident = 1
    runner.give_up(call)
    runner.give_up(call)
    assert runner._threads._lost == 1
    runner.shelter(call)
    runner.shelter(call)
    assert runner._threads._lost == 0


def test_failure_that_nobody_waits_for_is_logged_unless_it_was_cancelled(
    runner: Runner, caplog: pytest.LogCaptureFixture
) -> None:
    cancelled = make_call(reply_to=0)
    cancelled.cancel()
    assert runner.fail(cancelled, KeyboardInterrupt())[0] == PLAIN
    assert caplog.messages == []
    assert runner.fail(make_call(reply_to=0), LookupError("x"))[0] == PLAIN
    assert caplog.messages == ["Logs.tail failed, and nobody waits for it (asked by context 7)"]


def test_stranger_hears_less_than_a_parent(runner: Runner) -> None:
    def fail() -> None:
        raise LookupError("the text")

    with pytest.raises(LookupError) as caught:
        fail()
    for is_commanded in (True, False):
        encoding, payload = runner.fail(make_call(is_commanded=is_commanded), caught.value)
        assert encoding == ERROR
        assert ("raise LookupError" in repr(decode(payload))) == is_commanded
        assert "the text" in repr(decode(payload))


def test_exception_that_cannot_be_described_is_named() -> None:
    class Broken(Exception):
        def __str__(self) -> str:
            raise SystemExit("no text")

    record: Any = decode(describe(Broken(), True))
    assert "Broken" in record[0]
