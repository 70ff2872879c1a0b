"""A chain: calls sent without waiting, of which none is begun after one that failed."""

import concurrent.futures
import os
import threading
from typing import Any

import pytest

from remotesvc import (
    Busy,
    CallTimeout,
    Context,
    DisconnectedError,
    Error,
    RemoteError,
    Router,
    ValueNotSupported,
)
from remotesvc.core.call_options import CHAINS_LIMIT, ERROR_LIMIT
from tests.integration.lines import Lines
from tests.integration.pipes import Pipe
from tests.integration.targets import cancelled, chains, work
from tests.integration.targets.services import Plain
from tests.integration.waiting import TIMEOUTS, call_when_free, wait_until_heard

DEADLINE = 30.0


def test_calls_of_a_chain_run_in_order(any_child: Context) -> None:
    with any_child.chain() as chain:
        futures = [chain.submit(cancelled.square, number) for number in range(50)]
        chain.call_no_reply(work.note, "last")
        assert chain.call(work.notes) == ["last"]

    assert [future.result(DEADLINE) for future in futures] == [n * n for n in range(50)]


def test_later_calls_fail_with_the_same_error_and_are_not_run(any_child: Context) -> None:
    with any_child.chain() as chain:
        first = chain.submit(work.note, "before")
        failing = chain.submit(work.fail, "no disk")
        later = [chain.submit(work.note, number) for number in range(3)]
        chain.call_no_reply(work.note, "no reply")

        assert first.result(DEADLINE) is None
        for future in (failing, *later):
            error = future.exception(DEADLINE)
            assert isinstance(error, RemoteError) and isinstance(error, ValueError)
            assert str(error) == "ValueError: no disk"
            assert "work.py" in error.traceback
        with pytest.raises(ValueError, match="no disk"):
            chain.call(os.getpid)

    assert any_child.call(work.notes) == ["before"]


def test_failure_without_a_reply_fails_what_follows(child: Context) -> None:
    with child.chain() as chain:
        chain.call_no_reply(work.fail, "unheard")
        with pytest.raises(ValueError, match="unheard"):
            chain.call(work.note, "x")

    assert child.call(work.notes) == []


def test_result_that_cannot_travel_is_a_failure_unless_nobody_wants_it(child: Context) -> None:
    with child.chain() as chain:
        chain.call_no_reply(work.return_lock)
        assert chain.call(cancelled.square, 3) == 9
        with pytest.raises(ValueNotSupported, match=r"result\['x'\]\[1\]"):
            chain.call(work.return_lock)
        with pytest.raises(ValueNotSupported, match=r"result\['x'\]\[1\]"):
            chain.call(cancelled.square, 3)


def test_argument_that_cannot_travel_is_a_failure(child: Context) -> None:
    lock = threading.Lock()
    with child.chain() as chain:
        with pytest.raises(ValueNotSupported, match="lock"):
            chain.call_no_reply(work.note, lock)
        with pytest.raises(ValueNotSupported, match="lock"):
            chain.call(work.note, 1)

    assert child.call(work.notes) == []


def test_exit_and_pickled_calls_belong_to_the_chain_too(child: Context) -> None:
    with child.chain() as chain:
        assert chain.call(lambda: work.version()) == work.version()
        chain.submit(lambda: work.leave(3))
        with pytest.raises(RemoteError, match="SystemExit: 3"):
            chain.call(lambda: work.note("x"))

    assert child.call(work.notes) == []


def test_pickle_that_cannot_be_loaded_fails_the_chain(child: Context) -> None:
    with child.chain() as chain:
        chain.call_no_reply(work.note, chains.Unloadable())
        with pytest.raises(RuntimeError, match="not here"):
            chain.call(work.note, "x")

    assert child.call(work.notes) == []


def test_cancel_of_the_running_call_fails_the_later_ones(
    any_child: Context, lines: Lines, pipe: Pipe
) -> None:
    with any_child.chain() as chain:
        running = chain.submit(cancelled.wait, pipe.path)
        later = chain.submit(work.note, "later")
        chain.call_no_reply(work.note, "later still")
        lines.wait_for(b"busy")

        assert running.cancel()

        assert isinstance(later.exception(DEADLINE), concurrent.futures.CancelledError)
        with pytest.raises(concurrent.futures.CancelledError):
            chain.call(work.note, "new")

    assert any_child.call(work.notes) == ["KeyboardInterrupt"]


