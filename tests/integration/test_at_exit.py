"""A program that ends without closing: its user does not wait, and nothing stays behind.

It takes less than 2 s, whatever the children do (docs/reliability.md has the measured times); here
only a deadline guards against a wait without end.
"""

import sys
from pathlib import Path

import pytest

from remotesvc.testing.silent import SilentServer
from tests.controller.ssh.hosts import stopped
from tests.integration.controllers import start_controller, stop, wait_for_cpu
from tests.integration.hosts import start_host
from tests.testing.client import is_running, wait_for_end

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc, uses pidfd")


# For its router: the dead-man timer of the child stands at 1.5 s of CPU time.
SHORT = {"heartbeat": 0.1, "heartbeat_misses": 10, "grace": 0.5}


@pytest.mark.parametrize("what", ["idle", "sleep", "ignore_interrupts", "print_without_end"])
def test_a_program_with_a_local_child_ends_and_takes_it_along(what: str) -> None:
    with start_controller("hold", what) as controller:
        assert controller.let_end() == (0, "")

        assert not is_running(controller.child)


def test_a_program_whose_child_holds_the_gil_ends_and_kills_it() -> None:
    with start_controller("hold", "match_for_ever") as controller:
        wait_for_cpu(controller.child, 0.1)

        assert controller.let_end() == (0, "")

        assert not is_running(controller.child)


def test_a_program_whose_child_stands_still_ends_and_kills_it() -> None:
    with start_controller("hold", "idle") as controller:
        stop(controller.child)

        assert controller.let_end() == (0, "")

        wait_for_end(controller.child)


@pytest.mark.parametrize("what", ["ssh", "ssh:ignore_interrupts", "ssh:match_for_ever"])
def test_a_program_with_a_child_on_a_host_ends_before_it(
    empty_home: Path, tmp_path: Path, what: str
) -> None:
    with start_host(tmp_path) as host:
        config_file = str(host.server.config_file)
        with start_controller("hold", what, config_file, **SHORT) as controller:
            assert controller.let_end() == (0, "")

            # It has its 2 s, or those of the dead-man timer.
            wait_for_end(controller.child)


def test_a_program_whose_host_stands_still_ends(empty_home: Path, tmp_path: Path) -> None:
    with (
        start_host(tmp_path) as host,
        start_controller("hold", "ssh", str(host.server.config_file)) as controller,
    ):
        with stopped(host.server):
            assert controller.let_end() == (0, "")

        wait_for_end(controller.child)


def test_a_program_that_still_logs_in_ends(empty_home: Path) -> None:
    with (
        SilentServer() as server,
        start_controller("hold", "login", f"127.0.0.1:{server.port}") as controller,
    ):
        assert controller.let_end() == (0, "")


def test_a_callback_that_does_not_return_does_not_keep_a_program() -> None:
    with start_controller("hold", "stuck_callback") as controller:
        assert controller.let_end() == (0, "")

        assert not is_running(controller.child)
