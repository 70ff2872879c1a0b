"""Strangers take turns at the threads of a pool, and parents do not wait for them."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from remotesvc.service.threads import Threads
from remotesvc.service.turns import Turns
from tests.service.stations import DEADLINE, make_call


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """What the jobs wait for."""
    event = threading.Event()
    yield event
    event.set()


def test_stranger_has_a_quarter_of_the_threads_and_the_rest_are_free(
    gate: threading.Event,
) -> None:
    threads = Threads("test", 8)
    turns = Turns(threads)
    done = threading.Semaphore(0)

    def work(_: Any) -> None:
        gate.wait(DEADLINE)
        done.release()

    for _ in range(20):
        turns.defer(work, make_call(src=7))
    assert turns._running == {7: 2}
    assert len(threads._threads) == 2

    free = threading.Semaphore(0)
    for call in (make_call(src=8), make_call(src=7, is_commanded=True)):
        turns.defer(lambda _: free.release(), call)
    turns.defer(free.release)
    for _ in range(3):
        assert free.acquire(timeout=DEADLINE)
    gate.set()
    for _ in range(20):
        assert done.acquire(timeout=DEADLINE)
    threads.close(DEADLINE)
    assert (turns._running, turns._waiting) == ({}, {})


def test_sources_take_turns(gate: threading.Event) -> None:
    threads = Threads("test", 1)
    turns = Turns(threads)
    order: list[int] = []
    threads.defer(gate.wait, DEADLINE)
    for src in (7, 8):
        for _ in range(3):
            turns.defer(lambda call: order.append(call.src), make_call(src=src))
    gate.set()
    threads.close(DEADLINE)

    assert order == [7, 8, 7, 8, 7, 8]


def test_job_that_raises_gives_its_turn_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.excepthook", lambda *_: None)
    threads = Threads("test", 1)
    turns = Turns(threads)
    done = threading.Event()

    def fail(_: Any) -> None:
        raise SystemExit("no")

    turns.defer(fail, make_call(src=7))
    turns.defer(lambda _: done.set(), make_call(src=7))
    assert done.wait(DEADLINE)
    threads.close(DEADLINE)
    assert turns._running == {}
