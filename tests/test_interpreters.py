"""The search for interpreters finds what runs, and only that."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import interpreters
from tests.interpreters import (
    Interpreter,
    find_interpreters,
    hand_on_interpreters,
    missing_interpreters,
)

OWN = Interpreter((sys.version_info[0], sys.version_info[1]), sys.executable)


@pytest.fixture
def fresh_search() -> Iterator[None]:
    """Forget what was found, before and after: the search is made once per process."""
    interpreters._find_all.cache_clear()
    yield
    interpreters._find_all.cache_clear()


def name(monkeypatch: pytest.MonkeyPatch, *paths: object) -> None:
    monkeypatch.setenv("REMOTESVC_TEST_PYTHONS", os.pathsep.join(map(str, paths)))


@pytest.mark.usefixtures("fresh_search")
def test_named_interpreters_are_the_only_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    name(monkeypatch, sys.executable)

    assert find_interpreters() == [OWN]


@pytest.mark.usefixtures("fresh_search")
def test_one_interpreter_per_version_is_kept_the_first(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    second = tmp_path / "python"
    second.symlink_to(sys.executable)
    name(monkeypatch, sys.executable, second)

    assert find_interpreters() == [OWN]


@pytest.mark.usefixtures("fresh_search")
def test_what_does_not_run_is_left_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    broken = tmp_path / "python3.9"
    broken.write_text("#!/bin/sh\nexit 3\n")
    broken.chmod(0o755)
    name(monkeypatch, broken, tmp_path / "absent", sys.executable)

    assert find_interpreters() == [OWN]


@pytest.mark.usefixtures("fresh_search")
def test_what_was_found_is_handed_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    name(monkeypatch, tmp_path / "absent", sys.executable, sys.executable)

    hand_on_interpreters()

    assert os.environ["REMOTESVC_TEST_PYTHONS"] == sys.executable


@pytest.mark.usefixtures("fresh_search")
def test_missing_versions_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    name(monkeypatch, sys.executable)

    own = f"{OWN.version[0]}.{OWN.version[1]}"
    expected = [f"3.{minor}" for minor in range(6, 14) if f"3.{minor}" != own]
    assert missing_interpreters() == expected


@pytest.mark.usefixtures("fresh_search")
def test_empty_home_hides_no_interpreter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REMOTESVC_TEST_PYTHONS", raising=False)
    with_home = find_interpreters()
    interpreters._find_all.cache_clear()

    monkeypatch.setenv("HOME", "")

    assert find_interpreters() == with_home
