"""The command line: short, harmless to every login shell, and the same through all of them."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from remotesvc.bootstrap.command import (
    DEFAULT_CANDIDATES,
    LAUNCHER,
    candidates,
    interpreter_argv,
    probe_argv,
    shell_command,
)
from remotesvc.bootstrap.payload import build
from remotesvc.core.errors import InterpreterError

SHELLS = ("sh", "bash", "dash", "tcsh", "csh", "fish", "zsh", "ksh", "mksh", "busybox")

# Stands in for python3: prints its argv and what it was given on stdin.
FAKE_PYTHON = f"""#!{sys.executable}
import json, sys
print(json.dumps([sys.argv[1:], sys.stdin.read()]))
"""


def make_program(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(0o755)
    return path


@pytest.fixture
def fake_path(tmp_path: Path) -> Path:
    """A folder to be first on PATH, with a python3 that shows how it was called."""
    folder = tmp_path / "bin"
    folder.mkdir()
    make_program(folder / "python3", FAKE_PYTHON)
    return folder


def run_shell(shell: str, command: str, path: str, home: Path) -> subprocess.CompletedProcess[str]:
    program = [shutil.which(shell) or shell, *(["sh"] if shell == "busybox" else []), "-c"]
    return subprocess.run(
        [*program, command],
        input="the payload",
        capture_output=True,
        text=True,
        timeout=60,
        env={"PATH": path, "HOME": str(home)},
    )


def test_command_is_under_a_thousand_bytes() -> None:
    assert len(shell_command(None, len(build())).encode("ascii")) < 1000
    assert len(shell_command(None, 99999).encode("ascii")) < 1000


def test_command_holds_nothing_that_a_shell_treats_specially_in_quotes() -> None:
    command = shell_command(None, 12345)
    for special in "!\\\n\r\0":
        assert special not in command
    quoted = command.split("'")[1::2]
    assert len(command.split("'")) % 2 == 1  # they are pairs
    assert len(quoted) == 3 and all(quoted)  # probe, launcher and stage0
    unquoted = "".join(command.split("'")[::2])
    assert set(unquoted) <= set(
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/.- "
    )


@pytest.mark.parametrize("shell", SHELLS)
def test_command_reads_the_same_in_every_shell(
    shell: str, fake_path: Path, tmp_path: Path
) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    command = shell_command(None, 12345)
    done = run_shell(shell, command, f"{fake_path}:/usr/bin:/bin", tmp_path)
    assert done.returncode == 0, done.stderr
    argv, stdin = json.loads(done.stdout)
    expected = interpreter_argv("python3", 12345)[1:]
    assert argv == [*expected, *DEFAULT_CANDIDATES[1:]]
    assert stdin == "the payload"


@pytest.mark.parametrize("shell", SHELLS)
def test_odd_interpreter_names_arrive_as_they_are(
    shell: str, fake_path: Path, tmp_path: Path
) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    names = ["no such python", "$HOME/`x`/;echo", 'a"b', "~/python", "*", "ünï", "%d{}#&|<>()"]
    odd = tmp_path / "a folder $HOME"
    odd.mkdir()
    found = make_program(odd / "py;thon", FAKE_PYTHON)
    command = shell_command([*names, str(found), "python3"], 1)
    done = run_shell(shell, command, f"{fake_path}:/usr/bin:/bin", tmp_path)
    assert done.returncode == 0, done.stderr
    argv, _ = json.loads(done.stdout)
    assert argv[-1] == "python3" and argv[:2] == ["-Bc", LAUNCHER]


def test_first_candidate_that_exists_runs_with_the_rest_behind_it(
    fake_path: Path, tmp_path: Path
) -> None:
    make_program(fake_path / "python3.9", FAKE_PYTHON)
    (fake_path / "python3.8").write_text("not executable")
    command = shell_command(["python4", "python3.8", "python3.9", "python3", "last"], 7)
    done = run_shell("sh", command, str(fake_path) + ":/usr/bin:/bin", tmp_path)
    argv, _ = json.loads(done.stdout)
    assert argv[5:] == ["python3", "last"]


def test_isolated_interpreter_stays_so_wherever_the_search_ends() -> None:
    for words in (probe_argv(None, 7, is_isolated=True), interpreter_argv("p", 7, True)):
        flags = [word for text in words for word in re.findall(r"-\w*Bc\b", text)]
        assert flags and set(flags) == {"-EsBc"}
    assert not any("-EsBc" in word for word in probe_argv(None, 7) + interpreter_argv("p", 7))


def test_host_without_a_python_says_so_and_exits_93(tmp_path: Path) -> None:
    empty = tmp_path / "bin"
    empty.mkdir()
    command = shell_command(["python3", "python"], 1)
    done = run_shell("/bin/sh", command, f"{empty}", tmp_path)
    if done.returncode == 127:  # sh itself is looked up on PATH
        (empty / "sh").symlink_to("/bin/sh")
        done = run_shell("/bin/sh", command, f"{empty}", tmp_path)
    assert done.returncode == 93
    assert done.stderr == "remotesvc: no Python found on this host\n" and done.stdout == ""


@pytest.mark.parametrize(
    "name", ["", "-c", "it's", "a\\b", "wow!", "two\nlines", "nul\0", ["python3", "it's"]]
)
def test_name_that_no_shell_can_take_is_refused(name: object) -> None:
    with pytest.raises(InterpreterError, match="name an interpreter without"):
        candidates(name)  # type: ignore[arg-type]


def test_candidates_are_those_given_or_the_newest_first() -> None:
    assert candidates("py") == ("py",) and candidates(["a", "b"]) == ("a", "b")
    default = candidates(None)
    assert default[0] == "python3" and default[-1] == "python"
    assert default.index("python3.13") < default.index("python3.6")
    assert "/usr/libexec/platform-python" in default


def test_words_of_the_command_are_those_of_the_probe() -> None:
    assert probe_argv(["py"], 5)[-2:] == ["5", "py"]
    assert probe_argv(["py"], 5)[3] == LAUNCHER
    assert os.linesep not in "".join(probe_argv(None, 5))
