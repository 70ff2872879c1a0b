"""Opening contexts over SSH: what ssh_config and options say, and what it costs."""

import concurrent.futures
import importlib
import logging
import os
import socket
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import paramiko
import pytest
from paramiko.agent import AgentSSH

from remotesvc import ConnectError, ConnectTimeout, Router
from remotesvc.connect.base import Attempt
from remotesvc.controller.ssh.options import SshOptions
from remotesvc.controller.ssh.session import request_exec
from remotesvc.controller.ssh.tcp import connect_tcp
from remotesvc.testing.options import ServerOptions
from remotesvc.testing.proxy import DelayProxy
from remotesvc.testing.server import SshServer, start_server
from remotesvc.testing.silent import SilentServer
from tests.controller.ssh.hosts import (
    config_for,
    connect,
    descendants,
    needs_kind,
    relay_command,
    start_bare,
)
from tests.integration.hosts import plain_login, write_program
from tests.integration.waiting import TIMEOUTS
from tests.leaks import holdings, wait_for_release
from tests.testing.client import is_running, wait_for_end

KINDS = [pytest.param("sshd", marks=pytest.mark.sshd), "embedded"]

# Well above what either side takes to answer while both cores are busy.
DELAY = 0.1

# A wait for an event that is sure to come.
DEADLINE = 30.0

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshServer]:
    """The best server that there is here."""
    options = ServerOptions(environment=plain_login(tmp_path_factory.mktemp("home_there")))
    with start_server(options=options) as started:
        yield started


@pytest.fixture(params=KINDS)
def any_server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SshServer]:
    """A server of each kind."""
    options = ServerOptions(environment=plain_login(tmp_path_factory.mktemp("home_there")))
    with start_server(needs_kind(request.param), options) as started:
        yield started


@pytest.fixture
def router(no_leaks: None, empty_home: Path) -> Iterator[Router]:
    """A router whose end leaves nothing behind."""
    with Router() as opened:
        yield opened


# -- what ssh_config says ------------------------------------------------------------------------


def test_a_function_runs_where_ssh_config_says(any_server: SshServer, router: Router) -> None:
    context = connect(router, any_server)

    pid = context.call(os.getpid)

    assert pid in descendants(any_server.pid)
    assert context.info.pid == pid


def test_includes_and_matches_of_ssh_config_are_followed(
    server: SshServer, router: Router, tmp_path: Path
) -> None:
    (tmp_path / "included").write_text(f"Host web*\n  HostName {server.host}\n")
    config = tmp_path / "config"
    config.write_text(
        f"Include {tmp_path}/included\n"
        f"Match originalhost web1\n"
        f"  Port {server.port}\n  User {server.user}\n"
        f"Match host {server.host} user {server.user}\n"
        f"  IdentityFile {server.identity_file}\n  UserKnownHostsFile {server.known_hosts}\n"
    )

    context = connect(router, server, "web1", config_file=config)

    assert context.call(os.getppid) in descendants(server.pid)


def test_options_count_before_ssh_config(
    server: SshServer, router: Router, tmp_path: Path
) -> None:
    config = tmp_path / "config"
    config.write_text(
        "Host *\n User nobody\n Port 1\n IdentityFile /nowhere\n UserKnownHostsFile /nowhere\n"
        "Compression no\n"
    )

    context = connect(
        router,
        server,
        server.host,
        config_file=config,
        username=server.user,
        port=server.port,
        identity_file=server.identity_file,
        known_hosts=server.known_hosts,
        compression=True,
    )

    assert context.call(len, b"x" * 100_000) == 100_000


def test_a_destination_may_hold_user_and_port(server: SshServer, router: Router) -> None:
    context = connect(
        router,
        server,
        f"{server.user}@{server.host}:{server.port}",
        config_file="none",
        identity_file=[str(server.identity_file)],
        known_hosts=[str(server.known_hosts)],
    )

    assert context.call(os.getpid) in descendants(server.pid)


def test_home_is_meant_by_a_tilde_in_options(
    server: SshServer, router: Router, empty_home: Path
) -> None:
    config_for(server, empty_home / "my_config", "IdentitiesOnly yes")
    key = empty_home / "my_key"
    key.write_bytes(server.identity_file.read_bytes())

    context = connect(
        router, server, config_file="~/my_config", identity_file=["/nowhere", "~/my_key"]
    )

    assert context.call(os.getpid)


