"""Requests to log in: the service is asked for once, keys sign or another is offered."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import paramiko
import pytest

from remotesvc import AuthenticationError, ConnectTimeout, Router
from remotesvc.controller.ssh import login_request
from remotesvc.controller.ssh.chain import Transport
from remotesvc.controller.ssh.login_request import LoginRequest
from remotesvc.testing.keys import make_key
from remotesvc.testing.proxy import DelayProxy
from remotesvc.testing.server import SshServer
from tests.controller.ssh.hosts import agent, config_for, connect, needs_kind, start_bare

# Far above what both ends need to answer, so that the count of round trips is exact.
DELAY = 0.05

pytestmark = pytest.mark.sshd


@pytest.fixture(scope="module")
def server() -> Iterator[SshServer]:
    """A real sshd, which takes the key in its folder."""
    needs_kind("sshd")
    with start_bare("sshd") as started:
        yield started


@pytest.fixture(scope="module")
def rsa(server: SshServer) -> str:
    """An RSA key that it takes, too."""
    path = server.folder / "rsa"
    key = paramiko.RSAKey.generate(2048)
    key.write_private_key_file(str(path))
    with (server.folder / "authorized_keys").open("a") as file:
        file.write(f"\n{key.get_name()} {key.get_base64()}\n")
    return str(path)


@pytest.fixture
def router(no_leaks: None, empty_home: Path) -> Iterator[Router]:
    """A router whose end leaves nothing behind."""
    with Router() as opened:
        yield opened


def write_keys(folder: Path, count: int) -> list[str]:
    """Write so many keys that nobody knows; return their files."""
    files = []
    for number in range(count):
        path = folder / f"stranger{number}"
        path.write_bytes(make_key().private)
        path.chmod(0o600)
        files.append(str(path))
    return files


def trips_of(router: Router, server: SshServer, *identity_files: str) -> int:
    """Return the round trips of a login, and a first call, with some keys."""
    with DelayProxy(server.port, DELAY) as proxy:
        config = server.config_for_port(proxy.port)
        context = connect(router, server, config_file=config, identity_file=list(identity_files))
        assert context.call(os.getpid)
        trips = proxy.counts().round_trips
        context.shutdown()
        return trips


def test_each_further_key_costs_one_round_trip(
    router: Router, server: SshServer, tmp_path: Path
) -> None:
    own = str(server.identity_file)
    connect(router, server, share=False).call(os.getpid)  # what is made once
    one = trips_of(router, server, own)
    assert trips_of(router, server, *write_keys(tmp_path, 3), own) == one + 3


@pytest.mark.parametrize("is_told", [True, False])
def test_rsa_key_waits_for_the_names_of_the_methods_if_they_may_be_under_way(
    router: Router, server: SshServer, rsa: str, monkeypatch: pytest.MonkeyPatch, is_told: bool
) -> None:
    if not is_told:
        monkeypatch.setattr(Transport, "_parse_ext_info", lambda self, message: None)
    waits: list[LoginRequest] = []
    wait = LoginRequest._wait_for_service

    def note(request: LoginRequest) -> None:
        waits.append(request)
        wait(request)
        assert request._is_accepted.is_set()

    monkeypatch.setattr(LoginRequest, "_wait_for_service", note)
    for _ in range(3):
        context = connect(router, server, identity_file=rsa, share=False)
        assert context.call(os.getpid)
        context.shutdown()
    if not is_told:
        assert len(waits) == 3
    waits.clear()
    connect(router, server, identity_file=str(server.identity_file)).shutdown()
    assert waits == []


def test_without_paramikos_names_it_is_done_in_its_way(
    router: Router, server: SshServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, others = str(server.identity_file), write_keys(tmp_path, 1)
    connect(router, server, share=False).call(os.getpid)
    ours = trips_of(router, server, *others, own)
    monkeypatch.setattr(login_request, "NAMES", ("_of_another_paramiko",))
    # The service, before each of the two requests.
    assert trips_of(router, server, *others, own) == ours + 2


# -- agents that do not sign ---------------------------------------------------------------------


def let_agents_ask(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Have agents that are started from now on ask a program of sh before they sign."""
    program = folder / "asked.sh"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o700)
    monkeypatch.setenv("SSH_ASKPASS", str(program))
    monkeypatch.setenv("SSH_ASKPASS_REQUIRE", "force")
    monkeypatch.setenv("DISPLAY", ":nowhere")


def add_confirmed(socket_path: Path, key_file: str) -> None:
    """Give an agent a key that it asks before it uses."""
    environment = {**os.environ, "SSH_AUTH_SOCK": str(socket_path)}
    subprocess.run(["ssh-add", "-q", "-c", key_file], env=environment, check=True)


def test_key_that_its_agent_does_not_sign_with_is_passed_over(
    router: Router, server: SshServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (stranger,) = write_keys(tmp_path, 1)
    let_agents_ask(tmp_path, monkeypatch, "exit 1")
    with agent(tmp_path / "agent") as socket_path:
        add_confirmed(socket_path, stranger)
        lines = (f"IdentityAgent {socket_path}", f"IdentityFile {server.identity_file}")
        config = config_for(server, tmp_path / "config", *lines)
        context = connect(router, server, config_file=config)
        assert context.call(os.getpid)
        context.shutdown()

        alone = config_for(
            server, tmp_path / "alone", f"IdentityAgent {socket_path}", "IdentityFile none"
        )
        with pytest.raises(AuthenticationError) as caught:
            connect(router, server, config_file=alone)
    text = str(caught.value)
    assert "Not usable: agent key ssh-ed25519" in text
    assert "does not sign: key cannot be used for signing." in text
    assert "Tried: nothing." in text


def test_agent_that_asks_somebody_who_does_not_answer_ends_at_the_deadline(
    router: Router, server: SshServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = tmp_path / "waiting"
    os.mkfifo(waiting)
    let_agents_ask(tmp_path, monkeypatch, f"echo $$ > {tmp_path}/pid; exec cat {waiting}")
    with agent(tmp_path / "agent") as socket_path:
        add_confirmed(socket_path, str(server.identity_file))
        config = config_for(server, tmp_path / "config", f"IdentityAgent {socket_path}")
        try:
            with pytest.raises(ConnectTimeout) as caught:
                connect(router, server, config_file=config, connect_timeout=2)
        finally:
            os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)
    assert caught.value.phase == "auth"
    assert "no answer within 2 s (phase: auth; agent key ssh-ed25519" in str(caught.value)
    assert "did not sign)" in str(caught.value)
