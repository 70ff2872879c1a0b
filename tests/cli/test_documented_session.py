"""The session that docs/cli.md shows is what really happens."""

import re
import shlex
from collections.abc import Iterator

import pytest

from remotesvc.connect.account import account_name
from tests.cli.program import Program
from tests.docs.test_code_blocks import BLOCK, ROOT

TEXT = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
COMMAND = re.compile(r"^    \$ remotesvc (.*)\n((?:    (?!\$).*\n)*)", re.MULTILINE)


# What is another one each time, or on each machine: numbers with their units, and who runs it.
NUMBER = re.compile(r"[-+]?\d[\d.]*( k?B)?")


def like(text: str) -> Iterator[str]:
    """Yield the lines with a 0 for every number, and one space for several behind the margin."""
    for line in text.replace(account_name(), "alice").splitlines():
        margin = len(line) - len(line.lstrip())
        zeroed = NUMBER.sub(lambda found: f"0{' B' if found[1] else ''}", line.lstrip())
        yield " " * margin + re.sub(" +", " ", zeroed)


@pytest.mark.parametrize(("words", "shown"), COMMAND.findall(TEXT))
def test_command_shows_what_the_documentation_says(
    remotesvc: Program, words: str, shown: str
) -> None:
    (module,) = (code for code in BLOCK.findall(TEXT) if "class LogService" in code)
    package = remotesvc.folder / "app"
    (package / "logs.py").write_text(module)
    (package / "notes.txt").write_text("one\ntwo\nthree\n")

    done = remotesvc(*shlex.split(words))

    expected = "".join(line[4:] for line in shown.splitlines(True))
    if words.startswith(("doctor", "ping", "tree")):
        assert list(like(done.out + done.err)) == list(like(expected))
    else:
        assert done.out + done.err == expected


def test_there_is_a_session() -> None:
    assert len(COMMAND.findall(TEXT)) >= 7
