"""A router whose prints are kept and which must leave nothing behind; children below it."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from remotesvc import Context, Router
from tests.integration.hostile_scene import Scene
from tests.integration.hosts import Print, nothing_left
from tests.integration.lines import Lines
from tests.integration.pipes import Pipe
from tests.integration.pythons import NEWEST, OLDEST


@pytest.fixture
def lines() -> Lines:
    """What the children of `router` print, to be waited for."""
    return Lines()


@pytest.fixture
def prints(lines: Lines) -> list[Print]:
    """What the children of `router` have printed so far."""
    return lines.prints


@pytest.fixture
def router(no_leaks: None, empty_home: Path, lines: Lines) -> Iterator[Router]:
    """A router of this test's own; with its end everything that it started must be gone."""
    with Router(output=lines) as opened:
        yield opened


@pytest.fixture
def impatient(no_leaks: None, empty_home: Path, lines: Lines) -> Iterator[Router]:
    """A router that abandons a cancelled call almost at once."""
    with Router(output=lines, grace=0.01) as opened:
        yield opened


@pytest.fixture
def child(router: Router) -> Context:
    """A child in this Python."""
    return router.local()


@pytest.fixture(params=[OLDEST.path, None, NEWEST.path], ids=["oldest", "own", "newest"])
def python(request: pytest.FixtureRequest) -> str | None:
    """What `python_path` of a local child is to be; None for the Python that runs the test."""
    path: str | None = request.param
    return path


@pytest.fixture
def any_child(router: Router, python: str | None) -> Context:
    """A child in each of the Pythons."""
    return router.local(python_path=python)


@pytest.fixture
def pipe(tmp_path: Path) -> Pipe:
    """A named pipe for a function to wait at."""
    return Pipe(tmp_path / "pipe")


def put_on_path(patch: pytest.MonkeyPatch) -> None:
    """Let the folder of this Python come first."""
    patch.setenv("PATH", os.path.dirname(sys.executable) + os.pathsep + os.environ["PATH"])


@pytest.fixture
def on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the first line of the fake child find this very Python."""
    put_on_path(monkeypatch)


@pytest.fixture(scope="module")
def lasting_scene() -> Iterator[Scene]:
    """Like `scene`, for those tests of a module that harm neither child nor router."""
    with nothing_left(), pytest.MonkeyPatch.context() as patch:
        put_on_path(patch)
        with Router(output=Lines()) as router:
            yield Scene(router)


@pytest.fixture
def scene(on_path: None, router: Router) -> Scene:
    """A hostile child and an honest one."""
    return Scene(router)
