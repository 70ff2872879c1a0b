"""What the documentation says a test shows, a test of that name shows."""

import re
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]

DOCUMENTS = [CHECKOUT / "docs" / name for name in ("reliability.md", "security.md")]

NAME = re.compile(r"`(test_\w+)`")

DEFINITION = re.compile(r"^(?:async )?def (test_\w+)\(", re.MULTILINE)


@pytest.mark.parametrize("document", [one for one in DOCUMENTS if one.exists()], ids=str)
def test_every_test_that_a_document_names_exists(document: Path) -> None:
    existing = {
        name
        for file in (CHECKOUT / "tests").rglob("test_*.py")
        for name in DEFINITION.findall(file.read_text(encoding="utf-8"))
    }
    named = set(NAME.findall(document.read_text(encoding="utf-8")))

    assert named - existing == set()
    assert named
