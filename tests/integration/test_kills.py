"""Any process between here and a function is killed: every waiter hears it, with the reason."""

import os
import random
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from remotesvc import ConnectError, Context, DisconnectedError, Router
from remotesvc.testing.options import ServerOptions
from remotesvc.testing.proxy import DelayProxy
from remotesvc.testing.server import SshServer, start_server
from tests.connect.accounts import needs_root
from tests.controller.ssh.hosts import descendants, start_bare
from tests.integration.controllers import kill_at_moments, kill_trees_at_moments
from tests.integration.hosts import needs_program, plain_login
from tests.integration.targets import stubborn
from tests.testing.client import wait_for_end

DEADLINE = 30

# More than a pipe and all buffers on the way hold.
LARGE = 64 * 1024 * 1024

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc, uses pidfd")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshServer]:
    """A server whose sessions are killed; others of it stay."""
    options = ServerOptions(environment=plain_login(tmp_path_factory.mktemp("home_there")))
    with start_server(options=options) as started:
        yield started


@dataclass
class Waiters:
    """Everybody who can wait for a context: in a call, for futures, for its end."""

    context: Context
    call: "Future[Any]"
    running: "Future[Any]"
    queued: "Future[Any]"
    losses: list[Exception] = field(default_factory=list)
    told: threading.Event = field(default_factory=threading.Event)

    @classmethod
    def of(cls, context: Context, pool: ThreadPoolExecutor) -> "Waiters":
        """Begin to wait in all ways; the child is busy then."""
        running = context.submit(stubborn.sleep)
        queued = context.submit(os.getpid)
        waiters = cls(context, pool.submit(context.call, os.getpid), running, queued)
        context.on_disconnect(waiters.note)
        return waiters

    def note(self, context: Context, error: Exception) -> None:
        self.losses.append(error)
        self.told.set()

    def hear(self, text: str) -> None:
        """All of them raise DisconnectedError, which says who is gone, and why."""
        assert self.told.wait(DEADLINE)
        errors = [one.exception(DEADLINE) for one in (self.call, self.running, self.queued)]
        late = self.context.submit if self.context.connected else None
        assert late is None
        for use in (lambda: self.context.call(abs, 1), lambda: self.context.submit(abs, 1)):
            with pytest.raises(DisconnectedError) as caught:
                use()
            errors.append(caught.value)
        for error in (*errors, *self.losses):
            assert isinstance(error, DisconnectedError), error
            assert f"{self.context.name} is gone: " in str(error)
            assert text in str(error)
        assert len({id(error) for error in errors}) == len(errors)


@pytest.fixture
def pool(no_leaks: None) -> Iterator[ThreadPoolExecutor]:
    """Threads that wait in calls; ask for them before a router, whose end lets them go."""
    with ThreadPoolExecutor(4) as opened:
        yield opened


def connect(
    router: Router, server: SshServer, port: int = 0, name: str = "host", **opts: Any
) -> Context:
    """Open a context on a server by a connection of its own, maybe through a proxy."""
    file = server.config_for_port(port) if port else server.config_file
    return router.ssh("demo", name=name, config_file=str(file), share=False, **opts)


def ancestors(pid: int) -> list[int]:
    """Return the processes above a process, nearest first."""
    found: list[int] = []
    while pid > 1:
        stat = Path(f"/proc/{pid}/stat").read_text()
        pid = int(stat.rpartition(")")[2].split()[1])
        found.append(pid)
    return found


def of_ours(name: str) -> int:
    """Return the one process of that name that was started from here."""
    (pid,) = (
        pid
        for pid in descendants(os.getpid())
        if Path(f"/proc/{pid}/comm").read_text() == f"{name}\n"
    )
    return pid


# -- the child -----------------------------------------------------------------------------------


def test_a_local_child_that_is_killed(pool: ThreadPoolExecutor, router: Router) -> None:
    context = router.local(name="victim")
    pid = context.info.pid
    waiters = Waiters.of(context, pool)

    os.kill(pid, signal.SIGKILL)

    waiters.hear("the other side closed the connection, killed by signal 9")


@pytest.mark.parametrize(
    ("transport", "reason"),
    [
        ("paramiko", "the remote command was killed"),
        ("openssh", "the other side closed the connection, exit status 255"),
    ],
)
def test_a_child_of_a_host_that_is_killed(
    pool: ThreadPoolExecutor, router: Router, server: SshServer, transport: str, reason: str
) -> None:
    if transport == "openssh":
        needs_program("ssh")
    context = connect(router, server, transport=transport)
    pid = context.info.pid
    waiters = Waiters.of(context, pool)

    os.kill(pid, signal.SIGKILL)

    waiters.hear(reason)


def test_a_child_that_is_killed_before_its_hello_is_told_to_whoever_waits_for_facts(
    pool: ThreadPoolExecutor, router: Router
) -> None:
    # A Python that stands still before it has read a byte.
    context = router.local(python_path="/bin/sleep", connect_timeout=60, name="victim")
    connection: Any = context._connection
    info = pool.submit(lambda: context.info)
    call = pool.submit(context.call, os.getpid)

    connection.stream.kill()

    for waiter in (info, call):
        error = waiter.exception(DEADLINE)
        assert isinstance(error, ConnectError)
        assert error.phase == "bootstrap"
        assert str(error).startswith("victim: the remote command ended before the child was ready")
        assert "Name another with python_path" in str(error)


