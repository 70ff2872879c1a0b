"""Hosts through the system's ssh: keys, passwords, passphrases, one-time codes, host keys."""

import os
import re
import shutil
import socket
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from remotesvc import (
    AuthenticationError,
    ConnectError,
    Context,
    DisconnectedError,
    HostKeyError,
    ResolveError,
    Router,
)
from remotesvc.connect import openssh
from remotesvc.connect.retry import AWAY, PAUSES
from remotesvc.testing.options import ServerOptions
from remotesvc.testing.server import SshServer
from remotesvc.testing.silent import SilentServer
from tests.connect.become import arguments_and_environments, contents, everything_said
from tests.controller.ssh.hosts import (
    HastyPort,
    descendants,
    hasty_port,
    needs_kind,
    start_bare,
)
from tests.integration.waiting import TIMEOUTS

pytestmark = pytest.mark.skipif(
    shutil.which("ssh") is None, reason="no ssh on this machine (apt install openssh-client)"
)

PASSWORD = " hunter2 \\é$'\""


def connect(router: Router, server: SshServer, **opts: Any) -> Context:
    given = {"config_file": server.config_file, "python_path": sys.executable, **opts}
    return router.ssh("demo", transport="openssh", **given)


def with_password() -> AbstractContextManager[SshServer]:
    return start_bare("embedded", ServerOptions(accept_user_keys=False, password=PASSWORD))


@pytest.mark.sshd
def test_key_lets_us_in_and_calls_go_both_ways(router: Router) -> None:
    with start_bare(needs_kind("sshd")) as server:
        child = connect(router, server)
        assert child.name == "demo"
        assert child.call(os.getpid) == child.info.pid != os.getpid()
        assert child.call(bytes, bytes(1 << 20)) == bytes(1 << 20)
        router.close()


def test_settings_of_ssh_config_that_would_stand_in_the_way_do_not(router: Router) -> None:
    lines = ("RemoteCommand /bin/false", "RequestTTY force", "LocalForward 1 localhost:1")
    with start_bare("embedded", ServerOptions(client_config=lines)) as server:
        assert connect(router, server).call(os.getpid)
        router.close()


@pytest.mark.sshd
def test_connections_share_a_master_of_ssh_config(router: Router) -> None:
    with (
        tempfile.TemporaryDirectory(prefix="m") as folder,  # the path of a socket is short
        start_bare(
            needs_kind("sshd"),
            ServerOptions(client_config=("ControlMaster auto", f"ControlPath {folder}/%p")),
        ) as server,
    ):
        first = connect(router, server)
        first.call(os.getpid)
        assert connect(router, server).call(os.getpid) != first.info.pid
        assert server.log_text().count("Accepted publickey") == 1
        router.close()


def test_password_lets_us_in(router: Router, desk: str) -> None:
    with with_password() as server:
        child = connect(router, server, password=PASSWORD)
        assert child.call(os.getpid) == child.info.pid
        router.close()


def test_noise_of_ssh_does_not_matter(router: Router, desk: str) -> None:
    with with_password() as server:
        child = connect(router, server, password=PASSWORD, args=["-vvv"])
        assert child.call(os.getpid) == child.info.pid
        router.close()


