"""A router whose prints are kept and which must leave nothing behind; a hostile child below it."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from remotesvc import Router
from tests.integration.hostile_scene import Scene
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


@pytest.fixture
def on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the first line of the fake child find this very Python."""
    folder = os.path.dirname(sys.executable)
    monkeypatch.setenv("PATH", folder + os.pathsep + os.environ["PATH"])


@pytest.fixture
def scene(on_path: None, router: Router) -> Scene:
    """A hostile child and an honest one."""
    return Scene(router)
