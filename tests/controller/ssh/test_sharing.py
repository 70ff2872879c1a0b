"""Several children on one SSH connection: what it costs, who may, and how each of them ends."""

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from remotesvc import (
    AuthenticationError,
    ConnectError,
    ConnectTimeout,
    Context,
    DisconnectedError,
    HostKeyError,
    Router,
)
from remotesvc.testing.proxy import DelayProxy
from remotesvc.testing.server import SshServer
from tests.controller.ssh.hosts import (
    connect,
    descendants,
    needs_kind,
    start_bare,
    stopped,
)
from tests.integration.targets import prints
from tests.leaks import holdings, wait_for_release
from tests.testing.client import wait_for_end

KINDS = [pytest.param("sshd", marks=pytest.mark.sshd), "embedded"]

# Well above what either side takes to answer while both cores are busy.
DELAY = 0.1

# A wait for an event that is sure to come.
DEADLINE = 30.0

LARGE = 16 * 1024 * 1024

# More than the window of a channel takes: it has to be opened again.
WINDOWFUL = 4 * 1024 * 1024

PASSWORD = "correct horse"

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@pytest.fixture(scope="module")
def server() -> Iterator[SshServer]:
    """The best server that there is here."""
    with start_bare() as started:
        yield started


@pytest.fixture(scope="module", params=KINDS)
def any_server(request: pytest.FixtureRequest) -> Iterator[SshServer]:
    """A server of each kind."""
    with start_bare(needs_kind(request.param)) as started:
        yield started


@pytest.fixture
def router(no_leaks: None, empty_home: Path) -> Iterator[Router]:
    """A router whose end leaves nothing behind."""
    with Router(output=lambda name, stream, line: None) as opened:
        yield opened


class Line:
    """A server behind a proxy that counts connections."""

    def __init__(self, server: SshServer, proxy: DelayProxy) -> None:
        self.server = server
        self.proxy = proxy
        self._config = server.config_for_port(proxy.port)

    def open(self, router: Router, **options: Any) -> Context:
        """Open a context through it."""
        return connect(router, self.server, **{"config_file": self._config, **options})

    @property
    def connections(self) -> int:
        """The connections so far."""
        return self.proxy.counts().connections


@pytest.fixture
def line(server: SshServer) -> Iterator[Line]:
    """The server, with its connections counted."""
    with DelayProxy(server.port) as proxy:
        yield Line(server, proxy)


# -- what it costs -------------------------------------------------------------------------------


def test_a_second_child_costs_a_channel_and_its_first_flight(
    router: Router, any_server: SshServer
) -> None:
    with DelayProxy(any_server.port, DELAY) as proxy:
        line = Line(any_server, proxy)
        pid = line.open(router).call(os.getpid)
        before = proxy.counts()

        other = line.open(router).call(os.getpid)

        cost = proxy.counts() - before
        router.close()
    assert other != pid
    assert (cost.connections, cost.round_trips) == (0, 2)


def test_who_opts_out_has_a_connection_of_his_own(router: Router, line: Line) -> None:
    children = [line.open(router), line.open(router, share=False), line.open(router)]

    assert len({child.call(os.getpid) for child in children}) == 3
    assert line.connections == 2


def test_two_routers_share_nothing(router: Router, line: Line) -> None:
    with Router() as other:
        assert line.open(router).call(os.getpid) != line.open(other).call(os.getpid)

    assert line.connections == 2


@pytest.mark.parametrize(
    "options",
    [
        {"host": "127.0.0.1"},
        {"compression": True},
        {"keepalive": 60},
        {"jump": "none"},
        {"host_key_policy": "accept-new"},
        {"password": "another"},
        {"passphrase": "another"},
        {"prompts": print},
    ],
    ids=lambda options: next(iter(options)),
)
def test_who_asks_for_something_else_has_a_connection_of_his_own(
    router: Router, line: Line, options: dict[str, Any]
) -> None:
    config = line.server.folder / "for_all"
    block = line.server.info.host_block(line.proxy.port)
    config.write_text(block.replace("Host demo", "Host *"))
    line.open(router, config_file=config)

    other = line.open(router, **{"config_file": config, **options})

    assert other.call(os.getpid)
    assert line.connections == 2
    line.open(router, **{"config_file": config, **options})
    assert line.connections == 2


def test_what_is_said_of_the_child_alone_does_not_matter(router: Router, line: Line) -> None:
    line.open(router)

    other = line.open(router, name="two", cwd="/", env={"A": "b"}, connect_timeout=20, retries=1)

    assert other.call(os.getcwd) == "/"
    assert line.connections == 1


