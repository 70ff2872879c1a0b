"""docs/security.md names tests that exist, and says what must be said plainly."""

import re
from pathlib import Path

import pytest

from tests.integration.trust_table import render, render_texts

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "security.md").read_text("utf-8")
NAMED = sorted(set(re.findall(r"`(test_\w+)`", TEXT)))


def names_in_the_tree() -> set[str]:
    files = (ROOT / "tests").rglob("test_*.py")
    return {name for path in files for name in re.findall(r"def (test_\w+)\(", path.read_text())}


def rows() -> list[list[str]]:
    """Return the cells of every row of attempts that is no head."""
    found = []
    for table in TEXT.split("\n\n"):
        lines = [line for line in table.splitlines() if line.startswith("| ")]
        if lines and lines[0].endswith("| test |"):
            found += [[cell.strip() for cell in line[2:-1].split("|")] for line in lines[1:]]
    return found


def test_every_named_test_exists() -> None:
    assert len(NAMED) > 40
    assert set(NAMED) - names_in_the_tree() == set()


def test_every_row_names_its_test_or_says_that_nothing_stops_it() -> None:
    assert len(rows()) > 40
    for attempt, stopped_by, shown_by in rows():
        assert attempt and stopped_by
        assert "`test_" in shown_by or stopped_by.startswith("**nothing**"), attempt


def test_tables_of_services_are_the_ones_that_the_tests_run() -> None:
    # Whole tables: no row of the page is without its test.
    tables = [part.strip("\n") + "\n" for part in TEXT.split("\n\n")]
    assert tables.count(render()) == tables.count(render_texts()) == 1
    run = (ROOT / "tests" / "integration" / "test_service_trust.py").read_text("utf-8")
    assert 'parametrize("row", TABLE' in run


@pytest.mark.parametrize(
    "said",
    [
        "Whatever a sent function imports is given to that host",
        "`via=` trusts the hop",
        "`jump=` does not trust the hop",
        '`results="pickle"` trusts the child with everything',
        "`remotesvc.testing` is for tests",
    ],
)
def test_what_must_be_known_is_said_plainly(said: str) -> None:
    assert said in TEXT