def test_connect_timeout_of_ssh_config_is_the_default(router: Router, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("Host *\n  ConnectTimeout 1\n")

    with SilentServer() as silent, pytest.raises(ConnectTimeout, match="within 1 s"):
        router.ssh(silent.host, port=silent.port, config_file=str(config))


def test_connect_timeout_given_counts_before_ssh_config(router: Router, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("Host *\n  ConnectTimeout 60\n")

    with SilentServer() as silent, pytest.raises(ConnectTimeout, match=r"within 0\.3 s"):
        router.ssh(silent.host, port=silent.port, config_file=str(config), connect_timeout=0.3)


@pytest.mark.parametrize("line", ["ServerAliveInterval 1", ""])
def test_signs_of_life_are_sent_as_often_as_asked(
    server: SshServer, router: Router, tmp_path: Path, line: str
) -> None:
    with DelayProxy(server.port) as proxy:
        key = f"IdentityFile {server.identity_file}"
        server.config_for_port(proxy.port)
        config = config_for(server, tmp_path / "config", key, line, port=proxy.port)
        context = connect(router, server, config_file=config, keepalive=None if line else 1)
        context.call(os.getpid)
        sent = proxy.counts().bytes_up

        # Nothing else is sent: the heartbeat of the router is 15 s.
        assert _wait_until(lambda: proxy.counts().bytes_up > sent)
        assert context.call(os.getpid)


def test_what_ssh_config_asks_for_in_vain_is_said_once(
    server: SshServer, router: Router, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    lines = (f"IdentityFile {server.identity_file}", "ForwardAgent yes")
    config = config_for(server, tmp_path / "config", *lines)

    with caplog.at_level(logging.WARNING):
        connect(router, server, config_file=config)
        connect(router, server, config_file=config)

    assert [text for text in caplog.messages if "ForwardAgent" in text] == [
        f"ForwardAgent yes ({config}:8) is not done; only the ssh program can do that"
    ]


def test_an_option_that_does_not_exist_is_named(router: Router) -> None:
    with pytest.raises(TypeError, match="no option 'pasword'; it has username, port, password"):
        router.ssh("web1", pasword="x")


def test_a_transport_that_does_not_exist_is_named(router: Router) -> None:
    with pytest.raises(ConnectError, match="it is 'paramiko' or 'openssh'"):
        router.ssh("web1", transport="telnet")


@pytest.mark.parametrize("port", ["22x", 0, 65536])
def test_a_port_that_is_none_is_told(router: Router, port: Any) -> None:
    with pytest.raises(ConnectError, match=f"port={port!r} is not a number from 1 to 65535"):
        router.ssh("web1", port=port)


def test_a_host_that_is_no_text_is_told(router: Router) -> None:
    with pytest.raises(TypeError, match=r"ssh\(\): host is text, not None"):
        router.ssh(None)  # type: ignore[arg-type]  # what a program does that reads no types


def test_secrets_do_not_show_in_the_options() -> None:
    options = SshOptions.of({"password": "hush-1", "passphrase": "hush-2"})

    assert "hush" not in repr(options) + repr(options.credentials)


# -- several at once, many in a row --------------------------------------------------------------


def test_several_children_of_one_host_start_at_once(server: SshServer, router: Router) -> None:
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        contexts = list(pool.map(lambda _: connect(router, server), range(6)))
        pids = list(pool.map(lambda context: context.call(os.getpid), contexts))

    assert len(set(pids)) == 6
    assert len({context.name for context in contexts}) == 6


def test_cycles_leave_nothing(server: SshServer, empty_home: Path) -> None:
    with Router() as router:
        connect(router, server).call(os.getpid)
    before = holdings()

    for _ in range(6):  # two hundred in `make soak`
        with Router() as router:
            connect(router, server).call(os.getpid)

    assert wait_for_release(before) == []


def test_contexts_that_are_shut_down_leave_nothing_in_an_open_router(
    server: SshServer, router: Router
) -> None:
    connect(router, server).shutdown()
    before = holdings()

    for _ in range(5):
        context = connect(router, server)
        context.call(os.getpid)
        context.shutdown()

    def is_all_gone() -> bool:
        # A router starts its workers when it first needs them, and keeps them.
        return all("remotesvc-worker" in what for what in holdings() - before)

    assert _wait_until(is_all_gone), holdings() - before
    assert router.contexts == []


# -- what it costs -------------------------------------------------------------------------------


def test_tcp_does_not_wait_to_fill_its_packets() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        wire = connect_tcp(Attempt("web1", 5), *listener.getsockname())
        try:
            assert wire.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        finally:
            wire.close()


def test_first_call_needs_no_more_round_trips_than_plain_paramiko(
    any_server: SshServer, router: Router
) -> None:
    plain, ours = _count_round_trips(router, any_server, os.getpid)

    assert plain == 6
    assert ours <= plain


def test_sixty_modules_add_no_round_trip(
    any_server: SshServer, router: Router, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    function = _write_packages(tmp_path, monkeypatch)

    plain, ours = _count_round_trips(router, any_server, function)

    assert connect(router, any_server).call(function) == 60
    assert ours <= plain


def _count_round_trips(
    router: Router, server: SshServer, function: Callable[[], int]
) -> tuple[int, int]:
    """Return what a command costs with plain paramiko, and a first call with us."""
    # What is computed once (the payload) must not take longer than a round trip here.
    connect(router, server).call(function)
    with DelayProxy(server.port, DELAY) as proxy:
        config = server.config_for_port(proxy.port)
        start = proxy.counts()
        _plain_paramiko(server, proxy.port)
        middle = proxy.counts()
        connect(router, server, config_file=config).call(function)
        end = proxy.counts()
    return (middle - start).round_trips, (end - middle).round_trips


def _plain_paramiko(server: SshServer, port: int) -> None:
    """Log in, run a command, and read what it prints, as paramiko's documentation shows it."""
    with paramiko.SSHClient() as client:
        client.load_host_keys(str(server.known_hosts))
        client.connect(
            server.host,
            port=port,
            username=server.user,
            key_filename=str(server.identity_file),
            allow_agent=False,
            look_for_keys=False,
        )
        streams = client.exec_command("echo hello")
        assert streams[1].read() == b"hello\n"


def _write_packages(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """Write 60 modules in 5 nested packages; return the function that imports them all."""
    name, number = "", 0
    imports = []
    for depth in range(5):
        name = f"{name}.p{depth}" if name else "flight"
        package = folder.joinpath(*name.split("."))
        package.mkdir()
        (package / "__init__.py").write_text("NUMBER = 1\n")
        imports.append(f"from {name} import NUMBER as n{number}")
        number += 1
        for _ in range(11):
            (package / f"m{number}.py").write_text(
                f'"""Module {number}."""\n\nNUMBER = 1\n\n\n'
                + f"def double_{number}(value):\n    return value * {number}\n" * 10
            )
            imports.append(f"from {name}.m{number} import NUMBER as n{number}")
            number += 1
    total = " + ".join(f"n{index}" for index in range(number))
    text = "\n".join(imports) + f"\n\n\ndef count():\n    return {total}\n"
    (folder / "flight_main.py").write_text(text)
    monkeypatch.delitem(sys.modules, "flight_main", raising=False)
    count: Callable[[], int] = importlib.import_module("flight_main").count
    return count


# -- the private names of paramiko ---------------------------------------------------------------


def test_the_private_names_of_paramiko_are_there() -> None:
    assert callable(paramiko.Transport._send_user_message)
    assert callable(AgentSSH._connect)
    for table in ("_kex_info", "_cipher_info", "_mac_info", "_key_info"):
        assert isinstance(getattr(paramiko.Transport, table), dict)


class _Renamed:
    """A channel of a paramiko that calls its private methods differently."""

    def __init__(self, channel: paramiko.Channel) -> None:
        self.exec_command = channel.exec_command

    def get_transport(self) -> object:
        return object()


def test_without_the_private_names_the_command_is_waited_for(
    any_server: SshServer, router: Router, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def request(channel: paramiko.Channel, command: str) -> None:
        asked.append(command)
        request_exec(_Renamed(channel), command)

    monkeypatch.setattr("remotesvc.controller.ssh.opening.request_exec", request)

    context = connect(router, any_server)

    assert context.call(os.getpid) in descendants(any_server.pid)
    assert len(asked) == 1


@pytest.mark.sshd
def test_the_window_used_in_advance_is_given_back(router: Router) -> None:
    needs_kind("sshd")
    with start_bare("sshd") as server:
        context = connect(router, server)

        # The server closes the connection of a client that goes on beyond its window.
        assert context.call(len, bytes(20 * 1024 * 1024)) == 20 * 1024 * 1024
        assert "too much data" not in server.log_text()


# -- ProxyCommand --------------------------------------------------------------------------------


def test_a_proxy_command_carries_the_connection(
    server: SshServer, router: Router, tmp_path: Path
) -> None:
    command = relay_command(tmp_path, server.port, before="cd /")
    config = _proxied(server, tmp_path, command)

    context = connect(router, server, config_file=config)

    assert context.call(os.getpid) in descendants(server.pid)


def test_nothing_of_a_proxy_command_is_left(server: SshServer, tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    command = relay_command(tmp_path, server.port, before=f"sleep 1000 & echo $$ $! > {pids}")
    config = _proxied(server, tmp_path, command)
    before = holdings()

    with Router() as router:
        connect(router, server, config_file=config).call(os.getpid)
        started = [int(word) for word in pids.read_text().split()]
        assert all(map(is_running, started))

    assert wait_for_release(before) == []
    for pid in started:
        wait_for_end(pid)  # killed, and gone once the kernel has come to it


def test_a_proxy_command_that_talks_does_not_stall(
    server: SshServer, router: Router, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    before = "echo hello from the proxy >&2; head -c 1000000 /dev/zero | tr '\\0' x >&2"
    config = _proxied(server, tmp_path, relay_command(tmp_path, server.port, before=before))

    context = connect(router, server, config_file=config)

    assert context.call(os.getpid) in descendants(server.pid)
    assert "ProxyCommand: hello from the proxy" in caplog.messages


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (
            "no-such-program %h",
            [
                "demo: ProxyCommand 'no-such-program 127.0.0.1' ended with exit status 127: ",
                "found",
            ],
        ),
        ("sh -c 'echo the door is shut >&2; exit 7'", ["exit status 7: the door is shut"]),
        ("true", ["not too busy? ProxyCommand 'true' ended with exit status 0"]),
        ("echo I am no server", ["said 'I am no server'. ProxyCommand", "exit status 0"]),
        ("sh -c 'kill -9 $$'", ["closed the connection at once"]),
    ],
)
def test_a_proxy_command_that_fails_is_quoted(
    server: SshServer, router: Router, tmp_path: Path, command: str, words: list[str]
) -> None:
    config = _proxied(server, tmp_path, command)

    # What hangs up at once may be too busy, and is tried again until the deadline, which may come
    # in the middle of a try.
    for timeout in TIMEOUTS:
        with pytest.raises(ConnectError) as caught:
            connect(router, server, config_file=config, connect_timeout=timeout)
        assert caught.value.phase == "tcp"
        assert "\n" not in str(caught.value)
        missing = [word for word in words if word not in str(caught.value)]
        if not missing:
            break
    assert missing == []


def test_a_silent_proxy_command_ends_at_the_deadline(
    server: SshServer, router: Router, tmp_path: Path
) -> None:
    pid = tmp_path / "pid"
    script = write_program(tmp_path / "mute", f"#!/bin/sh\necho $$ > {pid}\nexec sleep 1000\n")
    config = _proxied(server, tmp_path, script)

    for timeout in TIMEOUTS:
        with pytest.raises(ConnectTimeout, match="said nothing") as caught:
            connect(router, server, config_file=config, connect_timeout=timeout)
        if pid.exists() and pid.read_text():
            break  # it had begun

    assert caught.value.phase == "tcp"
    assert not is_running(int(pid.read_text()))


def _proxied(server: SshServer, folder: Path, command: str) -> Path:
    lines = (f"IdentityFile {server.identity_file}", f"ProxyCommand {command}")
    return config_for(server, folder / "proxied", *lines)


# -- a login that talks --------------------------------------------------------------------------


def test_a_login_that_writes_a_megabyte_of_errors_does_not_stall(
    router: Router, tmp_path: Path
) -> None:
    text = "#!/bin/sh\nhead -c 1000000 /dev/zero | tr '\\0' x >&2\nexec /bin/sh \"$@\"\n"
    shell = write_program(tmp_path / "shell", text)
    with start_bare(options=ServerOptions(shell=shell)) as server:
        assert connect(router, server).call(os.getpid) in descendants(server.pid)


def _wait_until(is_true: Callable[[], bool]) -> bool:
    """Wait for what has no event; give up at the deadline."""
    deadline = time.monotonic() + DEADLINE
    while not is_true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True
