"""Hosts that turn us away, or are not there yet: what is tried again, and what never is."""

import os
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from remotesvc import (
    AuthenticationError,
    ConnectError,
    ConnectTimeout,
    HostKeyError,
    ResolveError,
    Router,
)
from remotesvc.connect.retry import AWAY, PAUSES
from remotesvc.controller.ssh.tcp import PAUSE
from remotesvc.testing.proxy import DelayProxy
from remotesvc.testing.server import SshServer
from remotesvc.testing.silent import SilentServer
from tests.controller.ssh.hosts import (
    connect,
    descendants,
    hasty_port,
    needs_kind,
    relay_command,
    start_bare,
)
from tests.integration.waiting import TIMEOUTS

# A wait for an event that is sure to come.
DEADLINE = 30.0

PASSWORD = "correct horse"

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@pytest.fixture(scope="module")
def server() -> Iterator[SshServer]:
    """The best server that there is here."""
    with start_bare() as started:
        yield started


@pytest.fixture
def router(no_leaks: None, empty_home: Path) -> Iterator[Router]:
    """A router whose end leaves nothing behind."""
    with Router() as opened:
        yield opened


@pytest.fixture
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nobody wait for a host that boots."""
    monkeypatch.setitem(PAUSES, AWAY, (0.01, 0.01))


@pytest.fixture
def closed_port() -> int:
    """A port where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


Answer = Callable[[], int]


def look_ups(monkeypatch: pytest.MonkeyPatch, answer: Answer) -> None:
    """Have every name lead to a port of this host, or to what `answer` raises."""

    def look_up(*arguments: object) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", answer()))]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)


# -- as ssh_config asks for ----------------------------------------------------------------------


def test_attempts_of_ssh_config_are_one_second_apart_and_on_account_of_no_retry(
    router: Router, closed_port: int, tmp_path: Path
) -> None:
    times: list[float] = []

    def watch(context_id: int, phase: str, elapsed: float, text: str) -> None:
        if "Connection refused" in text:
            times.append(elapsed)

    config = tmp_path / "config"
    config.write_text("ConnectionAttempts 3\n")
    where = f"127.0.0.1:{closed_port}"
    router.on_step = watch
    with pytest.raises(ConnectError, match=r"Connection refused \(tried 3 times\)\. Is sshd"):
        router.ssh(where, config_file=str(config))

    assert len(times) == 3
    assert all(later - earlier >= PAUSE for earlier, later in pairwise(times))


def test_server_that_begins_between_two_attempts_is_reached(
    router: Router, server: SshServer, closed_port: int, tmp_path: Path
) -> None:
    with ExitStack() as stack:

        def begin(context_id: int, phase: str, elapsed: float, text: str) -> None:
            if "Connection refused" in text:  # once: from then on somebody is there
                stack.enter_context(hasty_port(server.port, 0, at=closed_port))

        config = tmp_path / "config"
        lines = server.config_for_port(closed_port).read_text()
        config.write_text(f"ConnectionAttempts 9\n{lines}")
        router.on_step = begin
        assert connect(router, server, config_file=config).call(os.getpid)
        router.close()


def test_closing_the_router_ends_the_wait_for_the_next_attempt(
    router: Router, closed_port: int, tmp_path: Path
) -> None:
    config = tmp_path / "config"
    config.write_text("ConnectionAttempts 1000\n")

    def close(context_id: int, phase: str, elapsed: float, text: str) -> None:
        if "Connection refused" in text:
            threading.Thread(target=router.close).start()

    router.on_step = close
    with pytest.raises(ConnectError, match="the router was closed while it connected"):
        router.ssh(f"127.0.0.1:{closed_port}", config_file=str(config))


# -- turned away ---------------------------------------------------------------------------------


@pytest.mark.parametrize("word", [b"", b"Exceeded MaxStartups\r\n"])
def test_a_server_that_hangs_up_at_once_is_tried_again_by_itself(
    router: Router, server: SshServer, word: bytes
) -> None:
    with hasty_port(server.port, 2, word) as hasty:
        context = connect(router, server, config_file=server.config_for_port(hasty.port))

        assert context.call(os.getpid) in descendants(server.pid)
        router.close()
    assert hasty.count == 3