def test_password_is_in_no_argument_environment_or_file(
    router: Router, desk: str, empty_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    questions = (("Password: ", PASSWORD), ("Code: ", "42"))
    options = ServerOptions(accept_user_keys=False, interactive=questions)
    looks: list[list[bytes]] = []

    def look(*asked: object) -> list[str]:
        # The password was typed before ssh asks for the code.
        pids = {os.getpid(), *descendants(os.getpid())} - {server.pid, *descendants(server.pid)}
        looks.append([*arguments_and_environments(), *contents(pids, tmp_path)])
        return ["42"]

    with start_bare("embedded", options) as server:
        monkeypatch.setenv("TMPDIR", str(tmp_path))
        monkeypatch.setattr(tempfile, "tempdir", None)
        (empty_home / "mark").write_text("a file that is looked into")
        child = connect(router, server, password=PASSWORD, prompts=look)
        assert child.call(os.getpid)
        look()
        router.close()
        look()
    assert len(looks) == 3
    for seen in looks:
        assert any(b"a file that is looked into" in text for text in seen)
        assert not any(PASSWORD.encode() in text for text in seen)


def test_password_is_in_no_line_of_a_talkative_log(
    router: Router, desk: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(1)
    with with_password() as server:
        connect(router, server, password=PASSWORD, args=["-vvv"]).call(os.getpid)
        wrong = connect(router, server, password="wrong-" + PASSWORD, args=["-vvv"])
        with pytest.raises(AuthenticationError) as caught:
            wrong.call(os.getpid)
        router.close()
    assert "debug3: " in caught.value.stderr
    for text in (PASSWORD, repr(PASSWORD)[1:-1]):
        assert text not in caplog.text and text not in everything_said(caught.value)


def test_wrong_password_is_sent_once(router: Router, desk: str) -> None:
    with with_password() as server:
        with pytest.raises(AuthenticationError, match="we were not let in") as caught:
            connect(router, server, password="wrong-" + PASSWORD).call(os.getpid)
        router.close()
        assert "wrong-" not in everything_said(caught.value)
    assert caught.value.exit_status == 255 and "Permission denied" in caught.value.stderr


def test_code_is_asked_of_the_user(router: Router, desk: str) -> None:
    options = ServerOptions(accept_user_keys=False, interactive=(("Code: ", "42"),))
    with start_bare("embedded", options) as server:
        asked: list[str] = []

        def prompts(title: str, text: str, questions: list[tuple[str, bool]]) -> list[str]:
            asked.extend(question for question, _ in questions)
            return ["42"]

        assert connect(router, server, prompts=prompts).call(os.getpid)
        with pytest.raises(AuthenticationError, match=r"it asks '.*Code:': give prompts="):
            connect(router, server, password=PASSWORD).call(os.getpid)
        router.close()
    assert len(asked) == 1 and asked[0].endswith("Code: ")


def test_what_prompts_raises_is_raised_by_the_first_call(router: Router, desk: str) -> None:
    def prompts(*asked: object) -> list[str]:
        raise LookupError("nobody is there")

    with with_password() as server:
        with pytest.raises(LookupError, match="nobody is there"):
            connect(router, server, prompts=prompts).call(os.getpid)
        router.close()


def test_passphrase_opens_the_key(router: Router, desk: str) -> None:
    with start_bare("embedded", ServerOptions(passphrase="a phrase")) as server:
        assert connect(router, server, passphrase="a phrase").call(os.getpid)
        with pytest.raises(AuthenticationError, match=r"the passphrase of the key: give passphra"):
            connect(router, server, password="x").call(os.getpid)
        router.close()


@pytest.mark.parametrize("opts", [{}, {"password": PASSWORD}])
def test_unknown_host_is_refused_and_nobody_is_asked(router: Router, opts: dict[str, str]) -> None:
    options = ServerOptions(known=False, password=PASSWORD)
    with start_bare("embedded", options) as server:
        with pytest.raises(HostKeyError, match="key is unknown, or another"):
            connect(router, server, **opts).call(os.getpid)
        known = server.known_hosts
        child = connect(router, server, host_key_policy="accept-new", known_hosts=known)
        assert child.call(os.getpid) and known.read_text()
        router.close()


def test_host_with_another_key_than_before_is_told_apart(
    router: Router, desk: str, tmp_path: Path
) -> None:
    with with_password() as server, with_password() as other:
        key = other.known_hosts.read_text().split()[1:]
        known = tmp_path / "known"
        known.write_text(" ".join([f"[127.0.0.1]:{server.port}", *key]) + "\n")
        for opts in ({}, {"password": PASSWORD}):
            with pytest.raises(HostKeyError, match="its key is another one than known_hosts has"):
                connect(router, server, known_hosts=known, **opts).call(os.getpid)
        router.close()


@pytest.mark.parametrize(
    ("host", "kind", "text"),
    [
        ("nowhere.invalid", ResolveError, "the name has no address"),
        ("127.0.0.1:1", ConnectError, "nothing listens there"),
    ],
)
def test_host_that_cannot_be_reached_is_told_with_what_to_look_at(
    router: Router, host: str, kind: type[Exception], text: str
) -> None:
    with pytest.raises(kind, match=text):
        router.ssh(host, transport="openssh", config_file="none").call(os.getpid)


def test_ssh_that_is_missing_is_named(router: Router) -> None:
    with pytest.raises(ConnectError, match="/nonexistent/ssh is not installed on"):
        router.ssh("web1", transport="openssh", program="/nonexistent/ssh")


def test_question_about_a_host_on_the_way_does_not_get_the_password(
    router: Router, desk: str, tmp_path: Path
) -> None:
    # What a ProxyCommand asks, it asks in the same place and nearly the same words.
    asker = tmp_path / "asker"
    asker.write_text(
        "#!/bin/sh\n"
        'q="demo@bastion\'s password: "\n'
        'if [ "$SSH_ASKPASS" ]; then answer=$("$SSH_ASKPASS" "$q"); else\n'
        'printf "%s" "$q" >/dev/tty; read -r answer </dev/tty; fi\n'
        f'echo "$answer" >{tmp_path}/stolen\n'
    )
    asker.chmod(0o755)
    options = ServerOptions(client_config=(f"ProxyCommand {asker}",), password=PASSWORD)
    with start_bare("embedded", options) as server:
        with pytest.raises(AuthenticationError, match=r"it asks .demo@bastion's password:"):
            connect(router, server, password=PASSWORD).call(os.getpid)
        router.close()
    assert not (tmp_path / "stolen").exists()


def test_closing_the_router_ends_a_login_that_waits_for_an_answer(
    router: Router, desk: str
) -> None:
    close: Callable[[], None] = router.close

    def prompts(*asked: object) -> list[str]:
        close()
        return [PASSWORD]

    with with_password() as server:
        child = connect(router, server, prompts=prompts)
        with pytest.raises(DisconnectedError, match="demo: the router was closed"):
            child.call(os.getpid)


# -- tried again ---------------------------------------------------------------------------------


def test_server_that_hangs_up_at_once_is_tried_again_by_itself(router: Router, desk: str) -> None:
    with with_password() as server, hasty_port(server.port, 2) as hasty:
        config = server.config_for_port(hasty.port)
        child = connect(router, server, config_file=config, password=PASSWORD)
        assert child.call(len, bytes(1 << 20)) == 1 << 20
        router.close()
    assert hasty.count == 3


@pytest.mark.sshd
def test_connection_dropped_by_max_startups_is_tried_again(router: Router) -> None:
    options = ServerOptions(extra_config=("MaxStartups 1:100:2",))
    with start_bare(needs_kind("sshd"), options) as busy:
        with socket.create_connection((busy.host, busy.port)) as first:
            first.recv(64)  # it is served, and does not log in
            waiting = connect(router, busy).submit(os.getpid)
            while "drop connection" not in busy.log_text():
                assert not waiting.done()
        assert waiting.result(30) != os.getpid()
        router.close()


def test_error_of_a_busy_server_says_how_often_it_was_tried(router: Router) -> None:
    told = None
    for timeout in TIMEOUTS:
        with hasty_port(0, 1000) as hasty:
            given: dict[str, Any] = {"config_file": "none", "connect_timeout": timeout}
            child = router.ssh(f"127.0.0.1:{hasty.port}", transport="openssh", **given)
            with pytest.raises(ConnectError) as caught:
                child.call(os.getpid)
            child.kill()
        told = re.search(r"[Cc]losed by .* \(tried (\d+) times in", str(caught.value))
        if told and hasty.count > 1:
            break  # else the deadline came in the middle of a try, which is no verdict
    assert told and hasty.count > 1
    # The last one may have been cut before it came so far.
    assert int(told[1]) - hasty.count in (0, 1)


def test_host_that_boots_is_waited_for(router: Router, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PAUSES, AWAY, (0.01, 0.01))
    failures: list[str] = []
    with (
        start_bare("embedded") as server,
        socket.socket() as listener,
    ):
        listener.bind(("127.0.0.1", 0))
        hasty = HastyPort(listener, server.port, 0, b"")
        thread = threading.Thread(target=hasty.serve)

        def judge(said: str) -> str:
            failures.append(said)
            if len(failures) == 2:
                listener.listen()
                thread.start()
            return AWAY

        monkeypatch.setattr(openssh, "failure_of", judge)
        config = server.config_for_port(hasty.port)
        assert connect(router, server, config_file=config, retries=2).call(os.getpid)
        router.close()
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
    assert ["Connection refused" in said for said in failures] == [True, True]


def test_host_that_does_not_come_is_tried_as_often_as_asked_for(
    router: Router, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PAUSES, AWAY, (0.01, 0.01))
    child = router.ssh("127.0.0.1:1", transport="openssh", config_file="none", retries=2)
    with pytest.raises(ConnectError, match=r"Connection refused \(tried 3 times in"):
        child.call(os.getpid)


def test_each_try_has_the_whole_connect_timeout(
    router: Router, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PAUSES, AWAY, (0.01, 0.01))
    with SilentServer() as silent:
        where = f"127.0.0.1:{silent.port}"
        given: dict[str, Any] = {"config_file": "none", "connect_timeout": 2, "retries": 2}
        child = router.ssh(where, transport="openssh", **given)
        with pytest.raises(ConnectError, match=r"\(tried 3 times in ([3-9]|\d\d+) s"):
            child.call(os.getpid)


def test_host_is_waited_for_from_another_context_too(router: Router) -> None:
    bastion = router.local()
    child = router.ssh("127.0.0.1:1", via=bastion, config_file="none", retries=1)
    with pytest.raises(ConnectError, match=r"Connection refused \(tried 2 times in"):
        child.call(os.getpid)


def test_login_that_was_refused_is_never_tried_again(router: Router, desk: str) -> None:
    with with_password() as server, hasty_port(server.port, 0) as hasty:
        config = server.config_for_port(hasty.port)
        given: dict[str, Any] = {"config_file": config, "retries": 5}
        with pytest.raises(AuthenticationError) as caught:
            connect(router, server, password="wrong", **given).call(os.getpid)
        router.close()
    assert hasty.count == 1 and "tried" not in str(caught.value)


@pytest.mark.parametrize("retries", [-1, True, None, "3", 1.5])
def test_wrong_number_of_retries_is_told(router: Router, retries: Any) -> None:
    with pytest.raises((TypeError, ValueError), match="retries: wanted is a whole number"):
        router.ssh("web1", transport="openssh", retries=retries)


@pytest.mark.sshd
def test_who_opts_out_does_not_use_the_master_of_ssh_config(router: Router) -> None:
    with (
        tempfile.TemporaryDirectory(prefix="m") as folder,
        start_bare(
            needs_kind("sshd"),
            ServerOptions(client_config=("ControlMaster auto", f"ControlPath {folder}/%p")),
        ) as server,
    ):
        connect(router, server).call(os.getpid)
        connect(router, server, share=False).call(os.getpid)
        assert server.log_text().count("Accepted publickey") == 2
        router.close()
