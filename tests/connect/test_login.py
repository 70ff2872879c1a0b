"""Logins as they may go: noisy, slow, asking twice, ending early; nothing is left of any."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from remotesvc import (
    AuthenticationError,
    BootstrapError,
    ConnectTimeout,
    Context,
    InterpreterError,
    Router,
)
from remotesvc.connect import typist
from tests.integration.hosts import write_program
from tests.integration.waiting import TIMEOUTS

# Takes the place of sudo: goes to what is behind "--", having done `lines`.
STAND_IN = """\
#!/bin/sh
mark=$3
while [ "$1" != -- ]; do shift; done
shift
{lines}
exec "$@"
"""

Open = Callable[..., Context]


@pytest.fixture
def open_by(router: Router, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Open:
    """Open a context by a sudo that does some lines of sh first."""
    monkeypatch.setattr(typist, "QUIET", 0.1)

    def open_one(*lines: str, **opts: Any) -> Context:
        program = write_program(tmp_path / "sudo", STAND_IN.format(lines="\n".join(lines)))
        given: dict[str, Any] = {"password": "hunter2", "python_path": sys.executable, **opts}
        return router.sudo(program=program, **given)

    return open_one


READ = "IFS= read -r answer"


@pytest.mark.parametrize(
    "lines",
    [
        (),
        ("echo noise; echo noise >&2",),
        ("head -c 300000 /dev/zero", "echo"),
        ("head -c 300000 /dev/zero >&2", "echo >&2"),
        ('printf "%s" $mark >&2', READ, '[ "$answer" = hunter2 ] || exit 1'),
        ('printf "lecture\\n[sudo: %s] Kennwort: " $mark >&2', READ, '[ "$answer" = hunter2 ]'),
        ('printf "%s" $mark >&2', READ, 'printf "****" >&2', "echo >&2"),
        ('echo "$0 -p $mark" >&2',),
    ],
    ids=["silent", "noise", "long", "long errors", "sudo", "sudo-rs", "echo", "trace"],
)
def test_login_that_lets_us_in_does(open_by: Open, lines: tuple[str, ...]) -> None:
    child = open_by(*lines)
    assert child.call(os.getpid) == child.info.pid
    assert child.call(bytes, bytes(1 << 20)) == bytes(1 << 20)


def test_password_that_was_not_asked_for_reaches_nobody(open_by: Open) -> None:
    # The payload would follow it, and Python would read it first.
    assert open_by("echo $mark here >&2", "echo 'Password: ' >&2").call(os.getpid)


def test_question_beside_the_expected_one_is_quoted_when_nothing_follows(open_by: Open) -> None:
    lines = ['printf "%s" $mark >&2', READ, 'printf "OTP code: " >&2', READ, "exit 1"]
    with pytest.raises(AuthenticationError, match=r"it asks 'OTP code:': give prompts= to answ"):
        open_by(*lines)
    child = open_by(*lines[:-1], '[ "$answer" = 42 ] || exit 1', prompts=lambda *asked: ["42"])
    assert child.call(os.getpid)


@pytest.mark.parametrize("answers", ["42", [], ["4", "2"], [42], ["4\n2"]])
def test_answer_that_is_none_is_told(open_by: Open, answers: Any) -> None:
    with pytest.raises(ValueError, match="a list with one answer, a text of one line"):
        open_by('printf "code? " >&2', READ, prompts=lambda *asked: answers)


def test_login_that_never_ends_is_given_up_at_the_deadline(open_by: Open) -> None:
    lines = ("echo waiting for a touch >&2", "exec sleep 1000")
    for timeout in TIMEOUTS:
        with pytest.raises(ConnectTimeout, match=r"phase: auth; the login did not end") as caught:
            open_by(*lines, connect_timeout=timeout)
        if caught.value.stderr:
            break  # it had begun
    assert caught.value.phase == "auth" and caught.value.stderr == "waiting for a touch\n"


def test_login_that_ends_is_told_with_its_last_words(open_by: Open) -> None:
    with pytest.raises(
        AuthenticationError, match=r"let nobody in .exit status 3.. It said: no"
    ) as e:
        open_by("echo no luck today >&2", "exit 3")
    assert (e.value.exit_status, e.value.stderr) == (3, "no luck today\n")


def test_what_fails_behind_the_login_is_no_matter_of_the_login(open_by: Open) -> None:
    with pytest.raises(InterpreterError, match="tried python9"):
        open_by(python_path="python9").call(os.getpid)
    with pytest.raises(BootstrapError, match="Is /bin/false a Python"):
        open_by(python_path="/bin/false").call(os.getpid)


def test_many_logins_leave_nothing(open_by: Open) -> None:
    # What is left is seen by the router's fixture; a terminal each, and half of them refused.
    for number in range(10):
        if number % 2:
            assert open_by().call(os.getpid)
        else:
            with pytest.raises(AuthenticationError):
                open_by("exit 1")
