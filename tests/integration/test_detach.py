"""A child that was detached outlives its parent, and is found, used and stopped by another one."""

import logging
import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from remotesvc import (
    ConnectError,
    Context,
    DisconnectedError,
    RefusedError,
    ResolveError,
    Router,
)
from tests.controller.ssh.hosts import start_bare
from tests.integration.lines import Lines
from tests.integration.targets import forks, logs, work
from tests.integration.targets.services import Plain
from tests.integration.waiting import wait_until
from tests.testing.client import wait_for_end

DEADLINE = 30.0

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="abstract sockets are Linux's")


def end(pid: int) -> None:
    """Wait for the end of a child of ours: who let it go does not."""
    wait_for_end(pid)
    with suppress(ChildProcessError):
        os.waitpid(pid, 0)


def connect_and_listen(address: str, data: bytes = b"") -> bytes:
    """Return what somebody hears who connects, says something, and waits for an end."""
    with socket.socket(socket.AF_UNIX) as stranger:
        stranger.settimeout(DEADLINE)
        stranger.connect("\0" + address)
        with suppress(ConnectionError):
            stranger.sendall(data)
            return stranger.recv(100)
        return b""


@pytest.fixture
def address(no_leaks: None, empty_home: Path) -> Iterator[str]:
    """The address of a child whose router is closed; with the test it ends."""
    with Router() as router:
        child = router.local()
        child.call(work.note, "first")
        child.service(Plain).add(1)
        pid = child.info.pid
        name = child.detach(keep=2 * DEADLINE)
        assert not child.connected
        with pytest.raises(DisconnectedError, match=f"local was detached, as {name}"):
            child.call(abs, 1)
    yield name
    with Router() as router:
        if name in router.detached():
            router.attach(name).shutdown()
    end(pid)


def test_another_program_finds_it_as_it_was_left_and_ends_it(
    address: str, lines: Lines, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with Router(output=lines) as router:
        assert address in router.detached()
        child = router.attach(address, name="kept")
        assert child.call(work.notes) == ["first"]
        assert [one["name"].rpartition(".")[2] for one in child.services()] == ["Plain"]
        assert child.service(Plain).add(2) == 4
        child.call(print, "here I am")
        child.call(logs.log, "app", logging.WARNING, "and here")
        assert ("kept", "stdout", b"here I am") in lines.prints
        assert "and here" in caplog.messages
        child.shutdown()
        # The kernel closes its descriptors one after the other.
        wait_until(lambda: address not in router.detached())
        with pytest.raises(ResolveError, match="nobody waits there"):
            router.attach(address)


def test_its_parents_come_and_go_one_at_a_time(address: str) -> None:
    for number in range(3):
        with Router() as router:
            child = router.attach(address)
            child.call(work.note, str(number))
            other = router.attach(address)
            with pytest.raises(ConnectError, match="another program is attached to it"):
                other.call(abs, 1)
    with Router() as router:
        assert router.attach(address).call(work.notes) == ["first", "0", "1", "2"]


def test_it_is_attached_through_another_context(address: str) -> None:
    with Router() as router:
        relay = router.local()
        assert address in router.detached(via=relay)
        child = router.attach(address, via=relay)
        assert child.call(work.notes) == ["first"]
        assert child.call(os.getppid) != relay.info.pid


def test_a_fork_of_it_keeps_its_own_files(address: str, lines: Lines) -> None:
    with Router(output=lines) as router:
        child = router.attach(address)
        assert child.call(forks.fork_with_files) == 0
        child.call(print, "that is all")
        wait_until(lambda: bool(lines.prints))
        assert [line for _, _, line in lines.prints] == [b"that is all"]


def test_a_fork_that_outlives_it_does_not_hide_its_end(address: str) -> None:
    with Router() as router:
        child = router.attach(address)
        pid = child.call(forks.leave_fork)
        try:
            with pytest.raises(DisconnectedError):
                child.call(forks.kill_own_process)
            assert address not in router.detached()
            os.kill(pid, 0)
        finally:
            os.kill(pid, signal.SIGKILL)


def test_whoever_comes_and_is_no_parent_is_let_go(address: str) -> None:
    assert connect_and_listen(address, b"GET / HTTP/1.1\r\nHost: none\r\n\r\n") == b""
    with Router() as router:
        assert router.attach(address).call(work.notes) == ["first"]


@pytest.mark.skipif(os.getuid() != 0, reason="only root may try as another user")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_another_user_is_not_heard(address: str) -> None:
    pid = os.fork()
    if pid == 0:
        os.setuid(65534)
        os._exit(len(connect_and_listen(address)))
    assert os.waitpid(pid, 0)[1] == 0
    with Router() as router:
        assert router.attach(address).call(work.notes) == ["first"]


def test_address_of_somebody_else_is_told_apart(router: Router) -> None:
    with pytest.raises(ResolveError, match="of this user begin with remotesvc-"):
        router.attach("somebody-else")


def test_child_that_nobody_comes_for_ends_by_itself(no_leaks: None, empty_home: Path) -> None:
    with Router() as router:
        child = router.local()
        pid = child.info.pid
        child.detach(keep=0.01)
    end(pid)


def test_child_with_children_is_not_detached(router: Router) -> None:
    relay = router.local()
    inner: Context = router.local(via=relay)
    inner.call(abs, 1)
    with pytest.raises(RefusedError, match="children of its own"):
        relay.detach()
    assert relay.call(abs, -1) == 1
    name = inner.detach()
    assert name in router.detached()
    pid = router.attach(name).info.pid
    router.contexts[-1].shutdown()
    end(pid)


def test_child_of_a_host_outlives_the_login(no_leaks: None, empty_home: Path) -> None:
    with start_bare() as server:
        with Router() as router:
            child = router.ssh("demo", config_file=str(server.config_file))
            pid = child.info.pid
            name = child.detach(keep=2 * DEADLINE)
        with Router() as router:
            login = router.ssh("demo", config_file=str(server.config_file))
            child = router.attach(name, via=login)
            assert child.info.pid == pid
            child.shutdown()
        end(pid)
