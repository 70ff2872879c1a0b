"""Children of this host: which interpreter, and what is said when there is none."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import remotesvc
from remotesvc import DisconnectedError, InterpreterError
from remotesvc.core.errors import BootstrapError


@pytest.fixture
def router(no_leaks: None) -> Iterator[remotesvc.Router]:
    with remotesvc.Router() as router:
        yield router


def test_child_runs_in_this_interpreter_by_default(router: remotesvc.Router) -> None:
    child = router.local()
    assert child.call(os.getpid) == child.info.pid != os.getpid()
    assert child.info.executable == sys.executable
    assert child.info.python_version == sys.version_info[:3]
    assert child.info.hostname == os.uname().nodename and child.info.uid == os.getuid()


def test_interpreter_is_the_one_that_was_named(router: remotesvc.Router, tmp_path: Path) -> None:
    odd = tmp_path / "it's an odd! name"
    odd.symlink_to(sys.executable)
    child = router.local(python_path=str(odd))
    assert child.call(os.getpid) == child.info.pid


def test_first_interpreter_found_runs_of_several(router: remotesvc.Router) -> None:
    child = router.local(python_path=["/nonexistent/python", sys.executable, "python3"])
    assert child.info.executable == sys.executable


@pytest.mark.parametrize("path", ["/nonexistent/python", "/", "/etc/passwd", "a\0b"])
def test_program_that_cannot_be_started_is_named(router: remotesvc.Router, path: str) -> None:
    with pytest.raises(
        InterpreterError, match=r"^local: .* could not be started: [^:]*$"
    ) as caught:
        router.local(python_path=path)
    assert str(caught.value).endswith(". Name a Python with python_path")
    assert caught.value.phase == "interpreter" and caught.value.elapsed is not None


def test_no_interpreter_of_several_is_said_with_what_was_tried(router: remotesvc.Router) -> None:
    child = router.local(python_path=["/nonexistent/a", "/nonexistent/b"])
    with pytest.raises(InterpreterError, match="tried /nonexistent/a, /nonexistent/b"):
        child.call(os.getpid)


def test_program_that_is_no_python_is_quoted(router: remotesvc.Router) -> None:
    child = router.local(python_path="/bin/ls")
    with pytest.raises(BootstrapError, match=r"exit status 2\). It said: .*ls"):
        child.call(os.getpid)


def test_program_that_is_no_python_and_says_nothing_is_asked_about(
    router: remotesvc.Router,
) -> None:
    child = router.local(python_path="/bin/true")
    with pytest.raises(BootstrapError, match=r"\. Is /bin/true a Python\? Name another with py"):
        child.call(os.getpid)


def test_child_takes_environment_and_folder(router: remotesvc.Router, tmp_path: Path) -> None:
    child = router.local(env={"GREETING": "grüezi"}, cwd=str(tmp_path))
    assert child.call(os.getenv, "GREETING") == "grüezi"
    assert child.call(os.getcwd) == str(tmp_path.resolve())


def test_folder_that_is_not_there_is_named(router: remotesvc.Router) -> None:
    child = router.local(cwd="/nonexistent/folder")
    text = "No such file or directory: '/nonexistent/folder'. Give a cwd that is a folder there"
    with pytest.raises(BootstrapError, match=text) as caught:
        child.call(os.getpid)
    assert "python_path" not in str(caught.value)


def test_settings_that_cannot_travel_leave_nothing_running(router: remotesvc.Router) -> None:
    with pytest.raises(remotesvc.MessageTooLarge, match="settings"):
        router.local(env={"A": "x" * 1_000_000})
    assert router.contexts == []


def test_context_that_was_lost_gives_its_reason_for_ever(router: remotesvc.Router) -> None:
    child = router.local()
    child.call(os.getpid)
    child.kill()
    for _ in range(2):
        with pytest.raises(DisconnectedError, match="was killed from here"):
            child.call(os.getpid)
        with pytest.raises(DisconnectedError, match="was killed from here"):
            child.submit(os.getpid)
    assert not child.connected
