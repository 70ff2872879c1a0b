"""Every row of a table has as many cells as its head: others vanish, or shift, without a word."""

import re
from pathlib import Path

import pytest

from tests.docs.test_code_blocks import DOCUMENTS

# An escaped bar is text, not the end of a cell; so is one in code that is written with it.
BAR = re.compile(r"(?<!\\)\|")


def odd_rows(text: str) -> list[str]:
    """Return the rows that have another number of cells than the first row of their table."""
    odd, width = [], 0
    for line in text.splitlines():
        cells = len(BAR.findall(line)) if line.startswith("|") else 0
        width = (width or cells) if cells else 0
        if cells != width:
            odd.append(line)
    return odd


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_rows_have_as_many_cells_as_their_head(document: Path) -> None:
    assert odd_rows(document.read_text(encoding="utf-8")) == []


def test_row_that_lacks_a_cell_is_found() -> None:
    assert odd_rows("| a | b |\n|---|---|\n| 1 | 2 |\n| 1 |\n\n| a |\n") == ["| 1 |"]