@pytest.mark.parametrize("way", ["local", "ssh"])
def test_a_child_that_is_killed_in_the_middle_of_a_reply(
    router: Router, server: SshServer, way: str
) -> None:
    context = router.local() if way == "local" else connect(router, server)
    pid = context.info.pid
    stream: Any = context._connection.stream  # type: ignore[union-attr]
    take = stream.on_bytes

    def kill_then_take(data: bytes) -> None:
        if len(data) > 1000:
            os.kill(pid, signal.SIGKILL)
            stream.on_bytes = take
        take(data)

    stream.on_bytes = kill_then_take
    future = context.submit(bytes, LARGE)

    error = future.exception(DEADLINE)

    assert isinstance(error, DisconnectedError)
    assert "is gone: " in str(error)
    assert not context.connected


def test_a_child_whose_stdin_is_closed_ends(pool: ThreadPoolExecutor, router: Router) -> None:
    context = router.local(name="victim")
    pid = context.info.pid
    waiters = Waiters.of(context, pool)
    stream: Any = context._connection.stream  # type: ignore[union-attr]

    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, stream._pipe._write_fd)
    os.close(null)

    wait_for_end(pid)
    waiters.hear("the other side closed the connection")


@pytest.mark.parametrize("way", ["local", "ssh"])
def test_a_function_that_closes_all_descriptors_ends_its_child(
    no_leaks: None, empty_home: Path, server: SshServer, way: str
) -> None:
    with Router(heartbeat=0.2, heartbeat_misses=10) as router:
        context = router.local() if way == "local" else connect(router, server)
        pid = context.info.pid

        with pytest.raises(DisconnectedError, match="is gone"):
            context.call(os.closerange, 3, 256)

        wait_for_end(pid)


@pytest.mark.parametrize("way", ["local", "ssh"])
def test_a_thread_that_closes_all_descriptors_ends_its_child(
    no_leaks: None, empty_home: Path, server: SshServer, way: str
) -> None:
    with Router(heartbeat=0.2, heartbeat_misses=10) as router:
        context = router.local() if way == "local" else connect(router, server)
        pid = context.info.pid

        context.call(stubborn.close_descriptors_later)

        wait_for_end(pid)


# -- what carries the link -----------------------------------------------------------------------


def test_the_process_of_an_ssh_session_is_killed(
    pool: ThreadPoolExecutor, router: Router, server: SshServer
) -> None:
    context = connect(router, server)
    other = connect(router, server, name="other")
    pid = context.info.pid
    above = set(ancestors(pid)) & set(descendants(server.pid))
    shared = set(ancestors(other.info.pid)) | {server.pid}
    waiters = Waiters.of(context, pool)

    for process in above - shared:
        with suppress(ProcessLookupError):  # the first one may take others along
            os.kill(process, signal.SIGKILL)

    waiters.hear("the SSH connection was lost")
    wait_for_end(pid)
    assert other.call(abs, -1) == 1


def test_our_own_ssh_is_killed(
    pool: ThreadPoolExecutor, router: Router, server: SshServer
) -> None:
    needs_program("ssh")
    context = connect(router, server, transport="openssh")
    pid = context.info.pid
    waiters = Waiters.of(context, pool)

    os.kill(of_ours("ssh"), signal.SIGKILL)

    waiters.hear("the other side closed the connection, killed by signal 9")
    wait_for_end(pid)


def test_our_own_sudo_is_killed(pool: ThreadPoolExecutor, router: Router) -> None:
    needs_root()
    needs_program("sudo")
    context = router.sudo(name="victim")
    pid = context.info.pid
    waiters = Waiters.of(context, pool)

    os.kill(of_ours("sudo"), signal.SIGKILL)

    waiters.hear("killed by signal 9")
    wait_for_end(pid)


@pytest.mark.sshd
def test_the_listener_of_sshd_is_killed_and_its_sessions_go_on(
    router: Router, empty_home: Path
) -> None:
    with start_bare("sshd") as doomed:
        context = connect(router, doomed)
        context.call(os.getpid)

        listener = descendants(doomed.pid)[0]
        os.kill(listener, signal.SIGKILL)
        wait_for_end(listener)

        assert context.call(abs, -1) == 1
        with pytest.raises(ConnectError, match="refused"):
            connect(router, doomed, name="late")
        assert context.call(abs, -1) == 1


def test_the_connection_is_reset(
    pool: ThreadPoolExecutor, router: Router, server: SshServer
) -> None:
    with DelayProxy(server.port) as proxy:
        context = connect(router, server, proxy.port)
        pid = context.info.pid
        waiters = Waiters.of(context, pool)

        proxy.cut()

        waiters.hear("the SSH connection was lost")
        wait_for_end(pid)


# -- the controller ------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["idle", "loop", "sleep", "wait_for_lock"])
def test_no_process_survives_a_controller_that_is_killed_at_any_moment(what: str) -> None:
    """A few moments of those that `make soak` tries."""
    kill_at_moments(what, 3, random.Random(what))


def test_no_process_of_a_tree_survives_a_controller_that_is_killed_at_any_moment() -> None:
    """A few moments of those that `make soak` tries."""
    kill_trees_at_moments("loop", 3, random.Random("tree"))


@pytest.mark.parametrize(
    ("end", "words"),
    [
        (lambda context: context.submit(os._exit, 3), "exit status 3"),
        (lambda context: os.kill(context.info.pid, signal.SIGTERM), "killed by signal 15"),
        (lambda context: context.kill(), "was killed from here"),
    ],
    ids=["exit", "signal", "kill"],
)
def test_one_end_is_told_apart_from_another(
    router: Router, end: Callable[[Context], object], words: str
) -> None:
    context = router.local()
    pid = context.info.pid
    told = threading.Event()
    losses: list[Exception] = []

    def note(context: Context, error: Exception) -> None:
        losses.append(error)
        told.set()

    context.on_disconnect(note)

    end(context)

    assert told.wait(DEADLINE)
    assert words in str(losses[0])
    wait_for_end(pid)
