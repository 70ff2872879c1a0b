"""Whether a server is who it should be, over a real connection: policies, files, errors."""

import logging
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from remotesvc import ConnectError, HostKeyError, Router
from remotesvc.testing.keys import make_key
from remotesvc.testing.options import ServerOptions
from remotesvc.testing.server import SshServer
from tests.controller.ssh.hosts import config_for, connect, start_bare


@pytest.fixture(scope="module")
def server() -> Iterator[SshServer]:
    """A server with a key of each type."""
    options = ServerOptions(host_key_types=("rsa", "ecdsa", "ed25519"))
    with start_bare(options=options) as started:
        yield started


@pytest.fixture
def router(no_leaks: None, empty_home: Path) -> Iterator[Router]:
    """A router whose end leaves nothing behind."""
    with Router() as opened:
        yield opened


@pytest.fixture
def known(tmp_path: Path) -> Path:
    """A known_hosts file of the test's own, which does not exist yet."""
    return tmp_path / "ssh" / "known_hosts"


def line_for(server: SshServer, key_type: str) -> str:
    """Return the known_hosts line for one of a server's keys."""
    key = next(key for key in server.info.host_keys if key_type in key)
    return f"[{server.host}]:{server.port} {key}\n"


def write(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)


def refusal(router: Router, server: SshServer, **options: Any) -> str:
    """Return the text of a connection that fails because of the host key."""
    before = server.log_text().count("publickey")
    with pytest.raises(HostKeyError) as caught:
        connect(router, server, **options)
    assert caught.value.phase == "host key"
    assert str(caught.value).startswith("demo: ")
    assert server.log_text().count("publickey") == before, "something was offered to it"
    return str(caught.value)


# -- strict --------------------------------------------------------------------------------------


def test_an_unknown_host_is_refused_with_the_way_out(
    router: Router, server: SshServer, known: Path
) -> None:
    text = refusal(router, server, known_hosts=known)

    assert f"the key of [{server.host}]:{server.port} is not known" in text
    assert "it showed: " in text and "SHA256:" in text
    assert f"ssh-keyscan -p {server.port} {server.host} >> {known}" in text
    assert not known.exists()


def test_the_command_in_the_error_makes_the_host_known(
    router: Router, server: SshServer, known: Path
) -> None:
    if shutil.which("ssh-keyscan") is None:
        pytest.skip("no ssh-keyscan on this machine")
    text = refusal(router, server, known_hosts=known)
    command = next(line for line in text.splitlines() if "ssh-keyscan" in line)

    subprocess.run(command, shell=True, check=True, capture_output=True)

    assert connect(router, server, known_hosts=known).call(os.getpid)


def test_a_changed_key_is_refused_with_what_was_expected_and_what_came(
    router: Router, server: SshServer, known: Path
) -> None:
    write(known, f"[{server.host}]:{server.port} {make_key().public}\n")

    text = refusal(router, server, known_hosts=known)

    assert f"the key of [{server.host}]:{server.port} has changed" in text
    assert "expected: ssh-ed25519 SHA256:" in text
    assert f"({known}:1)" in text
    assert "it showed: ssh-ed25519 SHA256:" in text
    assert f"ssh-keygen -R '[{server.host}]:{server.port}' -f {known}" in text


def test_a_revoked_key_is_refused_whatever_else_says(
    router: Router, server: SshServer, known: Path
) -> None:
    good = line_for(server, "ed25519")
    write(known, f"{good}@revoked {good}")

    for policy in ("strict", "accept-new", "ignore"):
        text = refusal(router, server, known_hosts=known, host_key_policy=policy)
        assert f"{known}:2 marks as revoked" in text


def test_a_hashed_name_is_found(router: Router, server: SshServer, known: Path) -> None:
    if shutil.which("ssh-keygen") is None:
        pytest.skip("no ssh-keygen on this machine")
    write(known, line_for(server, "ed25519"))
    subprocess.run(["ssh-keygen", "-H", "-f", str(known)], check=True, capture_output=True)

    assert server.host not in known.read_text()
    assert connect(router, server, known_hosts=known).call(os.getpid)


def test_another_port_is_another_host(router: Router, server: SshServer, known: Path) -> None:
    key = line_for(server, "ed25519").split(None, 1)[1]
    write(known, f"[{server.host}]:{server.port + 1} {key}")

    assert "is not known" in refusal(router, server, known_hosts=known)


