"""The frame around the commands: help, version, and errors of our own."""

import subprocess
import sys

import pytest

import remotesvc
from remotesvc.cli import run as run_module
from remotesvc.cli.main import commands, main


def test_the_version_is_the_library_s(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert remotesvc.__version__ in capsys.readouterr().out


def test_no_command_shows_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("Usage: remotesvc")


@pytest.mark.parametrize("words", [[], *([name] for name in sorted(commands.commands))])
def test_every_help_has_an_example(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*words, "--help"]) == 0
    help_text = capsys.readouterr().out
    assert "Examples:\n  " in help_text
    assert f"    remotesvc {' '.join(words)}" in help_text
    assert max(map(len, help_text.splitlines())) < 100


def test_help_is_light() -> None:
    program = (
        "import sys; from remotesvc.cli.main import main; main(['run', '--help']);"
        "print('paramiko' in sys.modules, 'asyncio' in sys.modules)"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)

    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "False False")


def test_the_module_is_the_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "remotesvc", "--version"], capture_output=True, text=True
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("remotesvc")


def test_an_error_of_ours_is_one_line_and_a_plea(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def break_down(parts: tuple[str, ...]) -> None:
        raise ZeroDivisionError(f"with {parts}\x1b")

    monkeypatch.setattr(run_module, "find_standard", break_down)
    monkeypatch.delenv("REMOTESVC_DEBUG", raising=False)

    assert main(["run", "web1", "a.b"]) == 70
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("remotesvc: ZeroDivisionError: with ('a', 'b')\\x1b; please report")

    monkeypatch.setenv("REMOTESVC_DEBUG", "1")
    assert main(["run", "web1", "a.b"]) == 70
    assert "in break_down" in capsys.readouterr().err


def test_ctrl_c_before_anything_runs_is_quiet(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def press(parts: tuple[str, ...]) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(run_module, "find_standard", press)

    assert main(["run", "web1", "a.b"]) == 130
    assert "Traceback" not in capsys.readouterr().err
