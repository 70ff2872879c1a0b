"""A child that holds the GIL in C code ends by a timer of the kernel's, a healthy one never."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from remotesvc import DisconnectedError, Router
from tests.integration.controllers import start_controller, wait_for_cpu
from tests.integration.hosts import start_host
from tests.integration.lines import Lines
from tests.integration.targets import stubborn
from tests.testing.client import wait_for_end

# So many of the one and the other: the timer stands at 1.2 s of CPU time. Most of it is silence
# that is borne: a child that others keep from running for less is not given up.
HEARTBEAT = 0.1
MISSES = 11
GRACE = 0.1
LIMIT = 1.2

# More than that.
BURNT = LIMIT + 0.4

DEADLINE = 30

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc, uses pidfd")


@pytest.fixture
def router(no_leaks: None, empty_home: Path, lines: Lines) -> Iterator[Router]:
    """A router with a short breath."""
    with Router(heartbeat=HEARTBEAT, heartbeat_misses=MISSES, grace=GRACE, output=lines) as opened:
        yield opened


def test_a_child_in_a_runaway_match_ends_after_its_controller_was_killed() -> None:
    with start_controller(
        "hold", "match_for_ever", heartbeat=HEARTBEAT, heartbeat_misses=MISSES, grace=GRACE
    ) as controller:
        wait_for_cpu(controller.child, 0.1)

        controller.process.kill()

        wait_for_end(controller.child)


def test_a_child_in_a_runaway_match_ends_after_its_link_was_closed(
    router: Router, lines: Lines, tmp_path: Path
) -> None:
    with start_host(tmp_path) as host:
        context = host.connect(router)
        pid = context.info.pid
        context.submit(stubborn.match_for_ever)
        lines.wait_for(b"busy")
        wait_for_cpu(pid, 0.1)

        router.close()

        wait_for_end(pid)


def test_a_runaway_match_is_told_as_silence_and_its_local_child_killed(
    router: Router,
) -> None:
    context = router.local()
    pid = context.info.pid
    future = context.submit(stubborn.match_for_ever)

    error = future.exception(DEADLINE)

    assert isinstance(error, DisconnectedError)
    assert "no sign of life" in str(error) or "held the GIL" in str(error)
    wait_for_end(pid)


BURNERS: list[tuple[Callable[..., Any], tuple[Any, ...]]] = [
    (stubborn.burn, (BURNT,)),
    (stubborn.burn_in_threads, (BURNT, 8)),
]


@pytest.mark.parametrize(
    ("function", "arguments"), BURNERS, ids=lambda value: getattr(value, "__name__", "")
)
def test_a_healthy_call_may_use_more_cpu_time_than_the_timer_has(
    router: Router, function: Callable[..., Any], arguments: tuple[Any, ...]
) -> None:
    context = router.local()

    assert context.call(function, *arguments) > LIMIT

    assert context.call(os.getpid) == context.info.pid


@pytest.mark.parametrize("way", ["local", pytest.param("ssh", marks=pytest.mark.soak)])
def test_a_call_that_declares_it_may_hold_the_gil_for_longer(
    router: Router, tmp_path: Path, way: str
) -> None:
    with contextlib.ExitStack() as stack:
        if way == "local":
            context = router.local()
        else:
            context = stack.enter_context(start_host(tmp_path)).connect(router)

        # How long it counts is estimated, on a machine that does other things as well.
        for seconds in (LIMIT * 1.5, LIMIT * 3, LIMIT * 6):
            used = context.options(holds_gil=60).call(stubborn.count_in_c, seconds)
            if used > LIMIT:
                break

        assert used > LIMIT
        assert context.call(os.getpid) == context.info.pid


def test_the_declaration_ends_with_its_call(router: Router) -> None:
    context = router.local()
    pid = context.info.pid
    context.options(holds_gil=1).call(abs, -1)
    future = context.submit(stubborn.match_for_ever)

    assert isinstance(future.exception(DEADLINE), DisconnectedError)
    wait_for_end(pid)


def test_the_cpu_time_of_a_subprocess_does_not_count(router: Router) -> None:
    context = router.local()
    program = f"import time\nwhile time.process_time() < {BURNT}: pass"

    done = context.call(subprocess.call, [sys.executable, "-c", program])

    assert done == 0
    assert context.connected
