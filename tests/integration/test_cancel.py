"""A cancel ends the function over any_child, frees the caller at once, and hits nothing else."""

import concurrent.futures
import os
import random
import re
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from remotesvc import Busy, CallTimeout, Context, DisconnectedError, RemoteError, Router
from tests.integration.lines import Lines
from tests.integration.pipes import Pipe
from tests.integration.targets import cancelled, stubborn, work
from tests.integration.waiting import TIMEOUTS, call_when_free, wait_until_heard
from tests.testing.client import is_running, wait_for_end

# Longer than any of this takes; what is waited for is an event.
DEADLINE = 30.0

# Every wait that Ctrl-C ends in a program on a terminal.
WAITS: list[Callable[[], None]] = [
    cancelled.acquire_lock,
    cancelled.get_from_queue,
    cancelled.run_process,
    stubborn.loop,
    stubborn.sleep,
    stubborn.wait_for_lock,
    stubborn.wait_for_process,
]


def start(context: Context, lines: Lines, function: Callable[..., Any], *args: Any) -> Any:
    """Submit a function, and return its future once it runs."""
    future = context.submit(function, *args)
    lines.wait_for(b"busy")
    return future


# -- what runs -----------------------------------------------------------------------------------


@pytest.mark.parametrize("function", WAITS, ids=lambda function: function.__name__)
def test_cancel_interrupts_whatever_the_function_waits_for(
    any_child: Context, lines: Lines, function: Callable[[], None]
) -> None:
    future = start(any_child, lines, function)

    assert future.cancel()

    assert future.cancelled()
    with pytest.raises(concurrent.futures.CancelledError):
        future.result(DEADLINE)
    assert any_child.options(timeout=DEADLINE).call(work.Point.add, 1, 1) == 2


def test_function_that_was_cancelled_sees_a_keyboard_interrupt(
    any_child: Context, lines: Lines, pipe: Pipe
) -> None:
    start(any_child, lines, cancelled.wait, pipe.path).cancel()

    assert any_child.call(work.notes) == ["KeyboardInterrupt"]


def test_finally_blocks_run_undisturbed_however_often_one_cancels(
    any_child: Context, lines: Lines, pipe: Pipe
) -> None:
    future = start(any_child, lines, cancelled.clean_up, pipe.path)

    assert future.cancel()
    lines.wait_for(b"cleaning")
    assert future.cancel()
    pipe.release()

    assert any_child.call(work.notes) == ["clean"]


def test_cancel_of_a_call_that_waits_takes_it_out(
    any_child: Context, lines: Lines, pipe: Pipe
) -> None:
    running = start(any_child, lines, cancelled.say_busy, pipe.path)
    waiting = [any_child.submit(work.note, number) for number in range(4)]

    assert waiting[1].cancel()
    assert waiting[2].cancel(hard=True), "what waits is ended without force"
    wait_until_heard(any_child)
    pipe.release()

    assert running.result(DEADLINE) is None
    assert any_child.call(work.notes) == [0, 3]


def test_cancel_overtakes_a_large_call_that_is_still_on_its_way(router: Router) -> None:
    context = router.local()

    assert context.submit(cancelled.note_length, bytes(3_000_000)).cancel()

    assert context.call(work.notes) == []


def test_cancel_before_the_child_is_up_keeps_the_call_from_running(
    router: Router, tmp_path: Path, pipe: Pipe
) -> None:
    script = tmp_path / "python"
    script.write_text(f'#!/bin/sh\nread line < {pipe.path}\nexec {sys.executable} "$@"\n')
    script.chmod(0o755)
    context = router.local(python_path=str(script))
    future = context.submit(work.note, "ran")
    timed = context.options(timeout=0.01).submit(work.note, "ran too")

    assert future.cancel()
    assert isinstance(timed.exception(DEADLINE), CallTimeout)
    pipe.release()

    assert context.call(work.notes) == []


