"""Processes that stand still for longer than the silence that ends a link, as on a laptop."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from remotesvc import DisconnectedError, Router
from tests.integration.controllers import Controller, start_controller, stop
from tests.integration.hosts import start_host
from tests.testing.client import wait_for_end

HEARTBEAT = 0.2
MISSES = 5

# What a peer may be silent: 1 s. A suspension that must not end a link is longer.
LIMIT = HEARTBEAT * MISSES
LONGER = LIMIT + HEARTBEAT

DEADLINE = 30

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc, uses pidfd")


@pytest.fixture(params=["local", "ssh"])
def controller(
    request: pytest.FixtureRequest, empty_home: Path, tmp_path: Path
) -> Iterator[Controller]:
    """A controller that calls its child when it is told to."""
    if request.param == "local":
        with start_controller(
            "talk", "idle", heartbeat=HEARTBEAT, heartbeat_misses=MISSES
        ) as started:
            yield started
    else:
        with (
            start_host(tmp_path) as host,
            start_controller(
                "talk",
                "ssh",
                str(host.server.config_file),
                heartbeat=HEARTBEAT,
                heartbeat_misses=MISSES,
            ) as started,
        ):
            yield started


def let_time_pass(seconds: float) -> None:
    """Do nothing: the time itself is what is tested here."""
    time.sleep(seconds)


@pytest.mark.parametrize("first", ["child", "controller"])
def test_a_link_outlives_a_suspension_of_both_ends_whoever_wakes_first(
    controller: Controller, first: str
) -> None:
    assert controller.ask() == str(controller.child)
    pids = [controller.child, controller.process.pid]
    for pid in pids:
        stop(pid)
    let_time_pass(LONGER)

    for pid in pids if first == "child" else reversed(pids):
        os.kill(pid, signal.SIGCONT)
        let_time_pass(HEARTBEAT)

    assert controller.ask() == str(controller.child)
    let_time_pass(LONGER)
    assert controller.ask() == str(controller.child)


def test_a_controller_that_stands_still_for_less_than_the_limit_keeps_its_child(
    controller: Controller,
) -> None:
    stop(controller.process.pid)
    let_time_pass(HEARTBEAT * 1.5)
    os.kill(controller.process.pid, signal.SIGCONT)

    assert controller.ask() == str(controller.child)


def test_a_child_whose_controller_stands_still_ends_by_itself(controller: Controller) -> None:
    stop(controller.process.pid)

    wait_for_end(controller.child)
    os.kill(controller.process.pid, signal.SIGCONT)

    answer = controller.ask()
    assert answer.startswith("DisconnectedError ")
    assert " is gone: " in answer


@pytest.mark.parametrize("way", ["local", "ssh"])
def test_a_child_that_stands_still_is_given_up(
    no_leaks: None, empty_home: Path, tmp_path: Path, way: str
) -> None:
    with (
        start_host(tmp_path) as host,
        Router(heartbeat=HEARTBEAT, heartbeat_misses=MISSES) as router,
    ):
        context = (
            router.local(name="web1") if way == "local" else host.connect(router, name="web1")
        )
        pid = context.call(os.getpid)
        other = router.local()
        stop(pid)
        future = context.submit(os.getpid)

        error = future.exception(DEADLINE)

        assert isinstance(error, DisconnectedError)
        assert str(error).startswith(f"{context.name}: no sign of life for {LIMIT:g} s")
        assert other.call(abs, -1) == 1
        if way == "ssh":  # a local one is killed, this one ends when it goes on
            os.kill(pid, signal.SIGCONT)
        wait_for_end(pid)
