"""Children started by any program: the template is what was written, and nothing is guessed."""

import os
import shlex
import sys

import pytest

from remotesvc import ConnectError, Router
from remotesvc.connect.exec import argv

COMMAND = ["sh", "-c", "echo 'a b'", "$x"]
LINE = " ".join(map(shlex.quote, COMMAND))


@pytest.mark.parametrize(
    ("template", "words"),
    [
        (["nice"], ["nice", *COMMAND]),
        (["nice", "{command}"], ["nice", *COMMAND]),
        (["lock", "{command}", "end"], ["lock", *COMMAND, "end"]),
        (["vagrant", "ssh", "-c", "{line}"], ["vagrant", "ssh", "-c", LINE]),
        (["sh", "-c", "cd /; {line}"], ["sh", "-c", "cd /; " + LINE]),
        (["jail", "{python}"], ["jail", "python3", "-c", "x"]),
        (["echo", "{other}", "$HOME", "'"], ["echo", "{other}", "$HOME", "'", *COMMAND]),
    ],
)
def test_command_is_put_where_the_template_says(template: list[str], words: list[str]) -> None:
    assert argv(COMMAND, template, ["python3", "-c", "x"]) == words


@pytest.mark.parametrize(
    "template",
    [
        ["env", "GREETING=grüezi"],
        ["env", "GREETING=grüezi", "{command}"],
        ["env", "GREETING=grüezi", "sh", "-c", "{line}"],
        ["env", "GREETING=grüezi", "{python}"],
    ],
)
def test_child_is_started_by_the_program(router: Router, template: list[str]) -> None:
    child = router.exec(template, python_path=sys.executable)
    assert child.name == "exec:env"
    assert child.call(os.getenv, "GREETING") == "grüezi"


def test_program_that_cannot_be_started_is_named(router: Router) -> None:
    with pytest.raises(ConnectError, match=r"^exec:/nonexistent/x: .* Correct the first word"):
        router.exec(["/nonexistent/x", "{command}"])


def test_interpreter_has_to_be_named_where_it_is_put_in(router: Router) -> None:
    with pytest.raises(ConnectError, match="name one interpreter with python_path"):
        router.exec(["nice", "{python}"])


@pytest.mark.parametrize("template", ["nice {command}", [], None])
def test_template_that_is_no_list_of_words_is_refused(router: Router, template: object) -> None:
    with pytest.raises((TypeError, ValueError), match="a list of words, the program first"):
        router.open("exec", template=template)