def test_those_who_come_at_once_wait_for_the_first_one(router: Router, line: Line) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = pool.map(lambda _: line.open(router).call(os.getpid), range(8))

    assert len(set(found)) == 8
    assert line.connections == 1


def test_a_wrong_password_is_sent_once_for_all_who_wait(router: Router) -> None:
    with (
        start_bare("embedded", password=PASSWORD, accept_user_keys=False) as strict,
        DelayProxy(strict.port, DELAY) as proxy,
    ):
        line = Line(strict, proxy)
        barrier = threading.Barrier(4)

        def log_in(_: int) -> str:
            barrier.wait(DEADLINE)
            with pytest.raises(AuthenticationError) as caught:
                line.open(router, password="wrong")
            return str(caught.value)

        with ThreadPoolExecutor(4) as pool:
            errors = set(pool.map(log_in, range(4)))

        assert line.connections == 1
    assert len(errors) == 1


def test_prompts_are_answered_once(router: Router) -> None:
    asked: list[object] = []

    def answer(title: str, instructions: str, questions: object) -> list[str]:
        asked.append(questions)
        return ["12345"]

    with start_bare(
        "embedded", interactive=(("Code: ", "12345"),), accept_user_keys=False
    ) as strict:
        pids = {connect(router, strict, prompts=answer).call(os.getpid) for _ in range(2)}

    assert len(pids) == 2
    assert len(asked) == 1


# -- no place left -------------------------------------------------------------------------------


@pytest.mark.sshd
def test_a_server_that_opens_no_further_session_gets_a_new_connection(router: Router) -> None:
    needs_kind("sshd")
    with (
        start_bare("sshd", extra_config=("MaxSessions 2",)) as small,
        DelayProxy(small.port) as proxy,
    ):
        line = Line(small, proxy)
        children = [line.open(router) for _ in range(5)]

        assert len({child.call(os.getpid) for child in children}) == 5
        assert line.connections == 3
        router.close()


@pytest.mark.sshd
def test_those_who_come_at_once_find_places_on_a_small_server(router: Router) -> None:
    needs_kind("sshd")
    with (
        start_bare("sshd", extra_config=("MaxSessions 1",)) as small,
        ThreadPoolExecutor(4) as pool,
    ):
        found = pool.map(lambda _: connect(router, small).call(os.getpid), range(4))

        assert len(set(found)) == 4
        router.close()


def test_a_host_whose_key_is_no_longer_known_is_refused(
    router: Router, line: Line, tmp_path: Path
) -> None:
    known = tmp_path / "known"
    known.write_text(line.server.known_hosts.read_text())
    first = line.open(router, known_hosts=known)
    known.write_text("")

    with pytest.raises(HostKeyError):
        line.open(router, known_hosts=known)

    assert first.call(os.getpid)
    assert line.connections == 1


# -- ends ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["shutdown", "kill", "its own", "killed over there"])
def test_the_end_of_one_child_disturbs_no_other(
    router: Router, any_server: SshServer, way: str
) -> None:
    first, second = connect(router, any_server), connect(router, any_server)
    pid = first.call(os.getpid)
    waiting = second.submit(time.sleep, 0)
    if way == "shutdown":
        first.shutdown(DEADLINE)
    elif way == "kill":
        first.kill()
    elif way == "its own":
        with pytest.raises(DisconnectedError, match="exit status 7"):
            first.call(os._exit, 7)
    else:
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(DisconnectedError, match=r"the remote command (was killed|ended)"):
            first.call(time.sleep, 1000)

    wait_for_end(pid)
    waiting.result(DEADLINE)
    assert second.call(len, bytes(WINDOWFUL)) == WINDOWFUL
    assert not first.connected


def test_a_connection_ends_with_its_last_child_whoever_was_first(
    router: Router, line: Line
) -> None:
    before = holdings()
    first, second = line.open(router), line.open(router)
    first.call(os.getpid)
    second.call(os.getpid)

    first.shutdown(DEADLINE)
    third = line.open(router)
    assert third.call(os.getpid) != second.call(os.getpid)
    assert line.connections == 1
    second.shutdown(DEADLINE)
    third.shutdown(DEADLINE)

    assert wait_for_release(before) == []
    assert line.open(router).call(os.getpid)
    assert line.connections == 2


