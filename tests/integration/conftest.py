"""A router whose prints are kept, and which must leave nothing behind."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from remotesvc import Router
from tests.integration.hosts import Print


@pytest.fixture
def prints() -> list[Print]:
    """What the children of `router` have printed so far."""
    return []


@pytest.fixture
def router(no_leaks: None, empty_home: Path, prints: list[Print]) -> Iterator[Router]:
    """A router of this test's own; with its end everything that it started must be gone."""
    with Router(output=lambda *line: prints.append(line)) as opened:
        yield opened