def test_a_proxy_command_that_is_hung_up_on_is_run_again(
    router: Router, server: SshServer, tmp_path: Path
) -> None:
    with hasty_port(server.port, 1) as hasty:
        config = tmp_path / "config"
        command = relay_command(tmp_path, hasty.port)
        config.write_text(f"Host *\n ProxyCommand {command}\n{server.config_file.read_text()}")

        assert connect(router, server, config_file=config).call(os.getpid)
        router.close()
    assert hasty.count == 2


@pytest.mark.sshd
def test_a_connection_dropped_by_max_startups_is_tried_again(router: Router) -> None:
    needs_kind("sshd")
    with start_bare("sshd", extra_config=("MaxStartups 1:100:2",)) as busy, ThreadOf() as thread:
        with socket.create_connection((busy.host, busy.port)) as first:
            first.recv(64)  # it is served, and does not log in
            thread.run(lambda: connect(router, busy).call(os.getpid))
            while "drop connection" not in busy.log_text():
                assert thread.is_alive()

        assert thread.result() in descendants(busy.pid)


def test_the_error_of_a_busy_server_says_how_often_it_was_tried(router: Router) -> None:
    told = ""
    for timeout in TIMEOUTS:
        with hasty_port(0, 1000) as hasty, pytest.raises(ConnectError) as caught:
            router.ssh(f"127.0.0.1:{hasty.port}", config_file="none", connect_timeout=timeout)
        told = str(caught.value)
        if "closed the connection at once" in told and "tried" in told:
            break  # else the deadline came in the middle of a try, which is no verdict

    assert "closed the connection at once" in told
    assert f"(tried {hasty.count} times in " in told
    assert hasty.count > 1


def test_what_is_no_ssh_server_is_tried_once(router: Router) -> None:
    word = b"HTTP/1.1 400 Bad Request\r\n\r\n"
    with hasty_port(0, 1000, word) as hasty, pytest.raises(ConnectError, match="no SSH server"):
        router.ssh(f"127.0.0.1:{hasty.port}", config_file="none", retries=5)

    assert hasty.count == 1


# -- not there yet -------------------------------------------------------------------------------


