"""What is sent ahead of an order is all that it needs: nothing of remotesvc is asked for."""

import importlib.util
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from remotesvc import Error, Router
from remotesvc.bootstrap.manifest import MODULES
from remotesvc.connect.connectors import CONNECTORS
from remotesvc.controller.modules import connector_parts
from remotesvc.controller.modules.connector_parts import parts_of, stamps
from remotesvc.controller.modules.grants import is_toolkit
from remotesvc.controller.modules.locate import Locator
from remotesvc.core.authority import GET_MODULE, GET_RESOURCE
from remotesvc.core.hops import HOP_MODULES

# What each is opened with here; a program that is not installed fails late enough.
OPTIONS: dict[str, dict[str, Any]] = {
    "chroot": {"root": "/"},
    "docker": {"container": "web"},
    "doas": {"username": "root"},
    "exec": {"template": ["sh", "-c", "{line}"]},
    "kubectl": {"pod": "web"},
    "local": {},
    "lxc": {"instance": "web"},
    "nspawn": {"machine": "web"},
    "openssh": {"host": "127.0.0.1:1"},
    "podman": {"container": "web"},
    "su": {"username": "root"},
    "sudo": {"username": "root"},
}


# Those that need no program nor account come up.
UP = ("chroot", "exec", "local")


@pytest.fixture
def router(no_leaks: None, empty_home: Path) -> Iterator[Router]:
    """A router that leaves nothing behind."""
    with Router() as opened:
        yield opened


def test_every_connector_for_children_is_tried() -> None:
    assert set(OPTIONS) == set(CONNECTORS) - {"ssh", "attach"}


@pytest.mark.parametrize("kind", OPTIONS)
def test_child_asks_for_no_part_while_it_opens_a_hop(router: Router, kind: str) -> None:
    asked: list[bytes] = []
    # Not from compiled code: with that it would ask for the payload as source.
    relay = router.local(python_path=sys.executable)
    relay.call(os.getpid)
    for handle in (GET_MODULE, GET_RESOURCE):
        answer = router.switch._handlers[handle]

        def note(link: Any, message: Any, answer: Any = answer) -> None:
            asked.append(message.payload)
            answer(link, message)

        router.switch.serve(handle, note)
    if kind in UP and (kind != "chroot" or os.getuid() == 0):
        assert router.open(kind, via=relay, **OPTIONS[kind]).call(os.getpid)
    else:
        # A Python that is not there: it is told late, and nothing of a login is waited for.
        opts = {**OPTIONS[kind], "python_path": "/nonexistent/python3"}
        with pytest.raises(Error, match=r"local/"):
            router.open(kind, via=relay, **opts).call(os.getpid)
    assert asked == []


@pytest.mark.parametrize("kind", OPTIONS)
def test_parts_are_ours_and_not_in_the_payload(kind: str) -> None:
    parts = parts_of(Locator(), CONNECTORS[kind])
    assert set(HOP_MODULES) - set(MODULES) <= set(parts) and CONNECTORS[kind] in parts
    assert len(parts) == len(set(parts))
    assert not set(parts) & set(MODULES) and all(map(is_toolkit, parts))
    assert "remotesvc.controller" not in " ".join(parts)


def test_parts_of_a_connector_of_others_are_those_that_it_imports(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "foreign_connector.py").write_text("from remotesvc.connect import chroot\n")
    monkeypatch.syspath_prepend(tmp_path)
    parts = parts_of(Locator(), "foreign_connector")
    assert "foreign_connector" in parts and "remotesvc.connect.chroot" in parts
    assert "foreign_connector" not in sys.modules


def keep_in(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Have the names kept below a folder of its own; return where."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    monkeypatch.setattr(connector_parts, "__file__", str(folder / "parts.py"))
    kept = Path(importlib.util.cache_from_source(folder / "parts.py")).parent
    kept.mkdir(parents=True)
    return kept


def test_parts_are_kept_for_the_next_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_in(tmp_path, monkeypatch)
    found = parts_of(Locator(), CONNECTORS["sudo"])
    others = parts_of(Locator(), CONNECTORS["local"])
    monkeypatch.setattr(Locator, "imports", None)  # it is not asked a second time
    assert parts_of(Locator(), CONNECTORS["sudo"]) == found
    assert parts_of(Locator(), CONNECTORS["local"]) == others != found


def test_name_that_is_none_of_ours_is_not_taken_from_what_was_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = parts_of(Locator(), CONNECTORS["sudo"])
    kept = keep_in(tmp_path, monkeypatch)
    with monkeypatch.context() as patch:
        patch.setattr(connector_parts, "_find_parts", lambda *_: (*found, "app.secrets"))
        parts_of(Locator(), CONNECTORS["sudo"])
    (file,) = kept.iterdir()
    assert b"app.secrets" in file.read_bytes()
    assert parts_of(Locator(), CONNECTORS["sudo"]) == found


def test_without_files_to_go_by_nothing_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = parts_of(Locator(), CONNECTORS["sudo"])
    kept = keep_in(tmp_path, monkeypatch)
    # As for a library in a zip file, which may be another one the next time.
    monkeypatch.setattr(connector_parts, "stamps", lambda roots: iter(()))
    assert parts_of(Locator(), CONNECTORS["sudo"]) == found
    assert list(kept.iterdir()) == []


def test_any_other_file_of_the_library_makes_what_was_kept_count_no_more(tmp_path: Path) -> None:
    def look() -> list[str]:
        return list(stamps([str(tmp_path)]))

    folder = tmp_path / "package"
    folder.mkdir()
    module = folder / "module.py"
    module.write_text("a = 1\n")
    os.utime(module, (1, 1))
    seen = [look()]
    (folder / ".#module.py").symlink_to("nobody@nowhere")  # an editor's lock
    (folder / "notes.txt").write_text("no module")
    assert look() == seen[0] != []
    os.utime(module, (1, 2))
    seen.append(look())
    module.write_text("a = 12\n")
    os.utime(module, (1, 2))
    seen.append(look())
    (folder / "other.py").write_text("")
    seen.append(look())
    (folder / "other.py").rename(folder / "another.py")
    seen.append(look())
    assert len(set(map(tuple, seen))) == 5
