"""`remotesvc demo`: shows all that it promises, on the server that this machine has."""

import re
import shlex
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from remotesvc.cli import demo as demo_module
from remotesvc.cli.exit_codes import ExitCode
from remotesvc.cli.main import main
from remotesvc.testing.options import Kind, ServerOptions
from remotesvc.testing.server import SshServer, available_kinds, start_server
from tests.cli.program import Program

REPORT = "remotesvc.testing.demo_app.report"


@pytest.mark.parametrize("kind", [pytest.param("sshd", marks=pytest.mark.sshd), "embedded"])
def test_the_demo_shows_its_commands_and_cleans_up(remotesvc: Program, kind: Kind) -> None:
    if kind not in available_kinds():
        pytest.skip(f"no {kind} on this machine")

    done = remotesvc("demo", *(["--embedded"] if kind == "embedded" else []))

    assert done.code == 0
    assert f"An SSH server ({kind}) runs on 127.0.0.1:" in done.out
    commands = re.findall(
        r"^\$ \S*remotesvc run -F (\S+) (127\.0\.0\.1:\d+) (.*)$", done.out, re.M
    )
    assert [words for _, _, words in commands] == [
        "platform.node",
        f"{REPORT}.collect 'title=A first look' lines=3",
        f"{REPORT}.fail path=/nonexistent",
    ]
    assert "'heading': 'Report of " in done.out
    assert done.err.count("[1/3] A first look") == 1
    assert done.err.rstrip().endswith(
        "FileNotFoundError: [Errno 2] No such file or directory: '/nonexistent'"
    )
    assert not Path(commands[0][0]).parent.exists()


def test_the_demo_runs_a_program_with_its_server(remotesvc: Program, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text("import sys; print(sys.argv[1:])")

    done = remotesvc("demo", "--embedded", "--program", str(program))

    assert done.code == 0
    command, said = done.out.split(f"{program} ")[1].splitlines()[:2]
    assert said == str(shlex.split(command))
    assert re.fullmatch(r"-F \S+ 127\.0\.0\.1:\d+", command)


def test_a_kept_server_serves_until_it_is_stopped(remotesvc: Program) -> None:
    # Not through remotesvc(): that would wait for the server, which is to stay.
    process = remotesvc.start("demo", "--keep")
    assert process.stdout is not None
    assert process.stderr is not None
    with process.stdout, process.stderr:
        told = process.stdout.read()
        assert process.wait() == 0
    stop = shlex.split(told.splitlines()[-1])
    assert stop[0] == "kill"
    shown = [line for line in told.splitlines() if "remotesvc run -F" in line]
    again = [shlex.split(line) for line in shown if line.startswith("  ")]
    folder = Path(again[0][3]).parent
    try:
        repeated = remotesvc.start(*again[0][1:])
        out, err = repeated.communicate(timeout=60)
        assert (repeated.returncode, err) == (0, "")
        assert out
    finally:
        subprocess.run(stop, check=True)

    assert remotesvc("--version").code == 0  # waits until nothing of the demo is left
    assert not folder.exists()


@pytest.mark.sshd
def test_a_server_that_lets_nobody_in_ends_the_demo_at_the_first_step(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if "sshd" not in available_kinds():
        pytest.skip("no sshd on this machine")

    def start_refusing(kind: Kind | None, options: ServerOptions) -> SshServer:
        return start_server("sshd", replace(options, accept_user_keys=False))

    monkeypatch.setattr("remotesvc.testing.server.start_server", start_refusing)

    assert main(["demo"]) == ExitCode.UNREACHABLE

    told = capsys.readouterr().err
    assert told.count("The server's log:") == 1
    assert told.endswith("let this account in; try: remotesvc demo --embedded\n")


def test_commands_name_this_installation_where_path_has_another(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ours = tmp_path / "ours" / "remotesvc"
    for folder in ("ours", "other"):
        write_program(tmp_path / folder / "remotesvc")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "ours" / "python"))

    monkeypatch.setenv("PATH", str(tmp_path / "other"))
    assert demo_module._program() == (str(ours),)
    monkeypatch.setenv("PATH", str(tmp_path / "ours"))
    assert demo_module._program() == ("remotesvc",)
    ours.unlink()
    assert demo_module._program() == (sys.executable, "-m", "remotesvc")


def write_program(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)


def test_a_step_that_goes_wrong_is_told_with_the_log_of_the_server(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = demo_module.Step(("os.getpid",), "Expected to raise.", ExitCode.RAISED)
    monkeypatch.setattr(demo_module, "STEPS", (wrong,))

    assert main(["demo"]) == 1

    told = capsys.readouterr().err
    assert "exit code 0, but 1 and a result were expected. The server's log:" in told