@pytest.mark.usefixtures("short_pauses")
def test_a_host_that_boots_is_waited_for(
    router: Router, server: SshServer, closed_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter([closed_port, None, closed_port, server.port])

    def answer() -> int:
        port = next(answers)
        if port is None:
            raise OSError("Name or service not known")
        return port

    look_ups(monkeypatch, answer)

    context = connect(router, server, retries=3)

    assert context.call(os.getpid) in descendants(server.pid)
    assert list(answers) == []


@pytest.mark.usefixtures("short_pauses")
@pytest.mark.parametrize("retries", [0, 2])
def test_a_host_that_does_not_come_is_tried_as_often_as_asked_for(
    router: Router, closed_port: int, retries: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def answer() -> int:
        asked.append(closed_port)
        return closed_port

    look_ups(monkeypatch, answer)

    with pytest.raises(ConnectError) as caught:
        router.ssh("web1", config_file="none", retries=retries)

    assert "cannot connect to web1 port 22: Connection refused" in str(caught.value)
    assert ("(tried 3 times in " in str(caught.value)) is (retries == 2)
    assert len(asked) == retries + 1


@pytest.mark.usefixtures("short_pauses")
def test_a_name_that_does_not_resolve_yet_keeps_its_error(router: Router) -> None:
    with pytest.raises(ResolveError, match="tried 2 times"):
        router.ssh("no-such-host.invalid", config_file="none", retries=1)


@pytest.mark.usefixtures("short_pauses")
def test_each_try_has_the_whole_connect_timeout(router: Router) -> None:
    with SilentServer() as silent, pytest.raises(ConnectTimeout) as caught:
        where = f"127.0.0.1:{silent.port}"
        router.ssh(where, config_file="none", connect_timeout=0.3, retries=2)

    assert "(tried 3 times in " in str(caught.value)
    assert (caught.value.elapsed or 0) > 0.9


@pytest.mark.usefixtures("short_pauses")
def test_the_jump_host_is_logged_in_to_once_while_its_host_boots(
    router: Router, server: SshServer, closed_port: int, tmp_path: Path
) -> None:
    with start_bare(aliases=("bastion",)) as bastion, DelayProxy(bastion.port) as proxy:
        config = tmp_path / "config"
        gate = bastion.config_for_port(proxy.port).read_text()
        config.write_text(gate + server.info.host_block(closed_port))

        with pytest.raises(ConnectError, match=r"cannot reach .* \(tried 4 times"):
            connect(router, server, config_file=config, jump="bastion", retries=3)

        assert proxy.counts().connections == 1


@pytest.mark.usefixtures("short_pauses")
def test_a_host_behind_a_jump_host_that_says_nothing_is_tried_again_the_same_way(
    router: Router, server: SshServer, tmp_path: Path
) -> None:
    with (
        start_bare(aliases=("bastion",)) as bastion,
        DelayProxy(bastion.port) as proxy,
        SilentServer() as silent,
    ):
        config = tmp_path / "config"
        gate = bastion.config_for_port(proxy.port).read_text()
        config.write_text(gate + server.info.host_block(silent.port))

        with pytest.raises(ConnectTimeout, match=r"said nothing.*\(tried 2 times"):
            given: dict[str, Any] = {"config_file": config, "jump": "bastion"}
            connect(router, server, connect_timeout=2, retries=1, **given)

        assert proxy.counts().connections == 1


def test_closing_the_router_ends_the_waiting_at_once(
    no_leaks: None, empty_home: Path, closed_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PAUSES, AWAY, (1000.0, 1000.0))
    is_tried = threading.Event()

    def answer() -> int:
        is_tried.set()
        return closed_port

    look_ups(monkeypatch, answer)
    router = Router()
    with ThreadOf() as thread:
        thread.run(lambda: router.ssh("web1", config_file="none", retries=1000))
        assert is_tried.wait(DEADLINE)

        router.close()

        with pytest.raises(ConnectError, match="the router was closed while it connected"):
            thread.result()


# -- never ---------------------------------------------------------------------------------------


def test_a_login_that_was_refused_is_never_tried_again(router: Router) -> None:
    with (
        start_bare("embedded", password=PASSWORD, accept_user_keys=False) as strict,
        DelayProxy(strict.port) as proxy,
    ):
        config = strict.config_for_port(proxy.port)

        with pytest.raises(AuthenticationError) as caught:
            connect(router, strict, config_file=config, password="wrong", retries=5)

        assert proxy.counts().connections == 1
    assert "tried" not in str(caught.value)


def test_a_host_with_the_wrong_key_is_never_tried_again(
    router: Router, server: SshServer, tmp_path: Path
) -> None:
    with DelayProxy(server.port) as proxy:
        config = server.config_for_port(proxy.port)

        with pytest.raises(HostKeyError):
            given: dict[str, Any] = {"config_file": config, "known_hosts": tmp_path / "none"}
            connect(router, server, host_key_policy="strict", retries=5, **given)

        assert proxy.counts().connections == 1


@pytest.mark.parametrize("retries", [-1, True, None, "3", 1.5])
def test_a_wrong_number_of_retries_is_told(router: Router, retries: Any) -> None:
    with pytest.raises((TypeError, ValueError), match="retries: wanted is a whole number"):
        router.ssh("web1", config_file="none", retries=retries)


class ThreadOf:
    """Runs one function on a thread of its own; a context manager that waits for it."""

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None
        self._value: Any = None
        self._error: BaseException | None = None

    def __enter__(self) -> "ThreadOf":
        return self

    def __exit__(self, *exception: object) -> None:
        if self._thread is not None:
            self._thread.join(DEADLINE)

    def run(self, function: Callable[[], Any]) -> None:
        """Begin."""

        def work() -> None:
            try:
                self._value = function()
            except BaseException as error:
                self._error = error

        self._thread = threading.Thread(target=work)
        self._thread.start()

    def is_alive(self) -> bool:
        """Tell whether it still runs."""
        return self._thread is not None and self._thread.is_alive()

    def result(self) -> Any:
        """Return or raise what it did."""
        self.__exit__()
        assert not self.is_alive()
        if self._error is not None:
            raise self._error
        return self._value
