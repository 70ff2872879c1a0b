"""The threads of a pool: never more than its size, every job run, none kept."""

import sys
import threading

import pytest

from remotesvc.service.threads import Threads

DEADLINE = 20.0


@pytest.fixture
def gate() -> threading.Event:
    return threading.Event()


def test_jobs_beyond_the_size_wait_and_are_run_in_order(gate: threading.Event) -> None:
    threads = Threads("test", 1)
    order: list[int] = []
    threads.defer(gate.wait, DEADLINE)
    for number in range(50):
        threads.defer(order.append, number)
    assert threads.waiting >= 50
    gate.set()
    threads.close(DEADLINE)

    assert order == list(range(50))


def test_no_more_threads_than_the_size_are_started(gate: threading.Event) -> None:
    threads = Threads("test", 3)
    seen: set[int] = set()

    def note() -> None:
        seen.add(threading.get_ident())
        gate.wait(DEADLINE)

    for _ in range(10):
        threads.defer(note)
    gate.set()
    threads.close(DEADLINE)

    assert len(seen) <= 3


def test_thread_that_is_idle_is_used_again() -> None:
    threads = Threads("test", 4)
    seen: list[int] = []
    done = threading.Semaphore(0)

    def note() -> None:
        seen.append(threading.get_ident())
        done.release()

    for _ in range(4):
        threads.defer(note)
        assert done.acquire(timeout=DEADLINE)
        while not threads._idle:
            assert threading.active_count()
    threads.close(DEADLINE)

    assert len(set(seen)) == 1


def test_job_that_raises_is_shown_and_the_next_one_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shown: list[object] = []
    monkeypatch.setattr(sys, "excepthook", lambda *error: shown.append(error[1]))
    threads = Threads("test", 1)
    done = threading.Event()

    def fail() -> None:
        raise SystemExit("no")

    threads.defer(fail)
    threads.defer(done.set)
    assert done.wait(DEADLINE)
    threads.close(DEADLINE)

    assert [str(error) for error in shown] == ["no"]


def test_stuck_thread_gets_a_substitute_as_often_as_there_are_threads(
    gate: threading.Event,
) -> None:
    threads = Threads("test", 1)
    done = threading.Event()
    threads.defer(gate.wait, DEADLINE)
    threads.defer(done.set)

    assert threads.give_up_one()
    assert done.wait(DEADLINE)
    assert not threads.give_up_one()

    threads.take_back_one()
    threads.take_back_one()
    gate.set()
    threads.close(DEADLINE)


def test_close_runs_what_was_taken_and_ends_all_threads(gate: threading.Event) -> None:
    before = threading.active_count()
    threads = Threads("test", 2)
    order: list[int] = []
    for number in range(10):
        threads.defer(order.append, number)
    threads.close(DEADLINE)

    assert sorted(order) == list(range(10))
    assert threading.active_count() == before


def test_stuck_thread_that_comes_back_takes_the_place_of_one_that_was_not_replaced(
    gate: threading.Event,
) -> None:
    threads = Threads("test", 1)
    begun, other = threading.Event(), threading.Event()

    def come_back() -> None:
        gate.wait(DEADLINE)
        threads.take_back_one()

    def stay() -> None:
        begun.set()
        other.wait(DEADLINE)
        threads.take_back_one()

    done = threading.Event()
    threads.defer(come_back)
    threads.defer(stay)
    assert threads.give_up_one()
    assert begun.wait(DEADLINE)
    assert not threads.give_up_one()
    threads.defer(done.set)
    gate.set()

    assert done.wait(DEADLINE)
    other.set()
    threads.close(DEADLINE)