def test_a_lost_connection_is_told_to_each_of_its_children(router: Router, line: Line) -> None:
    children = [line.open(router, name=f"child{number}") for number in range(3)]
    waiting = [child.submit(time.sleep, 1000) for child in children]
    for child in children:
        child.info  # noqa: B018 it waits for the child

    line.proxy.cut()

    for number, future in enumerate(waiting):
        with pytest.raises(DisconnectedError) as caught:
            future.result(DEADLINE)
        assert f"child{number} is gone: the SSH connection was lost (" in str(caught.value)
    assert line.open(router).call(os.getpid)
    assert line.connections == 2


def test_children_come_and_go_on_one_connection_and_leave_nothing(
    router: Router, line: Line
) -> None:
    stays = line.open(router)
    stays.call(os.getpid)
    before = holdings()

    for _ in range(15):
        child = line.open(router)
        child.call(os.getpid)
        child.shutdown(DEADLINE)

    assert wait_for_release(before) == []
    assert stays.call(os.getpid)
    assert line.connections == 1


# -- side by side --------------------------------------------------------------------------------


def test_a_child_whose_output_nobody_takes_holds_up_no_other(
    no_leaks: None, empty_home: Path, server: SshServer
) -> None:
    is_free = threading.Event()
    is_held = threading.Event()

    def hold(name: str, stream: str, line: bytes) -> None:
        is_held.set()
        is_free.wait(DEADLINE)

    with Router(output=hold) as router:
        loud, quiet = connect(router, server), connect(router, server)
        waiting = loud.submit(prints.flood, LARGE)
        assert is_held.wait(DEADLINE)

        pids = {quiet.call(os.getpid) for _ in range(200)}

        assert len(pids) == 1
        assert not waiting.done()
        is_free.set()
        assert waiting.result(DEADLINE)


def test_calls_pass_while_another_child_is_sent_much(router: Router, server: SshServer) -> None:
    busy, idle = connect(router, server), connect(router, server)
    busy.call(os.getpid)
    idle.call(os.getpid)
    calls = 0
    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(lambda: [busy.call(len, bytes(LARGE)) for _ in range(3)])

        while not sending.done():
            idle.call(os.getpid)
            calls += 1

        assert sending.result() == [LARGE] * 3
    assert calls > 20


def test_a_child_that_does_not_read_holds_up_no_other_and_can_be_left(
    router: Router, server: SshServer
) -> None:
    stuck, well = connect(router, server), connect(router, server)
    pid = stuck.call(os.getpid)
    well.call(os.getpid)
    with ThreadPoolExecutor(1) as pool:
        os.kill(pid, signal.SIGSTOP)
        try:
            sending = pool.submit(stuck.call, len, bytes(LARGE))
            pids = {well.call(os.getpid) for _ in range(200)}
            assert not sending.done()

            stuck.kill()

            with pytest.raises(DisconnectedError, match="was killed from here"):
                sending.result(DEADLINE)
            assert {well.call(os.getpid)} == pids
        finally:
            os.kill(pid, signal.SIGCONT)
    wait_for_end(pid)


# -- a connection that hangs ---------------------------------------------------------------------


def test_a_second_child_on_a_host_that_hangs_has_its_own_deadline(
    router: Router, server: SshServer
) -> None:
    first = connect(router, server)
    first.call(os.getpid)
    with ThreadPoolExecutor(1) as pool, stopped(server):
        sending = pool.submit(first.call, len, bytes(LARGE))

        with pytest.raises(ConnectTimeout) as caught:
            connect(router, server, connect_timeout=0.5)

        assert caught.value.phase == "interpreter"
        assert not sending.done()
    assert sending.result(DEADLINE) == LARGE
    assert connect(router, server).call(os.getpid) in descendants(server.pid)


def test_closing_the_router_ends_the_wait_for_a_channel(
    no_leaks: None, empty_home: Path, server: SshServer
) -> None:
    router = Router()
    first = connect(router, server)
    first.call(os.getpid)
    with stopped(server), ThreadPoolExecutor(1) as pool:
        second = pool.submit(connect, router, server)
        limit = time.monotonic() + DEADLINE
        while not router._roster.attempts and time.monotonic() < limit:
            time.sleep(0.01)  # nothing tells that it has begun
        router.close()

        with pytest.raises(ConnectError, match="the router was closed while it connected"):
            second.result(DEADLINE)
    with pytest.raises(DisconnectedError, match="the router was closed"):
        first.call(os.getpid)
