"""Programs are found as a shell finds them."""

import os
import shutil
from pathlib import Path

import pytest

from remotesvc import ConnectError
from remotesvc.connect.base import Attempt
from remotesvc.connect.command import find_program


def write(path: Path, mode: int) -> Path:
    path.write_text("#!/bin/sh\n")
    path.chmod(mode)
    return path


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """On PATH: a program, a text, a folder; and beside it nothing."""
    write(tmp_path / "program", 0o755)
    write(tmp_path / "text", 0o644)
    (tmp_path / "folder").mkdir()
    monkeypatch.setenv("PATH", f"/nonexistent{os.pathsep}{tmp_path}")
    return tmp_path


@pytest.mark.parametrize("name", ["program", "text", "folder", "nothing", "", "./program"])
def test_program_is_found_as_shutil_finds_it(
    folder: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for one in (name, str(folder / name), f"/nonexistent/{name}"):
        if shutil.which(one) is not None:
            assert find_program(Attempt("web1", 30.0), ["nothing", one]) == one
        else:
            with pytest.raises(ConnectError, match="is not installed on"):
                find_program(Attempt("web1", 30.0), [one])


def test_program_beside_us_is_found_by_its_path_only(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PATH", "/nonexistent")
    assert find_program(Attempt("web1", 30.0), ["program", "./program"]) == "./program"