def test_cancel_of_a_call_that_waits_fails_only_what_was_added_after_it(
    child: Context, lines: Lines, pipe: Pipe
) -> None:
    with child.chain() as chain:
        running = chain.submit(cancelled.say_busy, pipe.path)
        before = chain.submit(work.note, "before")
        doomed = chain.submit(work.note, "cancelled")
        after = chain.submit(work.note, "after")
        lines.wait_for(b"busy")

        assert doomed.cancel()
        wait_until_heard(child)
        pipe.release()

        assert running.result(DEADLINE) is before.result(DEADLINE) is None
        assert isinstance(after.exception(DEADLINE), concurrent.futures.CancelledError)

    assert child.call(work.notes) == ["before"]


def test_timeout_fails_the_chain_with_the_timeout(child: Context, pipe: Pipe) -> None:
    for timeout in TIMEOUTS:
        with child.chain() as chain:
            timed = chain.options(timeout=timeout).submit(cancelled.wait, pipe.path)
            try:
                later = chain.submit(work.note, "later")
            except CallTimeout:
                continue  # the first one had timed out already

            assert isinstance(timed.exception(DEADLINE), CallTimeout)
            with pytest.raises(CallTimeout, match="wait on local"):
                later.result(DEADLINE)
            with pytest.raises(CallTimeout, match="wait on local"):
                chain.call(work.note, "new")
            break


def test_busy_fails_the_chain_also_when_the_context_is_free_again(
    impatient: Router, lines: Lines, pipe: Pipe
) -> None:
    child = impatient.local()
    stuck = child.submit(cancelled.ignore, pipe.path)
    lines.wait_for(b"busy")
    with child.chain() as chain:
        waiting = chain.submit(work.note, "waiting")
        assert stuck.cancel()
        assert isinstance(waiting.exception(DEADLINE), Busy)
        chain.call_no_reply(work.note, "unheard")
        pipe.release()

        assert call_when_free(child, work.notes) == []
        with pytest.raises(Busy, match="ignore"):
            chain.call(work.note, "new")

    assert child.call(work.notes) == []


def test_two_chains_and_calls_without_one_do_not_mix(child: Context) -> None:
    with child.chain() as good, child.chain() as bad:
        bad.call_no_reply(work.fail, "bad")
        futures = [(good.submit(os.getpid), bad.submit(os.getpid)) for _ in range(5)]

        for fine, failed in futures:
            assert fine.result(DEADLINE) == child.info.pid
            assert isinstance(failed.exception(DEADLINE), ValueError)
        assert child.call(os.getpid) == child.info.pid


def test_threads_may_share_a_chain(child: Context) -> None:
    results: list[Any] = []
    with child.chain() as chain:

        def work_on_it() -> None:
            results.extend([chain.call(cancelled.square, number) for number in range(50)])

        threads = [threading.Thread(target=work_on_it) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(DEADLINE)

    assert sorted(results) == sorted(4 * [n * n for n in range(50)])


def test_child_forgets_a_chain_at_its_end_whether_it_failed_or_not(child: Context) -> None:
    for number in range(20):
        with child.chain() as chain:
            chain.submit(cancelled.square, number)
            chain.submit(work.fail, "x")
            chain.call_no_reply(os.getpid)

    assert child.call(chains.count_known) == 0


def test_child_keeps_a_limited_number_of_chains_and_runs_none_that_it_forgot(
    child: Context,
) -> None:
    oldest = child.chain()
    oldest.call(os.getpid)
    others = [child.chain() for _ in range(CHAINS_LIMIT)]
    for chain in others:
        chain.call_no_reply(work.fail, "x" * 2 * ERROR_LIMIT)

    assert child.call(chains.count_known) == CHAINS_LIMIT
    with pytest.raises(Error, match="an earlier call of this chain"):
        oldest.call(work.note, "not run")
    with pytest.raises(ValueError, match="xxx") as caught:
        others[-1].call(work.note, "not run")
    assert len(str(caught.value)) < ERROR_LIMIT
    assert child.call(work.notes) == []


def test_closed_chain_takes_no_more_calls(child: Context) -> None:
    chain = child.chain()
    assert chain.call(cancelled.square, 2) == 4
    chain.close()
    chain.close()

    with pytest.raises(Error, match="closed"):
        chain.call(cancelled.square, 2)


def test_call_of_a_service_is_refused_by_a_chain_and_by_its_options(child: Context) -> None:
    with child.chain() as chain:
        for verbs in (chain, chain.options(timeout=DEADLINE)):
            with pytest.raises(Error, match=r"run side by side.*call_service\(\) on the context"):
                verbs.call_service(Plain, "tell", value=1)
            with pytest.raises(Error, match="run side by side"):
                verbs.service(Plain).tell(1)
            with pytest.raises(Error, match="run side by side"):
                verbs.services()
    assert child.services() == []


def test_chain_of_a_lost_context_says_why(child: Context) -> None:
    with child.chain() as chain:
        chain.call(os.getpid)
        child.kill()
        with pytest.raises(DisconnectedError, match="killed"):
            chain.call(os.getpid)
