"""The session that docs/cli.md shows is what really happens."""

import re
import shlex

import pytest

from tests.cli.program import Program
from tests.docs.test_code_blocks import BLOCK, ROOT

TEXT = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
COMMAND = re.compile(r"^    \$ remotesvc (.*)\n((?:    (?!\$).*\n)*)", re.MULTILINE)


@pytest.mark.parametrize(("words", "shown"), COMMAND.findall(TEXT))
def test_command_shows_what_the_documentation_says(
    remotesvc: Program, words: str, shown: str
) -> None:
    (module,) = (code for code in BLOCK.findall(TEXT) if "class LogService" in code)
    package = remotesvc.folder / "app"
    (package / "logs.py").write_text(module)
    (package / "notes.txt").write_text("one\ntwo\nthree\n")

    done = remotesvc(*shlex.split(words))

    assert done.out + done.err == "".join(line[4:] for line in shown.splitlines(True))


def test_there_is_a_session() -> None:
    assert len(COMMAND.findall(TEXT)) >= 4
