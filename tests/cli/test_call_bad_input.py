"""Mistakes of `remotesvc call` and refusals: the right exit code, one line, nothing left."""

from pathlib import Path

import pytest

from remotesvc.cli.main import main
from tests.cli.program import Done, Program, write_app

LOGS = "app.logs.LogService"


def line_of(done: Done, code: int) -> str:
    """Return the one line that a command ended with."""
    assert (done.code, done.out) == (code, "")
    (line,) = done.err.splitlines()
    return line


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["tail"], "'tail' is one word: write module.Class.method, for example app.logs.Log"),
        (["app.logs"], "app.logs is a module: name a class in it, and a method; it has Nobody, L"),
        (["app"], "app is a module: name a class in it, and a method; it has health, logs, words"),
        ([LOGS], f"{LOGS} is a class: name a method of it; exposed are tail, whoami, fail, never"),
        (["lib.Service"], "lib.Service has too few parts: write module.Class.method"),
        (["app..tail"], "'app..tail' names no service: write module.Class.method"),
        (["__main__.A.b"], "no __main__ of yours"),
        (["os.path.join"], "os.path.join: the standard library has no services"),
        (["app.logs.function"], "app.logs.function is a function, no service: remotesvc run"),
        (["app.logs.LIMIT.a"], "app.logs.LIMIT is no class, it is the constant 5"),
        (["app.logs.Lg.a"], "module app.logs ("),
        (["app.logs.Plain.work"], "class app.logs.Plain is no service: derive it from Service"),
        ([f"{LOGS}.tial"], f"service {LOGS} has no method 'tial'; did you mean 'tail'?"),
        ([f"{LOGS}.hidden"], f"{LOGS}.hidden is not exposed: a plain method with @expose("),
        (["app.logs.Heir.tail"], "app.logs.Heir.tail is not exposed"),
        ([f"{LOGS}._tail"], f"{LOGS}._tail: names that begin with _ are never exposed"),
        (
            [f"{LOGS}.tail"],
            "missing a required argument: 'path'; its signature is "
            "LogService.tail(path, lines=10)",
        ),
        ([f"{LOGS}.tail", "a", "1", "b"], "too many positional arguments; its signature is"),
        ([f"{LOGS}.tail", "a", "path=b"], "multiple values for argument 'path'"),
        ([f"{LOGS}.tail", "a", "size=1"], "got an unexpected keyword argument 'size'"),
        (["app.logs.Heir.fail", "a"], "write key=value for 'a': the names of its arguments"),
        ([f"{LOGS}.tail", "[1,...]"], "argument 1[1]: builtins.ellipsis cannot travel"),
    ],
)
def test_mistake_is_told_before_a_host_is_asked(
    words: list[str],
    expected: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    write_app(tmp_path)
    monkeypatch.chdir(tmp_path)

    code = main(["call", "nosuch.invalid", *words])

    captured = capsys.readouterr()
    line = line_of(Done(code, captured.out, captured.err), 2)
    assert line.startswith("remotesvc call: ")
    assert expected in line


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["app.logs.Heir.nosuch"], "app.logs.Heir exposes no method 'nosuch'; exposed are: fail"),
        ([f"{LOGS}.tail", "5"], "LogService.tail: argument 'path' must be str, not int"),
        (["app.logs.Heir.fail", "why=1"], "LogService.fail: "),
        (["nowhere.Service.work"], "ModuleNotFoundError: No module named 'nowhere'; nor is "),
    ],
)
def test_mistake_that_only_the_host_knows_is_told_by_it(
    remotesvc: Program, words: list[str], expected: str
) -> None:
    line = line_of(remotesvc("call", "@local", *words), 2)

    assert line.startswith(f"@local: {expected}")


def test_refusal_of_a_policy_names_it(remotesvc: Program) -> None:
    line = line_of(remotesvc("call", "@local", f"{LOGS}.never"), 1)

    assert line.startswith("@local: LogService.never is refused to context 0 by its policy Nobody")


def test_refusal_has_its_outcome_in_json(remotesvc: Program) -> None:
    (refused,) = remotesvc("call", "@local", f"{LOGS}.never", "--json").records
    (unknown,) = remotesvc("call", "@local", "app.logs.Heir.nosuch", "--json").records

    assert (refused["outcome"], refused["exit_code"]) == ("failed", 1)
    assert refused["error"]["type"] == "RefusedError"
    assert (unknown["outcome"], unknown["exit_code"]) == ("misused", 2)


def test_constructor_that_raises_shows_its_remote_lines(remotesvc: Program) -> None:
    done = remotesvc("call", "@local", "app.logs.Broken.work")

    assert (done.code, done.out) == (1, "")
    lines = done.err.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[2:] == ['    raise OSError("no disk")', "@local: OSError: no disk"]
