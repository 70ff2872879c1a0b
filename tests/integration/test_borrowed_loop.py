"""Whoever waits reads: calls in a row cost no hand-over, and all that comes is still heard."""

import concurrent.futures
import os
import signal
import threading
from collections.abc import Iterator

import pytest

from remotesvc import Context, DisconnectedError, RemoteError, Router
from remotesvc.core.loop import Loop
from remotesvc.service import Pool
from tests.integration.lines import Lines
from tests.integration.targets import upward, work
from tests.integration.targets.upward import Controller
from tests.testing.client import wait_for_end

DEADLINE = 30.0

# So many that some follow each other closely, however busy the machine is.
MANY = 1000

MAIN = "MainThread"


@pytest.fixture
def service(router: Router) -> Iterator[Controller]:
    """What the children call."""
    with Pool(router, services=[Controller]) as pool:
        found: Controller = pool.get_service(Controller)
        yield found
        found.gate.set()


def wait_for_call(
    child: Context, service: Controller, lines: Lines
) -> "concurrent.futures.Future[str]":
    """Have a child wait for the controller; return the future of that function."""
    service.asked.clear()
    future = child.submit(upward.ask_and_wait)
    lines.wait_for(b"busy")
    assert service.asked.wait(DEADLINE)
    return future


# -- who reads -----------------------------------------------------------------------------------


def test_main_thread_of_a_child_reads_the_replies_that_it_waits_for(
    any_child: Context, service: Controller
) -> None:
    assert any_child.call(upward.readers, MANY)[MAIN] > 0


def test_thread_of_a_pool_reads_the_calls_that_come_one_at_a_time(
    router: Router, child: Context, service: Controller, monkeypatch: pytest.MonkeyPatch
) -> None:
    turn, names = Loop._turn, set()

    def noted(loop: Loop, is_hasty: bool = False) -> None:
        names.add(threading.current_thread().name)
        turn(loop, is_hasty)

    monkeypatch.setattr(Loop, "_turn", noted)
    child.call(upward.readers, MANY)
    assert [name for name in names if name.startswith("remotesvc-service-")] != []


def test_main_thread_does_not_read_while_a_handler_of_the_function_could_interrupt_it(
    any_child: Context, service: Controller
) -> None:
    assert MAIN not in any_child.call(upward.readers_with_handler, MANY)


# -- what else comes meanwhile -------------------------------------------------------------------


def test_cancel_interrupts_a_function_that_reads_its_reply_itself(
    any_child: Context, service: Controller, lines: Lines
) -> None:
    for number in range(1, 6):
        future = wait_for_call(any_child, service, lines)
        assert future.cancel()
        with pytest.raises(concurrent.futures.CancelledError):
            future.result(DEADLINE)
        service.gate.set()
        assert (
            any_child.options(timeout=DEADLINE).call(work.notes) == ["KeyboardInterrupt"] * number
        )


def test_sigint_from_elsewhere_interrupts_it_too(
    any_child: Context, service: Controller, lines: Lines
) -> None:
    pid = any_child.call(os.getpid)
    for _ in range(5):
        future = wait_for_call(any_child, service, lines)
        os.kill(pid, signal.SIGINT)
        with pytest.raises(RemoteError, match="KeyboardInterrupt"):
            future.result(DEADLINE)
        service.gate.set()
    assert any_child.call(os.getpid) == pid


def test_alarm_of_the_function_interrupts_its_wait_and_loses_no_message(
    any_child: Context, service: Controller
) -> None:
    for _ in range(5):
        with pytest.raises(RemoteError, match="TooLate"):
            any_child.options(timeout=DEADLINE).call(upward.ask_with_alarm)
        service.gate.set()
    assert any_child.options(timeout=DEADLINE).call(work.Point.add, 1, 1) == 2


def test_calls_that_come_meanwhile_wait_and_are_run(
    any_child: Context, service: Controller, lines: Lines
) -> None:
    first = wait_for_call(any_child, service, lines)
    others = [any_child.submit(work.Point.add, number, 1) for number in range(20)]
    assert not any(one.done() for one in others)
    service.gate.set()
    assert first.result(DEADLINE) == "let"
    assert [one.result(DEADLINE) for one in others] == [number + 1 for number in range(20)]


def test_services_of_the_child_answer_meanwhile(
    any_child: Context, service: Controller, lines: Lines
) -> None:
    future = wait_for_call(any_child, service, lines)
    verbs = any_child.options(timeout=DEADLINE)
    for number in range(200):
        assert verbs.call_service(Controller, "quick", value=number) == number
    service.gate.set()
    assert future.result(DEADLINE) == "let"


@pytest.mark.parametrize("way", ["shutdown", "kill", "hard cancel"])
def test_child_ends_while_its_main_thread_reads(
    router: Router, child: Context, service: Controller, lines: Lines, way: str
) -> None:
    pid = child.call(os.getpid)
    future = wait_for_call(child, service, lines)
    if way == "shutdown":
        child.shutdown(DEADLINE)
    elif way == "kill":
        child.kill()
    else:
        assert future.cancel(hard=True)  # type: ignore[call-arg]
    wait_for_end(pid)
    with pytest.raises(DisconnectedError):
        child.call(os.getpid)


def test_methods_that_wait_for_each_other_all_run(router: Router, child: Context) -> None:
    """Whoever turns the loop and gets a call leaves it: the next one must be read by another."""
    for number in range(50):
        assert child.call_service(Controller, "quick", value=number) == number
    waiting = child.submit_service(Controller, "slow")
    for number in range(50):
        assert child.call_service(Controller, "quick", value=number) == number
    child.call(upward.open_gate)
    assert waiting.result(DEADLINE) == "let"
