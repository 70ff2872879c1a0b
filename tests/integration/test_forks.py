"""Forks of user code, over there and here: none of them speaks on a link or ends a group."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from remotesvc import Context, DisconnectedError, Router
from tests.integration.controllers import environment
from tests.integration.hosts import Print, nothing_left, start_host
from tests.integration.targets import forks, stubborn
from tests.interpreters import find_interpreters
from tests.testing.client import is_running, wait_for_end

DEADLINE = 30

PROGRAM = Path(__file__).with_name("forking_program.py")

# What is called, and what the process that forked returns; mostly the fork's exit status.
FORKS: list[tuple[Callable[..., Any], tuple[Any, ...], Any]] = [
    (forks.fork_and_leave, (), 3),
    (forks.fork_and_exit, (None,), 0),
    (forks.fork_and_exit, (7,), 7),
    (forks.fork_and_exit, ("words",), 1),
    (forks.fork_and_return, (), 0),
    (forks.fork_and_raise, (), 1),
    (forks.fork_and_import, ("tests.integration.targets.values",), 5),
    (forks.fork_twice, (), 0),
    (forks.fork_in_a_thread, (), [0]),
    (forks.print_in_fork, (), 0),
    (forks.map_in_pool, (), [1, 2, 3]),
    (forks.run_process, (), 0),
    (forks.run_program, (), (0, "read\n")),
]

NAMES = [f"{fork[0].__name__}{fork[1][0] if fork[1] else ''}"[:30] for fork in FORKS]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc, uses pidfd")


@dataclass(frozen=True)
class There:
    """A child in one of the Pythons of this machine."""

    context: Context
    pid: int
    prints: list[Print]


@pytest.fixture(
    scope="module", params=[pytest.param(one, id=str(one)) for one in find_interpreters()]
)
def there(request: pytest.FixtureRequest) -> Iterator[There]:
    """Open one child per interpreter, for all forks one after the other."""
    prints: list[Print] = []
    with nothing_left(), Router(output=lambda *line: prints.append(line)) as router:
        context = router.local(python_path=request.param.path)
        yield There(context, context.call(os.getpid), prints)


# -- over there ----------------------------------------------------------------------------------


@pytest.mark.matrix
@pytest.mark.parametrize(("function", "arguments", "outcome"), FORKS, ids=NAMES)
def test_a_fork_ends_as_in_any_program_and_the_child_goes_on(
    there: There, function: Callable[..., Any], arguments: tuple[Any, ...], outcome: Any
) -> None:
    assert there.context.call(function, *arguments) == outcome

    # Had the fork answered, or served the calls that it finds in its copy of the queue, these
    # would not be the answers of the child.
    futures = [there.context.submit(os.getpid) for _ in range(5)]
    assert {future.result(DEADLINE) for future in futures} == {there.pid}


@pytest.mark.matrix
def test_an_interrupted_fork_serves_no_calls_either(there: There) -> None:
    assert there.context.call(forks.fork_and_interrupt) in (0, 1, -signal.SIGINT)

    assert there.context.call(os.getpid) == there.pid


@pytest.mark.matrix
def test_what_a_fork_says_arrives_as_print(there: There) -> None:
    there.prints.clear()

    there.context.call(forks.fork_and_raise)
    there.context.call(forks.print_in_fork)

    lines = [(stream, line) for _, stream, line in there.prints]
    assert ("stderr", b"LookupError: the fork has a defect") in lines
    assert lines.count(("stdout", b"from the fork")) == 1


@pytest.mark.matrix
def test_a_fork_that_outlives_the_child_does_not_hide_its_end() -> None:
    """Before Python 3.7 a fork keeps the link open: the exit status tells it then."""
    for interpreter in find_interpreters():
        with nothing_left(), Router() as router:
            context = router.local(python_path=interpreter.path)
            pid = context.call(forks.leave_fork)
            try:
                with pytest.raises(DisconnectedError, match="killed by signal 9"):
                    context.call(forks.kill_own_process)
                assert is_running(pid)
            finally:
                os.kill(pid, signal.SIGKILL)


def test_a_fork_that_outlives_the_child_does_not_hide_its_end_over_ssh(
    router: Router, tmp_path: Path
) -> None:
    with start_host(tmp_path) as host:
        context = host.connect(router)
        pid = context.call(forks.leave_fork)
        try:
            with pytest.raises(DisconnectedError, match="the remote command was killed"):
                context.call(forks.kill_own_process)
            assert is_running(pid)
        finally:
            os.kill(pid, signal.SIGKILL)


def test_a_fork_of_an_old_python_does_not_hide_that_the_child_exited_over_ssh(
    router: Router, tmp_path: Path
) -> None:
    with start_host(tmp_path) as host:
        context = host.connect(router, python_path=find_interpreters()[0].path)
        pid = context.call(forks.leave_fork)
        try:
            with pytest.raises(DisconnectedError, match="it exited, and a process that it"):
                context.call(os._exit, 3)
            assert is_running(pid)
        finally:
            os.kill(pid, signal.SIGKILL)


# -- what inherits the output --------------------------------------------------------------------


@pytest.mark.parametrize("way", ["local", "ssh"])
def test_a_daemon_that_keeps_the_output_delays_neither_call_nor_end(
    router: Router, tmp_path: Path, way: str
) -> None:
    with start_host(tmp_path, {**_PROGRAMS, "sleep": "/bin/sleep"}) as host:
        context = router.local() if way == "local" else host.connect(router)
        own = context.info.pid
        daemon = context.call(forks.leave_daemon)
        try:
            assert context.call(os.getpid) == own
            context.shutdown()
            wait_for_end(own)
            assert is_running(daemon)
        finally:
            os.kill(daemon, signal.SIGKILL)


def test_a_daemon_that_writes_into_the_output_corrupts_nothing(
    router: Router, tmp_path: Path
) -> None:
    witness = tmp_path / "witness"
    context = router.local()
    daemon = context.call(forks.write_as_daemon, str(witness))
    for _ in range(20):
        assert context.call(max, [1, 2, 3]) == 3

    context.shutdown()

    # With the child its pipes are gone: the daemon is told as by any program that went.
    wait_for_end(daemon)
    assert witness.read_text() == "failed\n"


_PROGRAMS = {"python3": os.path.realpath(sys.executable)}


# -- here ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["exit", "leave", "fall", "raise", "close"])
@pytest.mark.parametrize("way", ["local", "ssh"])
def test_a_fork_of_the_controller_harms_nothing_and_hears_why(
    empty_home: Path, tmp_path: Path, way: str, end: str
) -> None:
    with contextlib.ExitStack() as stack:
        arguments = []
        if way == "ssh":
            arguments = [str(stack.enter_context(start_host(tmp_path)).server.config_file)]
        done = subprocess.run(
            [sys.executable, "-W", "ignore", str(PROGRAM), end, *arguments],
            capture_output=True,
            text=True,
            timeout=DEADLINE,
            check=False,
            env=environment({}),
        )

    assert done.stdout.splitlines() == [
        *("refused: " + verb for verb in ("call", "submit", "shutdown", "kill", "open")),
        "the fork: 1" if end == "raise" else "the fork: 0",
        "the parent: True",
    ]
    assert done.returncode == 0
    assert ("LookupError" in done.stderr) == (end == "raise")


# -- many at once --------------------------------------------------------------------------------


def test_two_routers_of_one_process_do_not_know_of_each_other(
    no_leaks: None, empty_home: Path
) -> None:
    with Router() as first, Router() as second:
        ours, theirs = first.local(), second.local()
        assert (ours.id, ours.name) == (theirs.id, theirs.name)
        assert ours.call(os.getpid) != theirs.call(os.getpid)
        assert ours != theirs

        first.close()

        assert not ours.connected
        assert theirs.call(max, [1, 2]) == 2


def test_many_threads_connect_call_and_close_at_once(no_leaks: None, empty_home: Path) -> None:
    failures: list[BaseException] = []
    pids: list[int] = []
    shared = Router()
    common = shared.local()

    def work(number: int) -> None:
        try:
            own = shared.local()
            pids.append(own.call(os.getpid))
            futures = [common.submit(divmod, number, one) for one in range(1, 20)]
            answers = [future.result(DEADLINE) for future in futures]
            assert answers == [divmod(number, one) for one in range(1, 20)]
            assert common.call(abs, -number) == number
            own.shutdown()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE)
    closers = [threading.Thread(target=shared.close) for _ in range(4)]
    for thread in closers:
        thread.start()
    for thread in closers:
        thread.join(DEADLINE)

    assert failures == []
    assert len(set(pids)) == 12
    for pid in pids:
        wait_for_end(pid)


def test_a_router_that_is_closed_while_many_threads_use_it_tells_each_of_them(
    no_leaks: None, empty_home: Path
) -> None:
    router = Router()
    contexts = [router.local() for _ in range(3)]
    for context in contexts:
        context.call(os.getpid)
    outcomes: list[BaseException] = []

    def work(context: Context) -> None:
        try:
            while True:
                context.call(abs, -1)
        except BaseException as error:
            outcomes.append(error)

    threads = [
        threading.Thread(target=work, args=(context,)) for context in contexts for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    sleeping = contexts[0].submit(stubborn.sleep)

    router.close()

    for thread in threads:
        thread.join(DEADLINE)
    assert [type(error) for error in outcomes] == [DisconnectedError] * len(threads)
    assert all("the router was closed" in str(error) for error in outcomes)
    assert isinstance(sleeping.exception(DEADLINE), DisconnectedError)
