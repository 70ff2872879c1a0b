"""A module that is put off is here, and is loaded whole at the first question, by whoever asks."""

import importlib.util
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from remotesvc.controller.ssh.postponed import postpone

SOURCE = """\
import sys
from . import part
count = getattr(sys, "put_off_count", 0) + 1
sys.put_off_count = count
if count == getattr(sys, "put_off_failure", 0):
    raise ValueError("not this time")
value = part.value
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """A package that was put off and imported."""
    folder = tmp_path / "put_off"
    folder.mkdir()
    (folder / "__init__.py").write_text(SOURCE)
    (folder / "part.py").write_text("import put_off\nvalue = 42\n")
    monkeypatch.syspath_prepend(tmp_path)
    postpone("put_off")
    yield importlib.import_module("put_off")
    for name in ("put_off", "put_off.part"):
        sys.modules.pop(name, None)
    for name in ("put_off_count", "put_off_failure"):
        vars(sys).pop(name, None)


def test_it_is_loaded_at_the_first_question_and_once(package: ModuleType) -> None:
    assert not hasattr(sys, "put_off_count") and "put_off.part" not in sys.modules
    assert package.value == 42 and package.count == 1
    assert type(package) is ModuleType and sys.modules["put_off"] is package
    with pytest.raises(AttributeError, match=r"module 'put_off' has no attribute 'nothing'"):
        package.nothing  # noqa: B018


@pytest.mark.parametrize(
    "statement",
    ["from put_off import value", "from put_off import *", "from put_off.part import value"],
)
def test_every_kind_of_import_gets_what_is_in_it(package: ModuleType, statement: str) -> None:
    names: dict[str, object] = {}
    exec(statement, names)
    assert names["value"] == 42
    assert package.part.value == 42


def test_warnings_do_not_load_it(package: ModuleType) -> None:
    with pytest.warns(UserWarning, match="seen"):
        warnings.warn("seen", stacklevel=1)
    assert not hasattr(sys, "put_off_count")


def test_failure_is_raised_and_the_next_question_loads_it(package: ModuleType) -> None:
    vars(sys)["put_off_failure"] = 1
    with pytest.raises(ValueError, match="not this time"):
        package.value  # noqa: B018
    assert package.value == 42 and package.count == 2


def test_threads_that_ask_at_once_get_the_same(package: ModuleType) -> None:
    found: list[object] = []
    gate = threading.Barrier(8)

    def ask() -> None:
        gate.wait()
        found.append(package.value)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [42] * 8 and package.count == 1


def test_what_is_here_or_not_installed_stays_as_it_is() -> None:
    for name in ("json", "no_such_module_anywhere"):
        before = sys.modules.get(name)
        postpone(name)
        assert sys.modules.get(name) is before


def test_paramiko_has_it_when_it_needs_it() -> None:
    program = """\
import sys
import remotesvc.controller.ssh
remotesvc.controller.ssh.load()
import paramiko
assert "invoke" in sys.modules and "invoke.runners" not in sys.modules, "it was loaded"
known = paramiko.SSHConfig.from_text("Match exec true\\n User somebody\\n").lookup("host")
assert known["user"] == "somebody", known
import invoke
assert paramiko.config.invoke is invoke and invoke.Context
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
