"""`remotesvc doctor`: what it finds in each phase, in those that fail too."""

import json
from pathlib import Path
from typing import Any

import pytest

from remotesvc.cli.main import main
from remotesvc.testing.server import SshServer

LOGIN = ["resolve", "tcp", "host key", "auth", "interpreter", "bootstrap", "first call"]

pytestmark = pytest.mark.usefixtures("no_leaks", "empty_home")


def examined(
    capsys: pytest.CaptureFixture[str], code: int, *words: object
) -> list[dict[str, Any]]:
    """Run the command, and return what it found of each context."""
    assert main(["doctor", *map(str, words), "--json"]) == code
    record = json.loads(capsys.readouterr().out)
    assert record["exit_code"] == code
    contexts: list[dict[str, Any]] = record["result"]
    return contexts


def states(context: dict[str, Any]) -> list[tuple[str, str]]:
    return [(phase["phase"], phase["state"]) for phase in context["phases"]]


def test_login_that_works_goes_through_all_phases_once(
    server: SshServer, capsys: pytest.CaptureFixture[str]
) -> None:
    before = server.log_text().count("Connection from")

    (context,) = examined(capsys, 0, "web1", "-F", server.config_file)

    assert context["context"] == "web1"
    assert states(context) == [(name, "ok") for name in LOGIN]
    assert all(phase["seconds"] >= 0 for phase in context["phases"])
    found = {phase["phase"]: "\n".join(phase["found"]) for phase in context["phases"]}
    assert f"127.0.0.1 port {server.port} as {server.user}" in found["resolve"]
    assert str(server.config_file) in found["resolve"]
    assert "connected to 127.0.0.1" in found["tcp"]
    assert "policy strict" in found["host key"]
    assert f"known by {server.known_hosts}:1" in found["host key"]
    assert f"key {server.identity_file} (ssh-ed25519) accepted" in found["auth"]
    assert "python3" in found["interpreter"]
    assert found["bootstrap"].startswith("Python 3.")
    if server.kind == "sshd":
        assert server.log_text().count("Connection from") == before + 1


def test_each_context_of_a_chain_is_told(
    server: SshServer, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = examined(capsys, 0, "web1/local", "-F", server.config_file)

    assert states(first) == [(name, "ok") for name in LOGIN]
    assert states(second) == [("via", "ok"), ("bootstrap", "ok"), ("first call", "ok")]
    assert second["phases"][0]["found"] == ["web1 was told to open it"]


@pytest.mark.parametrize(
    ("words", "phase", "expected"),
    [
        (("nosuch.invalid",), "resolve", "the name 'nosuch.invalid' cannot be resolved"),
        (("127.0.0.1:7",), "tcp", "Is sshd running there"),
        (("web1", "--known-hosts", "/dev/null"), "host key", "--host-key-policy accept-new"),
        (("web1", "-l", "nosuchuser"), "auth", "or a password with -k"),
        (("web1", "--python", "/no/python"), "interpreter", "Name one with --python"),
        (("web1", "--python", "/bin/true"), "bootstrap", "Is /bin/true a Python?"),
    ],
)
def test_phase_that_fails_is_the_last_and_says_how_to_mend_it(
    server: SshServer,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    phase: str,
    expected: str,
) -> None:
    (context,) = examined(capsys, 3, *words, "-F", server.config_file)

    *before, last = states(context)
    assert last == (phase, "failed")
    assert {state for _, state in before} <= {"ok"}
    assert expected in context["phases"][-1]["found"][-1]
    assert context["not_reached"] == LOGIN[LOGIN.index(phase) + 1 :]


def test_context_of_a_chain_that_fails_is_named(
    server: SshServer, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("web1/chroot:[/no/root]", "-F", server.config_file)
    first, second = examined(capsys, 3, *words)

    assert {state for _, state in states(first)} == {"ok"}
    assert second["context"] == "chroot:[/no/root]"
    assert states(second)[-1][1] == "failed"
    assert "/no/root" in second["phases"][-1]["found"][-1]
    assert second["not_reached"] == ["interpreter", "bootstrap", "first call"]


def test_for_people_all_of_it_stands_on_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "127.0.0.1:7", "-F", "none"]) == 3

    captured = capsys.readouterr()
    assert captured.err == ""
    versions, host, *lines = captured.out.splitlines()
    assert versions.startswith("remotesvc ") and "paramiko" in versions
    assert host == "127.0.0.1:7"
    assert [line.split()[0] for line in lines if line[2] != " "] == ["resolve", "tcp", "not"]


def test_the_ssh_program_is_named_with_how_it_was_called(
    server: SshServer, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("web1", "-F", server.config_file, "--transport", "openssh")
    (context,) = examined(capsys, 0, *words)

    assert context["phases"][0]["found"][0].startswith("started ssh -T ")
    assert context["phases"][-1]["phase"] == "first call"


def test_folder_of_keys_is_not_changed(
    server: SshServer, capsys: pytest.CaptureFixture[str], empty_home: Path
) -> None:
    examined(capsys, 3, "web1", "-F", server.config_file, "--known-hosts", empty_home / "none")

    assert not (empty_home / "none").exists()
