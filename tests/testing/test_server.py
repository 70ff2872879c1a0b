"""What both kinds of server have in common: logging in and running commands."""

import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import paramiko
import pytest

from remotesvc.testing import server as server_module
from remotesvc.testing.options import Kind, ServerOptions
from remotesvc.testing.proxy import DelayProxy
from remotesvc.testing.server import SshServer, available_kinds, start_server
from tests.controller.ssh.hosts import start_bare
from tests.testing.client import connected, run


@pytest.fixture(scope="module")
def server(kind: Kind) -> Iterator[SshServer]:
    """One of each kind for all tests of its sessions."""
    with start_bare(kind) as started:
        yield started


def test_a_command_gets_its_input_and_returns_output_errors_status(server: SshServer) -> None:
    with connected(server) as client:
        done = run(client, "cat; echo oops >&2; exit 7", b"some input")

    assert (done.status, done.output, done.errors) == (7, b"some input", b"oops\n")


def test_large_input_and_output_arrive_whole(server: SshServer) -> None:
    data = bytes(range(256)) * 12_000

    with connected(server) as client:
        assert run(client, "cat", data).output == data


def test_many_commands_share_one_connection(server: SshServer) -> None:
    with connected(server) as client:
        outputs = [run(client, f"echo {number}").output for number in range(5)]

    assert outputs == [b"0\n", b"1\n", b"2\n", b"3\n", b"4\n"]


def test_the_log_says_who_logged_in(server: SshServer) -> None:
    before = server.log_text()

    with connected(server) as client:
        run(client, "true")

    said = server.log_text().removeprefix(before)
    assert "ccepted publickey for " + server.user in said


def test_openssh_logs_in_with_the_written_configuration(server: SshServer) -> None:
    ssh = shutil.which("ssh")
    if ssh is None:
        pytest.skip("no ssh on this machine")

    done = subprocess.run(
        [ssh, "-F", str(server.config_file), "demo", "echo $SSH_CONNECTION"],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=True,
    )

    assert done.stdout.split()[2:] == ["127.0.0.1", str(server.port)]
    assert done.stderr == ""


def test_the_folder_is_for_its_owner_only(server: SshServer) -> None:
    modes = {path.name: path.stat().st_mode & 0o777 for path in server.folder.iterdir()}

    assert server.folder.stat().st_mode & 0o777 == 0o700
    assert modes["id_user"] == modes["host_ed25519"] == 0o600


def test_a_jump_host_connects_onward(server: SshServer, kind: Kind) -> None:
    with start_bare(kind) as target, connected(server) as jump:
        transport = jump.get_transport()
        assert transport is not None
        onward = transport.open_channel(
            "direct-tcpip", (target.host, target.port), (server.host, 0)
        )
        with connected(target, sock=onward) as client:
            assert run(client, "cat", b"x" * 300_000).output == b"x" * 300_000


def test_a_jump_host_says_when_nothing_listens_there(server: SshServer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        free = listener.getsockname()

    with connected(server) as client:
        transport = client.get_transport()
        assert transport is not None
        with pytest.raises(paramiko.ChannelException, match=r"[Cc]onnect"):
            transport.open_channel("direct-tcpip", free, ("127.0.0.1", 0))


def test_the_server_is_known_behind_a_proxy_too(server: SshServer) -> None:
    with DelayProxy(server.port) as proxy:
        config = paramiko.SSHConfig.from_path(str(server.config_for_port(proxy.port)))
        found = config.lookup("demo")
        with connected(server, port=int(found["port"])) as client:
            assert run(client, "echo there").output == b"there\n"

        assert found["port"] == str(proxy.port)
        assert proxy.counts().connections == 1


def test_variables_reach_the_sessions(kind: Kind, tmp_path: Path) -> None:
    # A home without a .bashrc: bash reads it under sshd, and may change PATH.
    options = ServerOptions(
        environment=(("A", 'b "c" \\'), ("PATH", "/usr/bin:/bin"), ("HOME", str(tmp_path)))
    )

    with start_server(kind, options) as server, connected(server) as client:
        done = run(client, 'printf "%s|" "$A" "$PATH" "$HOME"')

    assert done.output.decode() == f'b "c" \\|/usr/bin:/bin|{tmp_path}|'


def test_the_chosen_shell_runs_the_commands(kind: Kind, tmp_path: Path) -> None:
    shell = tmp_path / "shell"
    shell.write_text('#!/bin/sh\nprintf "%s|" "$@"\n')
    shell.chmod(0o755)

    options = ServerOptions(shell=str(shell))
    with start_bare(kind, options) as server, connected(server) as client:
        done = run(client, "echo  \"two  words\" 'and' $HOME")

    assert done.output == b"-c|echo  \"two  words\" 'and' $HOME|"


def test_a_key_that_is_not_accepted_does_not_log_in(kind: Kind) -> None:
    options = ServerOptions(accept_user_keys=False)

    with (
        start_bare(kind, options) as server,
        pytest.raises(paramiko.SSHException),
        connected(server),
    ):
        pass


def test_an_account_that_is_not_named_does_not_log_in(kind: Kind) -> None:
    with (
        start_bare(kind) as server,
        pytest.raises(paramiko.AuthenticationException),
        connected(server, username="nobody"),
    ):
        pass


def test_a_server_that_is_not_known_is_not_in_known_hosts(kind: Kind) -> None:
    with (
        start_bare(kind, ServerOptions(known=False)) as server,
        pytest.raises(paramiko.SSHException, match="not found in known_hosts"),
        connected(server),
    ):
        pass


def test_keys_of_other_types_and_with_a_passphrase_work(kind: Kind) -> None:
    options = ServerOptions(
        host_key_types=("rsa", "ecdsa"), user_key_type="ecdsa", passphrase="open sesame"
    )

    with start_bare(kind, options) as server, connected(server, passphrase="open sesame") as it:
        assert run(it, "echo in").output == b"in\n"
        assert [key.split()[0] for key in server.info.host_keys] == [
            "ssh-rsa",
            "ecdsa-sha2-nistp256",
        ]


def test_aliases_and_further_lines_are_in_the_host_block(kind: Kind) -> None:
    options = ServerOptions(aliases=("web1", "web2"), client_config=("ProxyJump bastion",))

    with start_bare(kind, options) as server:
        config = paramiko.SSHConfig.from_path(str(server.config_file))

        assert config.lookup("web2")["proxyjump"] == "bastion"
        assert server.config_file.read_text() == server.info.host_block()


def test_a_port_that_another_program_took_is_given_up(
    kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    choose = server_module._free_port
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        ports = iter([taken])
        monkeypatch.setattr(server_module, "_free_port", lambda: next(ports, 0) or choose())

        with start_bare(kind) as server, connected(server) as client:
            assert run(client, "echo up").output == b"up\n"
            assert server.port != taken


def test_options_decide_the_kind_when_none_is_named() -> None:
    with start_server(options=ServerOptions(password="secret")) as server:
        assert server.kind == "embedded"


def test_the_preferred_kind_is_started_by_default() -> None:
    with start_server() as server:
        assert server.kind == available_kinds()[0]


def test_a_kind_that_cannot_do_it_is_refused() -> None:
    with pytest.raises(ValueError, match="need kind='embedded', not 'sshd'"):
        start_server("sshd", ServerOptions(password="secret"))
    with pytest.raises(ValueError, match="need kind='sshd', not 'embedded'"):
        start_server("embedded", ServerOptions(extra_config=("MaxStartups 1",)))
