"""The threads of a pool: never more than its size, every job run, none kept."""

import sys
import threading
from collections.abc import Callable, Iterator

import pytest

from remotesvc.core.loop import Loop
from remotesvc.service.threads import Threads
from tests.loops import running_loop

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


# -- threads that are lent the loop --------------------------------------------------------------


@pytest.fixture
def loop(no_leaks: None) -> Iterator[Loop]:
    """A loop on its thread."""
    with running_loop() as running:
        yield running


def come(loop: Loop, threads: Threads, job: Callable[[], object]) -> bool:
    """Have a job come by the loop; return whether the thread that read it ran it."""
    read: list[int] = []
    ran: list[int] = []
    done = threading.Event()

    def run() -> None:
        ran.append(threading.get_ident())
        try:
            job()
        finally:
            done.set()

    def take() -> None:
        read.append(threading.get_ident())
        threads.defer(run)

    loop.call_soon(take)
    assert done.wait(DEADLINE)
    return read == ran


def lend(loop: Loop, threads: Threads) -> None:
    """Have jobs come one at a time until a thread has read its own."""
    while not come(loop, threads, lambda: None):
        continue


def test_thread_that_turns_the_loop_is_there_for_jobs_from_elsewhere(loop: Loop) -> None:
    threads = Threads("test", 1, loop)
    for number in range(100):
        lend(loop, threads)
        done = threading.Event()
        threads.defer(done.set)
        assert done.wait(DEADLINE), number
    threads.close(DEADLINE)


def test_job_that_waits_for_the_next_one_keeps_nobody_from_reading_it(loop: Loop) -> None:
    threads = Threads("test", 2, loop)
    for _ in range(20):
        lend(loop, threads)
        second = threading.Event()

        def wait(second: threading.Event = second) -> None:
            loop.call_soon(lambda: threads.defer(second.set))
            assert second.wait(DEADLINE)

        come(loop, threads, wait)
        assert second.is_set()
    threads.close(DEADLINE)


def test_close_ends_the_thread_that_turns_the_loop(loop: Loop) -> None:
    before = threading.active_count()
    threads = Threads("test", 2, loop)
    lend(loop, threads)
    threads.close(DEADLINE)
    assert threading.active_count() == before


def test_loop_that_stops_leaves_its_threads_waiting_for_jobs(no_leaks: None) -> None:
    loop = Loop()
    own = threading.Thread(target=loop.run)
    own.start()
    threads = Threads("test", 2, loop)
    lend(loop, threads)
    loop.stop()
    own.join(DEADLINE)
    assert not own.is_alive()
    done = threading.Event()
    threads.defer(done.set)
    assert done.wait(DEADLINE)
    threads.close(DEADLINE)