def test_cancel_of_a_lost_context_is_no_error(router: Router, lines: Lines) -> None:
    context = router.local()
    future = start(context, lines, stubborn.sleep)
    context.kill()

    assert isinstance(future.exception(DEADLINE), DisconnectedError)
    assert not future.cancel(hard=True)


# -- what else ends a call -----------------------------------------------------------------------


def test_timeout_of_a_call_interrupts_it_and_names_function_host_and_seconds(
    any_child: Context, pipe: Pipe
) -> None:
    noted: list[str] = []
    for timeout in TIMEOUTS:
        text = f"wait on {any_child.name} timed out after {timeout:g} s"
        with pytest.raises(CallTimeout, match=re.escape(text)):
            any_child.options(timeout=timeout).call(cancelled.wait, pipe.path)
        noted = any_child.call(work.notes)
        if noted:
            break  # it had begun

    assert noted == ["KeyboardInterrupt"]


def test_timeout_of_a_future_interrupts_the_call(router: Router, pipe: Pipe) -> None:
    context = router.local()
    noted: list[str] = []
    for timeout in TIMEOUTS:
        future = context.options(timeout=timeout).submit(cancelled.wait, pipe.path)
        assert isinstance(future.exception(DEADLINE), CallTimeout)
        noted = context.call(work.notes)
        if noted:
            break  # it had begun

    assert noted == ["KeyboardInterrupt"]
    assert not future.cancel(), "it has an outcome"
    assert not future.cancelled()


def test_exception_in_the_thread_that_waits_cancels_the_call(
    no_leaks: None, empty_home: Path, pipe: Pipe
) -> None:
    main = threading.main_thread().ident
    assert main is not None

    def press_ctrl_c(name: str, stream: str, line: bytes) -> None:
        signal.pthread_kill(main, signal.SIGINT)

    with Router(output=press_ctrl_c) as router:
        context = router.local()
        with pytest.raises(KeyboardInterrupt):
            context.call(cancelled.wait, pipe.path)

        assert context.call(work.notes) == ["KeyboardInterrupt"]


# -- what does not obey --------------------------------------------------------------------------


def test_context_is_busy_while_a_cancelled_call_goes_on_and_free_after_it(
    impatient: Router, lines: Lines, pipe: Pipe
) -> None:
    context = impatient.local(name="web1")
    stuck = start(context, lines, cancelled.ignore, pipe.path)
    queued = [context.submit(work.note, "queued") for _ in range(3)]

    assert stuck.cancel()
    errors = [future.exception(DEADLINE) for future in queued]
    with pytest.raises(Busy, match=r"web1 is still inside ignore.*hard=True.*kill\(\)") as caught:
        context.call(work.note, "new")
    context.call_no_reply(work.note, "no reply")
    with pytest.raises(Busy):
        context.call(os.getpid)  # so the one before has arrived

    assert [type(error) for error in errors] == [Busy] * 3
    assert caught.value.call == "ignore"
    assert caught.value.since >= 0.01
    pipe.release()
    assert call_when_free(context, work.notes) == []


def test_hard_cancel_after_a_cancel_that_was_ignored_ends_the_child_and_says_why(
    router: Router, lines: Lines, pipe: Pipe
) -> None:
    context = router.local()
    pid = context.info.pid
    stuck = start(context, lines, cancelled.ignore, pipe.path)
    other = context.submit(os.getpid)

    assert stuck.cancel()
    lines.wait_for(b"ignored")
    assert stuck.cancel(hard=True)

    error = other.exception(DEADLINE)
    assert isinstance(error, DisconnectedError)
    assert error.reason == "cancel(hard=True) of ignore ended it"
    wait_for_end(pid)
    with pytest.raises(DisconnectedError, match="hard=True"):
        context.call(os.getpid)


