"""What goes wrong on the way to a host, and when it is lost: one clear error, nothing left."""

import os
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from remotesvc import (
    BootstrapError,
    ConnectError,
    ConnectTimeout,
    Context,
    DisconnectedError,
    ResolveError,
    Router,
)
from remotesvc.controller.ssh import hop, tcp
from remotesvc.controller.ssh.chain import Chain
from remotesvc.testing.options import ServerOptions
from remotesvc.testing.proxy import DelayProxy
from remotesvc.testing.server import SshServer, start_server
from remotesvc.testing.silent import SilentServer
from tests.controller.ssh.hosts import (
    config_for,
    connect,
    descendants,
    needs_kind,
    start_bare,
    stopped,
)
from tests.integration.hosts import plain_login, write_program
from tests.integration.waiting import TIMEOUTS
from tests.testing.client import wait_for_end

# A wait for an event that is sure to come.
DEADLINE = 30.0

LARGE = 16 * 1024 * 1024

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshServer]:
    """The best server that there is here."""
    options = ServerOptions(environment=plain_login(tmp_path_factory.mktemp("home_there")))
    with start_server(options=options) as started:
        yield started


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshServer]:
    """Another host, which is well."""
    options = ServerOptions(environment=plain_login(tmp_path_factory.mktemp("home_there")))
    with start_server(options=options) as started:
        yield started


@pytest.fixture
def router(no_leaks: None, empty_home: Path) -> Iterator[Router]:
    """A router whose end leaves nothing behind."""
    with Router() as opened:
        yield opened


def failure(connecting: Callable[[], object], phase: str) -> ConnectError:
    """Return the error of a connection that fails; it has one line and names its phase."""
    with pytest.raises(ConnectError) as caught:
        connecting()
    assert caught.value.phase == phase
    assert caught.value.elapsed is not None
    assert "\n" not in str(caught.value)
    return caught.value


