"""The few threads that may block: how many, in what order, and what ends them."""

import sys
import threading
import time
from collections.abc import Iterator
from types import TracebackType

import pytest

from remotesvc.controller.workers import THREADS, Workers

DEADLINE = 30.0


@pytest.fixture
def workers(no_leaks: None) -> Iterator[Workers]:
    workers = Workers("test")
    yield workers
    workers.close(DEADLINE)


def own_threads() -> list[threading.Thread]:
    return [one for one in threading.enumerate() if one.name.startswith("remotesvc-test-")]


def wait_at(gate: threading.Event) -> None:
    """Block a worker until the gate opens."""
    gate.wait(DEADLINE)


def test_no_thread_is_started_before_there_is_a_job(workers: Workers) -> None:
    assert own_threads() == []


def test_jobs_run_on_threads_of_their_own(workers: Workers) -> None:
    names: list[str] = []
    done = threading.Event()

    def job() -> None:
        names.append(threading.current_thread().name)
        done.set()

    workers.defer(job)
    assert done.wait(DEADLINE)
    assert names == ["remotesvc-test-0"]


def test_a_thousand_jobs_from_four_threads_all_run_on_a_few(workers: Workers) -> None:
    seen: list[int] = []
    left = threading.Semaphore(0)

    def job(number: int) -> None:
        seen.append(number)
        left.release()

    def give(start: int) -> None:
        for number in range(start, 1000, 4):
            workers.defer(lambda number=number: job(number))  # type: ignore[misc]

    givers = [threading.Thread(target=give, args=(start,)) for start in range(4)]
    for giver in givers:
        giver.start()
    for _ in range(1000):
        assert left.acquire(timeout=DEADLINE)
    for giver in givers:
        giver.join()
    assert sorted(seen) == list(range(1000))
    assert 1 <= len(own_threads()) <= THREADS


def test_job_that_waits_does_not_hold_up_the_next_one(no_leaks: None) -> None:
    """Also when one thread was idle as both came: it has not taken the first one yet."""
    for _ in range(20):
        workers = Workers("test")
        workers.defer(lambda: None)
        end = time.monotonic() + DEADLINE
        while not workers._idle:
            assert time.monotonic() < end, "the thread never became idle"
        gate = threading.Event()
        workers.defer(lambda gate=gate: gate.wait(DEADLINE) and None)  # type: ignore[misc]
        workers.defer(gate.set)
        assert gate.wait(DEADLINE / 3), "the second job waits for the first one"
        workers.close(DEADLINE)


@pytest.mark.parametrize("kind", [ZeroDivisionError, SystemExit])
def test_job_that_raises_is_shown_and_the_next_ones_run(
    workers: Workers, kind: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[type[BaseException]] = []
    done = threading.Event()

    def show(
        found: type[BaseException], error: BaseException, traceback: TracebackType | None
    ) -> None:
        shown.append(found)

    monkeypatch.setattr(sys, "excepthook", show)

    def fail() -> None:
        raise kind

    for _ in range(2 * THREADS):
        workers.defer(fail)
    workers.defer(done.set)
    assert done.wait(DEADLINE)
    workers.close(DEADLINE)
    assert shown == [kind] * (2 * THREADS)


def test_close_lets_queued_jobs_run_and_ends_the_threads(workers: Workers) -> None:
    gate = threading.Event()
    seen: list[int] = []
    for _ in range(THREADS):
        workers.defer(lambda: wait_at(gate))
    for number in range(10):
        workers.defer(lambda number=number: seen.append(number))  # type: ignore[misc]
    gate.set()
    workers.close(DEADLINE)
    assert sorted(seen) == list(range(10)) and own_threads() == []


def test_close_is_bounded_by_its_timeout(workers: Workers) -> None:
    gate = threading.Event()
    workers.defer(lambda: wait_at(gate))
    workers.close(0.01)
    assert len(own_threads()) == 1
    gate.set()


def test_job_after_close_runs_at_once_on_its_giver(workers: Workers) -> None:
    workers.close()
    seen: list[threading.Thread] = []
    workers.defer(lambda: seen.append(threading.current_thread()))
    assert seen == [threading.current_thread()]


def test_job_may_close_the_workers(workers: Workers) -> None:
    done = threading.Event()

    def job() -> None:
        workers.close()
        done.set()

    workers.defer(job)
    assert done.wait(DEADLINE)
