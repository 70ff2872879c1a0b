"""Whichever end goes, and however: nothing hangs, and nothing is left behind."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from remotesvc import Context, DisconnectedError, Router
from remotesvc.bootstrap.command import interpreter_argv
from remotesvc.bootstrap.payload import build
from tests.integration.controllers import start_controller
from tests.integration.hosts import PYTHON, start_host
from tests.integration.targets import odd, stubborn
from tests.leaks import holdings, wait_for_release
from tests.testing.client import is_running, wait_for_end

STUBBORN: list[Callable[[], None]] = [
    stubborn.loop,
    stubborn.ignore_interrupts,
    stubborn.sleep,
    stubborn.wait_for_lock,
    stubborn.wait_for_process,
    stubborn.print_without_end,
]

# Longer than any end may take; an end is an event, so this is only waited for in vain.
DEADLINE = 30

# The I/O thread, the output thread, and two pairs of workers, each started when first needed.
ROUTER_THREADS = 6

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc, uses pidfd")


@pytest.fixture
def busy() -> threading.Event:
    """Set when a stubborn function has begun."""
    return threading.Event()


@pytest.fixture
def router(no_leaks: None, empty_home: Path, busy: threading.Event) -> Iterator[Router]:
    """A router that hears when a stubborn function has begun."""
    with Router(output=lambda name, stream, line: busy.set()) as opened:
        yield opened


# Enough to see what each leaves; what a thousand leave, `make soak` shows.
CYCLES = 50

# -- the parent closes ---------------------------------------------------------------------------


def test_fifty_cycles_leave_nothing(empty_home: Path) -> None:
    with Router() as router:
        router.local().call(os.getpid)
    before = holdings()

    for _ in range(CYCLES):
        with Router() as router:
            assert router.local().call(odd.sum_of, [1, 2]) == 3

    assert wait_for_release(before) == []


def test_cycles_over_ssh_leave_nothing(empty_home: Path, tmp_path: Path) -> None:
    with start_host(tmp_path) as host:
        with Router() as router:
            host.connect(router).call(os.getpid)
        before = holdings()

        for _ in range(10):
            with Router() as router:
                assert host.connect(router).call(odd.sum_of, [1, 2]) == 3

        assert wait_for_release(before) == []


def test_contexts_of_one_router_leave_nothing(router: Router) -> None:
    router.local().call(os.getpid)
    before = holdings()

    for _ in range(10):
        context = router.local()
        pid = context.call(os.getpid)
        context.shutdown()
        assert not is_running(pid)

    threads = {one for one in holdings() if one.startswith("thread remotesvc-")}
    assert wait_for_release(before | threads) == []
    assert len(threads) <= ROUTER_THREADS
    assert len(router.contexts) == 1


@pytest.mark.parametrize("function", STUBBORN, ids=lambda function: function.__name__)
def test_close_ends_a_child_whatever_it_does(
    router: Router, busy: threading.Event, function: Callable[[], None]
) -> None:
    context = router.local()
    pid = context.info.pid
    future = context.submit(function)
    assert busy.wait(DEADLINE)

    router.close()

    assert not is_running(pid)
    assert isinstance(future.exception(DEADLINE), DisconnectedError)


def test_close_ends_a_child_that_holds_the_gil(router: Router, busy: threading.Event) -> None:
    context = router.local()
    pid = context.info.pid
    context.submit(stubborn.hold_the_gil)
    assert busy.wait(DEADLINE)

    router.close()

    assert not is_running(pid)


def test_a_function_that_prints_cleans_up_when_the_parent_has_gone(
    router: Router, busy: threading.Event, tmp_path: Path
) -> None:
    witness = tmp_path / "witness"
    router.local().submit(stubborn.clean_up, str(witness))
    assert busy.wait(DEADLINE)

    router.close()

    assert witness.exists()


def test_a_thread_of_the_users_does_not_keep_a_child(router: Router) -> None:
    context = router.local()
    pid = context.info.pid
    context.call(stubborn.leave_thread)

    context.shutdown()

    assert not is_running(pid)


def test_processes_that_user_code_started_end_with_the_child(router: Router) -> None:
    pids = router.local().call(stubborn.start_processes)
    assert all(map(is_running, pids))

    router.close()

    for pid in pids:
        wait_for_end(pid)


def test_the_end_of_a_host_over_ssh_takes_its_processes(router: Router, tmp_path: Path) -> None:
    with start_host(tmp_path, {"python3": PYTHON, "sleep": "/bin/sleep"}) as host:
        context = host.connect(router)
        pids = [context.info.pid, *context.call(stubborn.start_processes)]
        assert all(map(is_running, pids))

        router.close()

        for pid in pids:
            wait_for_end(pid)


# -- the child goes ------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV])
def test_a_killed_child_is_told_to_all_who_wait(
    router: Router, busy: threading.Event, number: signal.Signals
) -> None:
    context = router.local(name="victim")
    lost: list[Exception] = []
    told = threading.Event()

    def note(context: Context, error: Exception) -> None:
        lost.append(error)
        told.set()

    context.on_disconnect(note)
    futures = [context.submit(stubborn.sleep), context.submit(os.getpid)]
    assert busy.wait(DEADLINE)

    os.kill(context.info.pid, number)

    for future in futures:
        error = future.exception(DEADLINE)
        assert isinstance(error, DisconnectedError)
        assert "victim" in str(error)
        assert f"killed by signal {number.value}" in str(error)
    assert told.wait(DEADLINE)
    assert [type(error) for error in lost] == [DisconnectedError]
    with pytest.raises(DisconnectedError, match=f"killed by signal {number.value}"):
        context.call(os.getpid)
    assert not context.connected


def test_a_child_that_exits_by_itself_is_told(router: Router) -> None:
    context = router.local()

    with pytest.raises(DisconnectedError, match="exit status 7"):
        context.call(os._exit, 7)


def test_a_killed_child_of_a_host_is_told(router: Router, tmp_path: Path) -> None:
    with start_host(tmp_path) as host:
        context = host.connect(router)
        pid = context.info.pid
        future = context.submit(stubborn.sleep)

        os.kill(pid, signal.SIGKILL)

        assert isinstance(future.exception(DEADLINE), DisconnectedError)


def test_one_killed_child_leaves_the_others_alone(router: Router) -> None:
    victim, survivor = router.local(), router.local()
    os.kill(victim.info.pid, signal.SIGKILL)
    with pytest.raises(DisconnectedError):
        victim.call(stubborn.sleep)

    assert survivor.call(odd.sum_of, [1, 2]) == 3
    assert router.contexts == [survivor]


# -- the parent is killed, or leaves without a word ----------------------------------------------


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_a_child_whose_parent_ends_in_the_middle_of_the_bootstrap_ends_too(share: float) -> None:
    payload = build()
    process = subprocess.Popen(
        interpreter_argv(PYTHON, len(payload)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )

    output, errors = process.communicate(payload[: int(len(payload) * share)], DEADLINE)

    assert process.returncode == 1
    assert output == b""
    assert (b"stdin ended after" in errors) == (share < 1)


@pytest.mark.parametrize("what", ["nothing", "idle", *(f.__name__ for f in STUBBORN)])
def test_a_child_ends_with_a_controller_that_is_killed(what: str) -> None:
    with start_controller("hold", what) as controller:
        controller.process.kill()

        wait_for_end(controller.child)


@pytest.mark.parametrize("what", ["nothing", "idle", *(f.__name__ for f in STUBBORN)])
def test_a_program_may_end_without_closing(what: str) -> None:
    with start_controller("return", what) as controller:
        assert controller.let_end() == (0, "")

        assert not is_running(controller.child)


@pytest.mark.parametrize("end", ["hold", "return"])
def test_a_child_on_a_host_ends_with_its_controller(
    empty_home: Path, tmp_path: Path, end: str
) -> None:
    with start_host(tmp_path) as host:
        config_file = str(host.server.config_file)
        with start_controller(end, "ssh", config_file) as controller:
            if end == "hold":
                controller.process.kill()

            assert controller.let_end() == (-signal.SIGKILL if end == "hold" else 0, "")

            wait_for_end(controller.child)


def test_a_fork_that_exits_leaves_the_contexts_of_its_parent_alone() -> None:
    with start_controller("fork", "idle") as controller:
        output, errors = controller.process.communicate(timeout=DEADLINE)

    assert (output, errors) == (f"0 {controller.child}\n", "")
    assert controller.process.returncode == 0


def test_a_program_may_fail_without_closing() -> None:
    with start_controller("raise", "sleep") as controller:
        status, errors = controller.let_end()

        assert not is_running(controller.child)
    assert status == 1
    assert errors.endswith("LookupError: the program has a defect\n")


@pytest.mark.parametrize("end", ["hold", "return"])
def test_processes_that_user_code_started_end_with_the_controller(
    end: str, tmp_path: Path
) -> None:
    listing = tmp_path / "pids"
    with start_controller(end, "start_and_wait", str(listing)) as controller:
        pids = [controller.child, *map(int, listing.read_text().split())]
        if end == "hold":
            controller.process.kill()

        for pid in pids:
            wait_for_end(pid)