@contextmanager
def host_that(talk: Callable[[socket.socket], None]) -> Iterator[int]:
    """Run a server that treats its clients so, one after the other, and give its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    client = listener.accept()[0]
                    with client, suppress(OSError):  # it may be gone already
                        talk(client)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


# -- nobody there --------------------------------------------------------------------------------


def test_a_name_that_does_not_exist(router: Router) -> None:
    error = failure(lambda: router.ssh("no-such-host.invalid", config_file="none"), "resolve")

    assert isinstance(error, ResolveError)
    assert "the name 'no-such-host.invalid' cannot be resolved: " in str(error)


def test_a_name_that_is_no_name(router: Router) -> None:
    name = "a" * 70 + ".invalid"

    error = failure(lambda: router.ssh(name, config_file="none"), "resolve")

    assert isinstance(error, ResolveError)


def test_a_lookup_that_hangs_ends_at_the_deadline(
    router: Router, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = threading.Event()

    def hang(*arguments: object) -> list[object]:
        release.wait()
        raise OSError("too late")

    monkeypatch.setattr(socket, "getaddrinfo", hang)

    error = failure(lambda: router.ssh("web1", config_file="none", connect_timeout=0.2), "resolve")
    release.set()

    assert isinstance(error, ConnectTimeout)
    assert "looking up web1" in str(error)


def test_lookups_that_hang_are_bounded_in_number(
    router: Router, monkeypatch: pytest.MonkeyPatch
) -> None:
    none_left = threading.BoundedSemaphore(1)
    none_left.acquire()
    monkeypatch.setattr(tcp, "_lookups", none_left)

    error = failure(lambda: router.ssh("web1", config_file="none", connect_timeout=0.2), "resolve")

    assert "other name lookups hang" in str(error)


def test_a_second_address_is_tried_when_the_first_refuses(
    router: Router, server: SshServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        closed: int = listener.getsockname()[1]
    kind = (socket.AF_INET, socket.SOCK_STREAM, 6, "")
    entries = [(*kind, ("127.0.0.1", port)) for port in (closed, server.port)]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *arguments: entries)

    assert connect(router, server).call(os.getpid) in descendants(server.pid)


def test_a_port_where_nobody_listens(router: Router) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    error = failure(lambda: router.ssh(f"127.0.0.1:{port}", config_file="none"), "tcp")

    assert f"cannot connect to 127.0.0.1 port {port}: Connection refused" in str(error)
    assert "Is sshd running there" in str(error)


def test_a_port_that_says_nothing(router: Router) -> None:
    with SilentServer() as silent:
        error = failure(
            lambda: router.ssh(
                f"127.0.0.1:{silent.port}", config_file="none", connect_timeout=0.5
            ),
            "tcp",
        )

    assert isinstance(error, ConnectTimeout)
    assert isinstance(error, TimeoutError)
    assert f"127.0.0.1 port {silent.port} said nothing" in str(error)


@pytest.mark.parametrize(
    ("greeting", "words"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "it said 'HTTP/1.1 400 Bad Request'"),
        (b"\x1b[2Jhello\r\n", r"it said '\\x1b[2Jhello'"),
        (b"Exceeded MaxStartups\r\n", "it said 'Exceeded MaxStartups'"),
        (b"", "closed the connection at once"),
        (b"SSH-1.5-old\r\n", "Incompatible version (1.5 instead of 2.0)"),
    ],
)
def test_a_port_that_speaks_something_else(router: Router, greeting: bytes, words: str) -> None:
    def talk(client: socket.socket) -> None:
        client.recv(64)
        client.sendall(greeting)

    phase = "host key" if greeting.startswith(b"SSH") else "tcp"
    told = ""
    with host_that(talk) as port:
        for timeout in TIMEOUTS:
            with pytest.raises(ConnectError) as caught:
                router.ssh(f"127.0.0.1:{port}", config_file="none", connect_timeout=timeout)
            told = str(caught.value)
            if words in told:
                break  # else the deadline came in the middle of a try, which is no verdict

    assert words in told and "\n" not in told
    assert caught.value.phase == phase


def test_a_server_that_goes_after_its_greeting(router: Router) -> None:
    def talk(client: socket.socket) -> None:
        client.sendall(b"SSH-2.0-Short_1.0\r\n")
        client.recv(64)

    with host_that(talk) as port:
        error = failure(lambda: router.ssh(f"127.0.0.1:{port}", config_file="none"), "host key")

    assert "no SSH session could be agreed" in str(error)
    assert "(SSH-2.0-Short_1.0)" in str(error)


def test_a_server_that_stops_after_its_greeting(router: Router) -> None:
    is_over = threading.Event()

    def talk(client: socket.socket) -> None:
        client.sendall(b"SSH-2.0-Slow_1.0\r\n")
        is_over.wait()

    with host_that(talk) as port:
        error = failure(
            lambda: router.ssh(f"127.0.0.1:{port}", config_file="none", connect_timeout=0.5),
            "host key",
        )
        is_over.set()

    assert isinstance(error, ConnectTimeout)
    assert "said 'SSH-2.0-Slow_1.0' and no more" in str(error)


@pytest.mark.parametrize("kind", [2, 4, 20, 31, 52, 99])
def test_a_server_that_sends_nonsense_after_its_greeting(router: Router, kind: int) -> None:
    nonsense = bytes([kind]) + bytes(16) + bytes([0, 0, 0, 64]) + bytes(range(128, 192))
    padding = 16 - (len(nonsense) + 5) % 8
    packet = struct.pack(">IB", len(nonsense) + 1 + padding, padding) + nonsense + bytes(padding)

    def talk(client: socket.socket) -> None:
        client.sendall(b"SSH-2.0-OpenSSH_9.9\r\n")
        client.recv(64)
        client.sendall(packet)

    with host_that(talk) as port:
        error = failure(lambda: router.ssh(f"127.0.0.1:{port}", config_file="none"), "host key")

    assert "no SSH session could be agreed" in str(error)
    assert len(str(error)) < 200
    if kind == 20:
        assert str(error).endswith("what the server sent makes no sense (UnicodeDecodeError)")


@pytest.mark.parametrize(
    ("line", "agreed"),
    [("", "aes128-gcm@openssh.com"), ("Ciphers aes256-ctr,aes128-gcm@openssh.com", "aes256-ctr")],
)
def test_cipher_is_the_quickest_one_unless_ssh_config_names_others(
    router: Router, server: SshServer, tmp_path: Path, line: str, agreed: str
) -> None:
    config = config_for(server, tmp_path / "config", f"IdentityFile {server.identity_file}", line)
    child: Any = connect(router, server, config_file=config)
    assert child.call(os.getpid) != os.getpid()
    assert child._connection.stream.channel.get_transport().local_cipher == agreed


def test_a_server_that_knows_none_of_the_wanted_ciphers(
    router: Router, server: SshServer, tmp_path: Path
) -> None:
    lines = (f"IdentityFile {server.identity_file}", "Ciphers 3des-cbc")
    config = config_for(server, tmp_path / "config", *lines)

    error = failure(lambda: connect(router, server, config_file=config), "host key")

    assert "no SSH session could be agreed" in str(error)


def test_a_wish_for_ciphers_that_do_not_exist(
    router: Router, server: SshServer, tmp_path: Path
) -> None:
    config = config_for(server, tmp_path / "config", "Ciphers rot13")

    error = failure(lambda: connect(router, server, config_file=config), "tcp")

    assert "of the ciphers in ssh_config (rot13) none can be used" in str(error)


@pytest.mark.parametrize("bytes_before", [1, 600, 1400])
def test_a_connection_that_is_reset_during_the_login(
    router: Router, server: SshServer, bytes_before: int
) -> None:
    def talk(client: socket.socket) -> None:
        left = bytes_before
        with socket.create_connection((server.host, server.port)) as far:
            pump = threading.Thread(target=_pump, args=(client, far))
            pump.start()
            while left > 0 and (data := far.recv(left)):
                client.sendall(data)
                left -= len(data)
            client.shutdown(socket.SHUT_RDWR)
        pump.join()

    # What is reset before the greeting is tried again until the deadline.
    with host_that(talk) as port, pytest.raises(ConnectError) as caught:
        connect(router, server, config_file=server.config_for_port(port), connect_timeout=2)

    assert caught.value.phase in ("tcp", "host key", "auth", "interpreter")
    assert "\n" not in str(caught.value)


def test_a_connection_that_ends_as_its_host_key_was_shown(
    router: Router, server: SshServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def begin_and_lose(*args: Any) -> Any:
        transport = hop.begin(*args)
        transport.close()
        return transport

    monkeypatch.setattr("remotesvc.controller.ssh.transport.begin", begin_and_lose)
    error = failure(lambda: connect(router, server), "auth")
    assert "ended the connection during the login: " in str(error)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            sink.sendall(data)
    except OSError:
        return  # one of them has gone, as is the point


# -- let in, and no further ----------------------------------------------------------------------


@pytest.mark.sshd
def test_a_key_that_is_bound_to_a_command(router: Router) -> None:
    needs_kind("sshd")
    options = ServerOptions(authorized_keys_options='command="echo welcome to the menu"')
    with start_bare("sshd", options) as menu:
        error = failure(lambda: connect(router, menu).call(os.getpid), "bootstrap")

    assert isinstance(error, BootstrapError)
    assert error.exit_status == 0
    assert "(exit status 0). It said: welcome to the menu" in str(error)


@pytest.mark.sshd
def test_a_forced_command_that_waits_ends_at_the_deadline(router: Router) -> None:
    needs_kind("sshd")
    options = ServerOptions(extra_config=("ForceCommand echo choose: && sleep 1000",))
    with start_bare("sshd", options) as menu:
        for timeout in TIMEOUTS:
            with pytest.raises(ConnectTimeout) as caught:
                connect(router, menu, connect_timeout=timeout).call(os.getpid)
            error = caught.value
            if "choose:" in str(error):
                break  # the login was over in time

    assert error.phase == "bootstrap"
    assert "the host printed: choose:" in str(error)


@pytest.mark.parametrize("program", ["/bin/false", "/usr/sbin/nologin"])
def test_an_account_without_a_shell(router: Router, program: str) -> None:
    if not os.path.exists(program):
        pytest.skip(f"no {program} on this machine")
    with start_bare(options=ServerOptions(shell=program)) as closed:
        error = failure(lambda: connect(router, closed).call(os.getpid), "bootstrap")

    assert error.exit_status == 1
    assert "the remote command ended before the child was ready (exit status 1)" in str(error)
    assert program == "/bin/false" or "not available" in str(error)


def test_a_server_that_refuses_to_run_the_command(router: Router, tmp_path: Path) -> None:
    options = ServerOptions(shell=str(tmp_path / "no-shell"))
    with start_bare("embedded", options) as closed:
        error = failure(lambda: connect(router, closed).call(os.getpid), "bootstrap")

    assert "(the server refused to run the command)" in str(error)


def test_a_login_that_ends_with_a_word(router: Router, tmp_path: Path) -> None:
    text = "#!/bin/sh\necho down for maintenance >&2\nexit 3\n"
    shell = write_program(tmp_path / "shell", text)
    with start_bare(options=ServerOptions(shell=shell)) as closed:
        error = failure(lambda: connect(router, closed).call(os.getpid), "bootstrap")

    assert error.exit_status == 3
    assert error.stderr == "down for maintenance\n"
    assert "down for maintenance" in str(error)


def test_an_environment_that_cannot_be_sent_leaves_nothing(
    router: Router, server: SshServer
) -> None:
    with pytest.raises(TypeError):
        connect(router, server, env={"A": object()})

    assert connect(router, server).call(os.getpid)


# -- lost ----------------------------------------------------------------------------------------


def test_every_waiter_hears_why_a_connection_was_lost(router: Router, server: SshServer) -> None:
    with DelayProxy(server.port) as proxy:
        config = server.config_for_port(proxy.port)
        context = connect(router, server, config_file=config)
        context.call(os.getpid)
        lost = threading.Event()
        context.on_disconnect(lambda context, error: lost.set())
        waiting = [context.submit(time.sleep, 1000) for _ in range(3)]

        proxy.cut()

        for future in waiting:
            with pytest.raises(DisconnectedError) as caught:
                future.result(DEADLINE)
            assert "demo is gone: the SSH connection was lost" in str(caught.value)
            assert caught.value.reason.startswith("the SSH connection was lost")
        with pytest.raises(DisconnectedError, match="the SSH connection was lost"):
            context.call(os.getpid)
        assert lost.wait(DEADLINE)
        assert not context.connected


def test_a_server_that_is_killed_is_noticed(router: Router) -> None:
    with start_bare() as doomed:
        context = connect(router, doomed)
        pid = context.call(os.getpid)
        waiting = context.submit(time.sleep, 1000)

        doomed.close()

        with pytest.raises(DisconnectedError, match="demo is gone"):
            waiting.result(DEADLINE)
        wait_for_end(pid)


def test_a_child_that_is_killed_is_noticed(router: Router, server: SshServer) -> None:
    context = connect(router, server)
    pid = context.call(os.getpid)
    waiting = context.submit(time.sleep, 1000)

    os.kill(pid, 9)

    with pytest.raises(DisconnectedError, match="demo is gone: the remote command was killed"):
        waiting.result(DEADLINE)


def test_silence_is_noticed_while_other_hosts_are_served(
    no_leaks: None, empty_home: Path, server: SshServer, other: SshServer
) -> None:
    calls = 0
    with (
        Router(heartbeat=0.2, heartbeat_misses=6) as router,
        DelayProxy(server.port) as proxy,
    ):
        config = server.config_for_port(proxy.port)
        silent = connect(router, server, config_file=config)
        well = connect(router, other)
        silent.call(os.getpid)
        well.call(os.getpid)
        proxy.stall()
        waiting = silent.submit(os.getpid)

        while not waiting.done():
            well.call(os.getpid)
            calls += 1

        with pytest.raises(DisconnectedError, match=r"no sign of life for 1\.2"):
            waiting.result()
        assert well.call(os.getpid)
        proxy.resume()
    assert calls > 3


@contextmanager
def sending(context: Context) -> Iterator["Future[Any]"]:
    """Send more than all the buffers on the way hold, on a thread, for its sender blocks."""
    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(context.call, len, bytes(LARGE))


def test_a_host_that_hangs_does_not_hold_up_another(
    router: Router, server: SshServer, other: SshServer
) -> None:
    stuck, well = connect(router, server), connect(router, other)
    stuck.call(os.getpid)
    with ExitStack() as stack:
        with stopped(server):
            large = stack.enter_context(sending(stuck))
            waiting = stuck.submit(os.getpid)

            pids = {well.call(os.getpid) for _ in range(20)}
            assert connect(router, other).call(os.getpid) not in pids
            assert not large.done() and not waiting.done()

        assert large.result(DEADLINE) == LARGE
        assert waiting.result(DEADLINE) in descendants(server.pid)
    assert len(pids) == 1


def test_a_host_that_hangs_can_be_left(
    no_leaks: None, empty_home: Path, server: SshServer
) -> None:
    with Router() as router:
        stuck = connect(router, server)
        stuck.call(os.getpid)
        with stopped(server), sending(stuck) as large:
            router.close()

            with pytest.raises(DisconnectedError, match="the router was closed"):
                large.result(DEADLINE)


def test_closing_on_the_io_thread_waits_for_nothing(router: Router, server: SshServer) -> None:
    context = connect(router, server)
    context.call(os.getpid)
    is_free = threading.Event()
    with stopped(server), sending(context) as large:
        router.loop.call_soon(context.kill)
        router.loop.call_soon(is_free.set)

        # The thread that serves everybody goes on although nothing can be written.
        assert is_free.wait(DEADLINE)
        with pytest.raises(DisconnectedError, match="was killed from here"):
            large.result(DEADLINE)
    assert not context.connected


def test_a_program_that_ends_without_closing_leaves_nothing(
    server: SshServer, empty_home: Path
) -> None:
    program = (
        "import os, remotesvc\n"
        f"context = remotesvc.Router().ssh('demo', config_file={str(server.config_file)!r})\n"
        "print(context.call(os.getpid))\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    wait_for_end(int(done.stdout))


def test_closing_the_router_ends_a_login_under_way(no_leaks: None, empty_home: Path) -> None:
    failures: list[BaseException] = []
    router = Router()

    def log_in(port: int) -> None:
        try:
            router.ssh(f"127.0.0.1:{port}", config_file="none", connect_timeout=60)
        except ConnectError as error:
            failures.append(error)

    with SilentServer() as server:
        thread = threading.Thread(target=log_in, args=(server.port,))
        thread.start()
        limit = time.monotonic() + DEADLINE
        while not has_transport(router) and time.monotonic() < limit:
            time.sleep(0.01)  # nothing tells: the server never accepts
        router.close()
        thread.join(30)
    assert not thread.is_alive()
    assert [type(error) for error in failures] == [ConnectError]
    assert "the router was closed while it connected" in str(failures[0])


def has_transport(router: Router) -> bool:
    """Tell whether a connect has come as far as waiting for the server."""
    cuts = [getattr(cut, "__self__", None) for one in router._roster.attempts for cut in one._cuts]
    return any(isinstance(chain, Chain) and chain.transports for chain in cuts)
