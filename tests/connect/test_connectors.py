"""Where connectors are found: ours in a table, those of others by an entry point."""

import importlib
import inspect
import os
import subprocess
import sys
from pathlib import Path

import pytest

from remotesvc import ConnectError, Router
from remotesvc.connect.connectors import CONNECTORS, GROUP, find_connector

FOREIGN = """\
from remotesvc.connect import local
TARGET = "box"
def connect(router, context_id, attempt, box, python_path=None):
    return local.connect(router, context_id, attempt, python_path)
"""


@pytest.fixture
def foreign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package of somebody else, as pip would install it."""
    (tmp_path / "vagrant_for_tests.py").write_text(FOREIGN)
    info = tmp_path / "vagrant_for_tests-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: vagrant-for-tests\nVersion: 1.0\n"
    )
    (info / "entry_points.txt").write_text(f"[{GROUP}]\nvagrant = vagrant_for_tests\n")
    monkeypatch.syspath_prepend(tmp_path)


@pytest.mark.parametrize("kind", CONNECTORS)
def test_every_connector_is_called_alike_and_says_what_its_target_is(kind: str) -> None:
    module = importlib.import_module(CONNECTORS[kind])
    names = list(inspect.signature(module.connect).parameters)
    assert names[:3] == ["router", "context_id", "attempt"]
    assert kind in ("local", "ssh") or module.TARGET in names
    assert callable(getattr(Router, "ssh" if kind == "openssh" else kind))


def test_connector_of_another_package_is_used_by_its_name(router: Router, foreign: None) -> None:
    child = router.open("vagrant", box="web")
    assert (child.name, child.call(os.getpid)) == ("vagrant:web", child.info.pid)
    assert router.open("vagrant", box="db", name="other").name == "other"
    with pytest.raises(TypeError, match=r"vagrant\(\) has no option 'boks'; it has box, pyth"):
        router.open("vagrant", boks="web")


def test_kind_that_nobody_knows_is_told_with_those_that_are_known(foreign: None) -> None:
    with pytest.raises(ConnectError, match=r"kind 'telnet': .* sudo, vagrant, and what is") as one:
        find_connector("telnet")
    assert GROUP in str(one.value)


def test_entry_points_are_read_for_unknown_kinds_only() -> None:
    program = """
import sys
from remotesvc.connect.connectors import find_connector
find_connector("sudo")
print("importlib.metadata" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-S", "-c", program], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("False\n", "")
