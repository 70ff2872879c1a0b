"""A router that must leave nothing behind, and an account for the tests of a file."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from remotesvc import Router
from remotesvc.connect import asker
from remotesvc.connect.askpass import is_possible
from tests.connect.accounts import Account, account
from tests.integration.hosts import needs_namespaces, needs_program


@pytest.fixture
def router(no_leaks: None, empty_home: Path) -> Iterator[Router]:
    """A router of this test's own; with its end everything that it started must be gone."""
    with Router() as opened:
        yield opened


@pytest.fixture(scope="module")
def who() -> Iterator[Account]:
    """Somebody who may do nothing yet."""
    with account() as made:
        yield made


@pytest.fixture
def open_path(tmp_path: Path) -> Path:
    """A folder that every account may enter."""
    for folder in (tmp_path, *tmp_path.parents):
        if folder.owner() == tmp_path.owner() and not folder.stat().st_mode & 0o001:
            folder.chmod(folder.stat().st_mode | 0o011)
    return tmp_path


@pytest.fixture
def leader() -> Iterator[int]:
    """The first process in namespaces of its own, on a machine called machine-of-test."""
    needs_namespaces()
    needs_program("nsenter")
    program = "hostname machine-of-test; echo; exec sleep 1000"
    command = [needs_program("unshare"), "-m", "-u", "-i", "-n", "-p", "--fork", "--kill-child"]
    with subprocess.Popen([*command, "sh", "-c", program], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield int(Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text())
        process.kill()


@pytest.fixture
def other_language(monkeypatch: pytest.MonkeyPatch) -> str:
    """The locale of another language, in which programs that are started from now on speak."""
    command = shutil.which("locale")
    found = subprocess.check_output([command, "-a"], text=True).split() if command else ()
    for name in found:
        if name.lower().startswith(("de_", "fr_", "es_")):
            monkeypatch.setenv("LC_ALL", name)
            return name
    pytest.skip("no locale of another language here (apt install locales, locale-gen)")


@pytest.fixture(params=["askpass", "terminal"])
def desk(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Where ssh asks."""
    if request.param == "terminal":
        monkeypatch.setattr(asker, "is_possible", lambda: False)
    elif not is_possible():
        pytest.skip("no memfd_create here (Linux, Python 3.8)")
    kind: str = request.param
    return kind
