"""The current folder on the module search path."""

import os
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from remotesvc.cli.current_folder import current_folder, first_on_path


def test_the_standard_library_is_not_looked_for_there(tmp_path: Path) -> None:
    (tmp_path / "sched.py").write_text("")
    (tmp_path / "own_module.py").write_text("")

    with first_on_path(str(tmp_path)):
        sched, own = find_spec("sched"), find_spec("own_module")

    assert sched is not None
    assert not str(sched.origin).startswith(str(tmp_path))
    assert own is not None
    assert own.origin == str(tmp_path / "own_module.py")
    assert find_spec("own_module") is None


def test_the_folder_comes_first_and_only_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", ["/usr/bin", "", "/lib", "/work"])
    finders = list(sys.meta_path)

    with first_on_path("/work"):
        assert sys.path == ["/work", "/usr/bin", "/lib"]

    assert sys.path == ["/usr/bin", "", "/lib", "/work"]
    assert sys.meta_path == finders


def test_a_deleted_folder_is_a_dot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    os.rmdir(gone)

    assert current_folder() == "."
