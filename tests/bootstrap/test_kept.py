"""What takes long to make is kept beside compiled modules, and counts only if it is the same."""

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from remotesvc.bootstrap import kept, payload
from remotesvc.bootstrap.kept import keep

DATA = bytes(range(256)) * 10


@pytest.fixture(autouse=True)
def writing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have Python keep what it compiles, however the tests were started."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)


@pytest.fixture
def file(tmp_path: Path) -> str:
    """A module whose folder for compiled code is there."""
    path = tmp_path / "tool.py"
    Path(importlib.util.cache_from_source(path)).parent.mkdir(parents=True)
    return str(path)


def kept_files(file: str) -> list[Path]:
    """Return what lies in that folder."""
    return sorted(Path(importlib.util.cache_from_source(file)).parent.iterdir())


def never() -> bytes:
    """Fail: it was kept."""
    raise AssertionError("it was made again")


def test_what_was_made_once_is_not_made_again_for_the_same_material(file: str) -> None:
    assert keep(file, "thing", b"one", lambda: DATA) == DATA
    assert keep(file, "thing", b"one", never) == DATA
    assert [path.name.split(".")[-1] for path in kept_files(file)] == ["thing"]


def test_other_material_or_another_name_has_it_made_anew(file: str) -> None:
    keep(file, "thing", b"one", lambda: DATA)
    assert keep(file, "other", b"one", lambda: b"other") == b"other"
    assert keep(file, "thing", b"two", lambda: b"new") == b"new"
    assert keep(file, "thing", b"two", never) == b"new"
    assert len(kept_files(file)) == 2


@pytest.mark.parametrize(
    "damage",
    [
        lambda kept: b"",
        lambda kept: kept[:20],
        lambda kept: kept[:-1],
        lambda kept: kept + b"\0",
        lambda kept: kept[:-1] + bytes([kept[-1] ^ 1]),
        lambda kept: bytes([kept[0] ^ 1]) + kept[1:],
    ],
)
def test_what_is_damaged_is_made_anew(file: str, damage: Callable[[bytes], bytes]) -> None:
    keep(file, "thing", b"one", lambda: DATA)
    (path,) = kept_files(file)
    path.write_bytes(damage(path.read_bytes()))
    assert keep(file, "thing", b"one", lambda: b"anew") == b"anew"
    assert keep(file, "thing", b"one", never) == b"anew"


def test_where_nothing_can_be_written_it_is_made_each_time(tmp_path: Path) -> None:
    file = str(tmp_path / "nowhere" / "tool.py")
    assert keep(file, "thing", b"one", lambda: DATA) == DATA
    assert keep(file, "thing", b"one", lambda: b"anew") == b"anew"


def test_nothing_is_written_when_python_writes_nothing(
    file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    assert keep(file, "thing", b"one", lambda: DATA) == DATA
    assert kept_files(file) == []


def test_a_disk_that_is_full_leaves_nothing_behind(
    file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A replace that fails: the place is taken by a folder with something in it.
    keep(file, "thing", b"one", lambda: DATA)
    (path,) = kept_files(file)
    path.unlink()
    (path / "in the way").mkdir(parents=True)
    assert keep(file, "thing", b"one", lambda: DATA) == DATA
    assert kept_files(file) == [path]


def test_processes_that_make_it_at_once_all_get_it_whole(file: str) -> None:
    program = (
        "import sys\n"
        "sys.dont_write_bytecode = False\n"
        "from remotesvc.bootstrap.kept import keep\n"
        "for number in range(200):\n"
        f"    data = keep({file!r}, 'thing', b'%d' % (number // 2), lambda: b'x' * 50_000)\n"
        "    assert data == b'x' * 50_000\n"
    )
    running = [subprocess.Popen([sys.executable, "-c", program]) for _ in range(3)]
    assert [process.wait(60) for process in running] == [0, 0, 0]
    assert len(kept_files(file)) == 1


@pytest.mark.parametrize("build", [payload._build, payload.build_compiled])
def test_payload_that_is_kept_is_the_one_that_is_made(
    build: "Callable[[], bytes]", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prefix = str(tmp_path / "compiled")
    monkeypatch.setattr(sys, "pycache_prefix", prefix)
    there = Path(importlib.util.cache_from_source(payload.__file__)).parent
    there.mkdir(parents=True)
    made = []
    for _ in range(3):
        build.cache_clear()  # type: ignore[attr-defined]
        made.append(build())
    build.cache_clear()  # type: ignore[attr-defined]
    monkeypatch.setattr(kept, "_read", lambda path, key: None)
    made.append(build())
    assert len(set(made)) == 1
    assert [path.stat().st_size for path in there.iterdir()] == [len(made[0]) + 32]
    assert os.listdir(tmp_path) == ["compiled"]
