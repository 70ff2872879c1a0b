"""What only the embedded server offers, and how it ends its commands."""

import os
import sys
from collections.abc import Iterator

import paramiko
import pytest

from remotesvc.testing.options import ServerOptions
from remotesvc.testing.server import SshServer, start_server
from tests.controller.ssh.hosts import start_bare
from tests.testing.client import connected, run, wait_for_end


@pytest.fixture(scope="module")
def server() -> Iterator[SshServer]:
    options = ServerOptions(
        password="right",
        interactive=(("Name of the dog: ", "Rex"), ("One-time code: ", "123456")),
    )
    with start_bare("embedded", options) as started:
        yield started


def test_the_password_logs_in(server: SshServer) -> None:
    with connected(server, key_filename=None, password="right") as client:
        assert run(client, "echo in").output == b"in\n"


def test_a_wrong_password_does_not(server: SshServer) -> None:
    with (
        pytest.raises(paramiko.AuthenticationException),
        connected(server, key_filename=None, password="wrong"),
    ):
        pass


def test_all_prompts_answered_log_in(server: SshServer) -> None:
    asked: list[str] = []

    def answer(title: str, text: str, prompts: list[tuple[str, bool]]) -> list[str]:
        asked.extend(prompt for prompt, _ in prompts)
        return ["Rex", "123456"]

    with paramiko.Transport((server.host, server.port)) as transport:
        transport.start_client()
        assert transport.auth_interactive(server.user, answer) == []
        assert transport.is_authenticated()
    assert asked == ["Name of the dog: ", "One-time code: "]


@pytest.mark.parametrize("answers", [["Rex", "0"], ["Rex"], []])
def test_wrong_or_missing_answers_do_not_log_in(server: SshServer, answers: list[str]) -> None:
    with paramiko.Transport((server.host, server.port)) as transport:
        transport.start_client()
        with pytest.raises(paramiko.AuthenticationException):
            transport.auth_interactive(server.user, lambda title, text, prompts: answers)


def test_only_configured_methods_are_offered() -> None:
    with (
        start_bare("embedded") as server,
        paramiko.Transport((server.host, server.port)) as transport,
    ):
        transport.start_client()
        with pytest.raises(paramiko.BadAuthenticationType) as caught:
            transport.auth_none(server.user)

    assert caught.value.allowed_types == ["publickey"]


def test_a_session_waits_for_its_command_while_others_are_opened(server: SshServer) -> None:
    with connected(server) as client:
        transport = client.get_transport()
        assert transport is not None
        early = [transport.open_session() for _ in range(5)]
        assert run(client, "echo late").output == b"late\n"

        for channel in early:
            channel.exec_command("exit 7")

        assert [channel.recv_exit_status() for channel in early] == [7] * 5


def test_a_killed_command_has_the_status_of_a_shell(server: SshServer) -> None:
    with connected(server) as client:
        assert run(client, "kill -KILL $$").status == 128 + 9


def test_a_shell_reads_its_commands_from_the_client(server: SshServer) -> None:
    with connected(server) as client:
        channel = _shell(client)
        channel.sendall(b"echo typed; exit 3\n")
        output = channel.makefile("rb").read()

        assert (output, channel.recv_exit_status()) == (b"typed\n", 3)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can start what others own")
def test_root_runs_the_commands_of_other_accounts_as_those() -> None:
    options = ServerOptions(users=("nobody",), shell="/bin/sh")

    with start_server("embedded", options) as server, connected(server) as client:
        assert run(client, "id -un; echo $LOGNAME").output == b"nobody\nnobody\n"


def test_terminals_are_refused(server: SshServer) -> None:
    with connected(server) as client, pytest.raises(paramiko.SSHException):
        client.exec_command("true", get_pty=True)


@pytest.mark.skipif(sys.platform != "linux", reason="waits with pidfd")
def test_a_command_and_its_group_end_with_their_channel(server: SshServer) -> None:
    with connected(server) as client:
        stdout = client.exec_command("trap '' HUP TERM; sleep 1000 & echo $$ $!; wait")[1]
        pids = [int(word) for word in stdout.readline().split()]
        stdout.channel.close()

        for pid in pids:
            wait_for_end(pid)
        assert run(client, "echo the connection lives").status == 0


@pytest.mark.skipif(sys.platform != "linux", reason="waits with pidfd")
def test_a_command_that_neither_reads_nor_writes_ends_with_its_connection(
    server: SshServer,
) -> None:
    with connected(server) as client:
        stdin, stdout, _ = client.exec_command("echo $$; exec sleep 1000")
        pid = int(stdout.readline())
        stdin.write(b"x" * 200_000)

    wait_for_end(pid)


def test_a_slow_reader_stops_a_fast_command(server: SshServer) -> None:
    with connected(server) as client:
        stdout = client.exec_command("head -c 8000000 /dev/zero; echo done >&2")[1]
        status_was_ready = stdout.channel.exit_status_ready()
        read = len(stdout.read())

        assert not status_was_ready
        assert (read, stdout.channel.recv_exit_status()) == (8_000_000, 0)


def _shell(client: paramiko.SSHClient) -> paramiko.Channel:
    transport = client.get_transport()
    assert transport is not None
    channel = transport.open_session()
    channel.invoke_shell()
    return channel
