"""What becomes of calls when cables are cut, servers killed, and machines stand still.

Real processes on machines of their own. Nothing here is measured: each test waits for the event.
"""

import os
import signal
import time
from concurrent.futures import Future

import pytest

from remotesvc import ConnectError, Context, DisconnectedError, Router
from tests.hosts.lab import Host, Lab
from tests.integration.waiting import wait_until_heard
from tests.testing.client import wait_for_end

pytestmark = [pytest.mark.namespaces, pytest.mark.hosts]

DEADLINE = 60.0

SILENCE = "no sign of life for 1 s (heartbeat 0.5 s)"


def inner(lab: Lab, router: Router, host: Host) -> Context:
    """Return a context there whose child has answered."""
    child = lab.ssh(router, host, jump="bastion")
    assert child.call(os.uname)[1] == host.name
    return child


def begin_to_wait(child: Context) -> "Future[None]":
    """Have it run what would not end."""
    future = child.submit(time.sleep, 1000)
    wait_until_heard(child)
    return future


def lost(future: "Future[None]") -> str:
    error = future.exception(DEADLINE)
    assert isinstance(error, DisconnectedError)
    return str(error)


@pytest.mark.parametrize("cable", ["bastion", "inner1"])
def test_cut_cable_ends_the_call_and_the_child(lab: Lab, alert: Router, cable: str) -> None:
    child = inner(lab, alert, lab.inner1)
    future = begin_to_wait(child)

    getattr(lab, cable).cable.cut()

    assert lost(future) == f"inner1: {SILENCE}"
    wait_for_end(child.info.pid)


def test_cable_that_is_cut_for_a_moment_loses_nothing(lab: Lab, router: Router) -> None:
    child = inner(lab, router, lab.inner1)
    lab.inner1.cable.cut()
    future = child.submit(os.getpid)
    lab.inner1.cable.mend()
    assert future.result(DEADLINE) == child.info.pid


def test_cut_cable_of_one_host_leaves_the_others_alone(lab: Lab, alert: Router) -> None:
    first, second = inner(lab, alert, lab.inner1), inner(lab, alert, lab.inner2)
    future = begin_to_wait(first)

    lab.inner1.cable.cut()

    assert SILENCE in lost(future)
    assert second.call(os.uname)[1] == "inner2"
    lab.inner1.cable.mend()
    assert inner(lab, alert, lab.inner1).info.pid != first.info.pid


def test_killed_sshd_is_told_at_once(lab: Lab, router: Router) -> None:
    child = inner(lab, router, lab.inner1)
    future = begin_to_wait(child)

    lab.inner1.server().kill()

    assert "inner1 is gone: " in lost(future)
    wait_for_end(child.info.pid)
    with pytest.raises(ConnectError):
        inner(lab, router, lab.inner1)


def test_killed_bastion_takes_all_behind_it(lab: Lab, router: Router) -> None:
    children = [inner(lab, router, host) for host in (lab.inner1, lab.inner2)]
    futures = [begin_to_wait(child) for child in children]

    lab.bastion.machine.kill()

    for child, future in zip(children, futures, strict=True):
        assert f"{child.name} is gone: " in lost(future)
        wait_for_end(child.info.pid)


def test_killed_host_is_told_at_once(lab: Lab, router: Router) -> None:
    child = inner(lab, router, lab.inner1)
    future = begin_to_wait(child)

    lab.inner1.machine.kill()

    assert "inner1 is gone: " in lost(future)
    assert lab.inner1.machine.processes() == []


def test_calls_go_on_while_the_sshd_of_another_host_is_stopped(lab: Lab, alert: Router) -> None:
    first, second = inner(lab, alert, lab.inner1), inner(lab, alert, lab.inner2)
    future = begin_to_wait(first)

    lab.inner1.server().stop()

    calls = 0
    while not future.done():
        assert second.call(abs, -calls) == calls
        calls += 1
    assert calls and SILENCE in lost(future)
    wait_for_end(first.info.pid)  # it hears no sign of life either


def test_suspended_host_goes_on_where_it_was(lab: Lab, router: Router) -> None:
    child = inner(lab, router, lab.inner1)
    lab.inner1.machine.signal(signal.SIGSTOP)
    future = child.submit(os.getpid)
    lab.inner1.machine.signal(signal.SIGCONT)
    assert future.result(DEADLINE) == child.info.pid


def test_host_that_stands_still_for_too_long_is_given_up(lab: Lab, alert: Router) -> None:
    child = inner(lab, alert, lab.inner1)
    lab.inner1.machine.signal(signal.SIGSTOP)
    assert SILENCE in lost(child.submit(time.sleep, 0))
    lab.inner1.machine.signal(signal.SIGCONT)
    wait_for_end(child.info.pid)