def test_hard_cancel_after_a_timeout_ends_the_child(
    router: Router, lines: Lines, pipe: Pipe
) -> None:
    context = router.local()
    pid = context.call(os.getpid)
    stuck = start(context, lines, cancelled.ignore, pipe.path)
    stuck.give_up(CallTimeout("as its timer does"))
    lines.wait_for(b"ignored")

    assert isinstance(stuck.exception(DEADLINE), CallTimeout)
    assert stuck.cancel(hard=True)

    wait_for_end(pid)


def test_hard_cancel_lets_finally_blocks_run(router: Router, lines: Lines, pipe: Pipe) -> None:
    context = router.local()
    pid = context.info.pid
    future = start(context, lines, cancelled.clean_up, pipe.path)

    assert future.cancel(hard=True)
    lines.wait_for(b"cleaning")
    pipe.release()

    wait_for_end(pid)


def test_hard_cancel_of_what_is_over_ends_nothing(router: Router, lines: Lines) -> None:
    context = router.local()
    done = context.submit(work.Point.add, 1, 1)
    obedient = start(context, lines, stubborn.sleep)

    assert done.result(DEADLINE) == 2
    assert not done.cancel(hard=True)
    assert obedient.cancel()
    pid = context.call(os.getpid)
    assert obedient.cancel(hard=True), "it was cancelled before"

    assert context.call(os.getpid) == pid
    assert is_running(pid)


def test_handler_of_user_code_is_called_and_does_not_outlive_the_cancel(
    any_child: Context, lines: Lines, pipe: Pipe
) -> None:
    future = start(any_child, lines, cancelled.handle_itself, pipe.path)

    assert future.cancel()
    lines.wait_for(b"handled")
    pipe.release()

    start(any_child, lines, stubborn.sleep).cancel()
    assert any_child.options(timeout=DEADLINE).call(work.Point.add, 1, 1) == 2


# -- what else must not be hit -------------------------------------------------------------------


def test_cancelling_hundreds_in_a_row_hits_no_other_call(any_child: Context) -> None:
    futures = [any_child.submit(cancelled.square, number) for number in range(600)]

    gone = {number for number in range(0, 600, 2) if futures[number].cancel()}

    results = {number: futures[number].result(DEADLINE) for number in set(range(600)) - gone}
    assert results == {number: number * number for number in results}
    assert any_child.call(cancelled.square, 7) == 49


def test_a_thousand_random_cancels_of_short_calls_hit_no_other_call(router: Router) -> None:
    context = router.local()
    chance = random.Random(11)
    for number in range(1000):
        wanted = context.submit(cancelled.square, number)
        doomed = context.submit(cancelled.count, chance.randrange(200))
        after = context.submit(cancelled.square, -number)
        for _ in range(chance.randrange(300)):
            pass
        doomed.cancel()
        assert wanted.result(DEADLINE) == after.result(DEADLINE) == number * number


def test_interrupt_that_is_not_ours_is_an_error_of_the_call_that_runs(
    router: Router, lines: Lines
) -> None:
    context = router.local()
    pid = context.info.pid
    future = start(context, lines, stubborn.sleep)

    os.kill(pid, signal.SIGINT)

    with pytest.raises(RemoteError, match="KeyboardInterrupt"):
        future.result(DEADLINE)
    os.kill(pid, signal.SIGINT)
    assert context.call(os.getpid) == pid


def test_shutdown_right_after_a_call_never_spoils_its_result(router: Router) -> None:
    for _ in range(20):
        context = router.local()
        future = context.submit(work.Point.add, 1, 1)
        context.shutdown()
        assert isinstance(future.exception(DEADLINE), DisconnectedError | None)


def test_cancel_or_reply_is_the_one_outcome(router: Router) -> None:
    context = router.local()
    context.call(os.getpid)
    for number in range(200):
        future = context.submit(cancelled.square, number)
        was_cancelled = future.cancel()
        assert was_cancelled == future.cancelled()
        assert was_cancelled or future.result(DEADLINE) == number * number
        with pytest.raises(CallTimeout):
            context.options(timeout=0).call(stubborn.sleep)