@pytest.mark.parametrize("key_type", ["rsa", "ecdsa", "ed25519"])
def test_a_host_is_asked_for_the_type_of_key_that_is_known(
    router: Router, server: SshServer, known: Path, key_type: str
) -> None:
    write(known, line_for(server, key_type))

    assert connect(router, server, known_hosts=known).call(os.getpid)


def test_a_line_that_cannot_be_read_warns_and_unlocks_nothing(
    router: Router, server: SshServer, known: Path, caplog: pytest.LogCaptureFixture
) -> None:
    good = line_for(server, "ed25519")
    write(known, good.replace("AAAA", "AA!A"))

    text = refusal(router, server, known_hosts=known)

    assert f"{known}:1" in text
    assert any(f"{known}:1" in message for message in caplog.messages)


def test_lines_that_cannot_be_read_do_not_hide_the_others(
    router: Router, server: SshServer, known: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write(known, "nonsense\n" + line_for(server, "ed25519"))

    with caplog.at_level(logging.WARNING):
        connect(router, server, known_hosts=known)
        assert connect(router, server, known_hosts=known).call(os.getpid)

    assert len([message for message in caplog.messages if f"{known}:1" in message]) == 1


def test_an_alias_names_the_host(
    router: Router, server: SshServer, known: Path, tmp_path: Path
) -> None:
    key = line_for(server, "ed25519").split(None, 1)[1]
    write(known, f"behind-the-door {key}")
    lines = (f"IdentityFile {server.identity_file}", "HostKeyAlias behind-the-door")
    config = config_for(server, tmp_path / "config", *lines)

    context = connect(router, server, config_file=config, known_hosts=known)

    assert context.call(os.getpid)


# -- other policies ------------------------------------------------------------------------------


def test_accept_new_writes_a_key_down_and_knows_it_then(
    router: Router, server: SshServer, known: Path
) -> None:
    connect(router, server, known_hosts=known, host_key_policy="accept-new").call(os.getpid)

    assert known.read_text().startswith(f"[{server.host}]:{server.port} ")
    assert known.stat().st_mode & 0o777 == 0o600
    assert connect(router, server, known_hosts=known).call(os.getpid)
    assert len(known.read_text().splitlines()) == 1


def test_accept_new_does_not_accept_another(
    router: Router, server: SshServer, known: Path
) -> None:
    write(known, f"[{server.host}]:{server.port} {make_key().public}\n")

    text = refusal(router, server, known_hosts=known, host_key_policy="accept-new")

    assert "has changed" in text


def test_a_new_key_that_cannot_be_written_down_is_not_accepted(
    router: Router, server: SshServer, known: Path
) -> None:
    known.parent.write_text("a file where a folder should be")

    text = refusal(router, server, known_hosts=known, host_key_policy="accept-new")

    assert str(known) in text


def test_ignore_takes_what_comes_and_writes_nothing(
    router: Router, server: SshServer, known: Path
) -> None:
    wrong = f"[{server.host}]:{server.port} {make_key().public}\n"
    write(known, wrong)

    context = connect(router, server, known_hosts=known, host_key_policy="ignore")

    assert context.call(os.getpid)
    assert known.read_text() == wrong


@pytest.mark.parametrize(
    ("line", "is_let_in"),
    [("accept-new", True), ("no", True), ("yes", False), ("ask", False)],
)
def test_the_policy_of_ssh_config_is_followed(
    router: Router, server: SshServer, known: Path, tmp_path: Path, line: str, is_let_in: bool
) -> None:
    lines = (f"IdentityFile {server.identity_file}", f"StrictHostKeyChecking {line}")
    config = config_for(server, tmp_path / "config", *lines)
    options: dict[str, Any] = {"config_file": config, "known_hosts": known}

    if is_let_in:
        assert connect(router, server, **options).call(os.getpid)
    else:
        assert "is not known" in refusal(router, server, **options)


def test_the_option_counts_before_the_policy_of_ssh_config(
    router: Router, server: SshServer, known: Path, tmp_path: Path
) -> None:
    lines = (f"IdentityFile {server.identity_file}", "StrictHostKeyChecking no")
    config = config_for(server, tmp_path / "config", *lines)

    text = refusal(router, server, config_file=config, known_hosts=known, host_key_policy="strict")

    assert "is not known" in text


def test_a_policy_that_does_not_exist_is_named(router: Router, server: SshServer) -> None:
    with pytest.raises(ConnectError, match="'lax': it is one of strict, accept-new, ignore"):
        connect(router, server, host_key_policy="lax")
