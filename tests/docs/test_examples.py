"""The programs in examples/ show what they promise, on children of any Python and over SSH."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from remotesvc.testing.options import Kind
from remotesvc.testing.server import available_kinds
from tests.integration.hosts import start_host
from tests.integration.pythons import OLDEST

FILE_SERVICE = Path(__file__).resolve().parents[2] / "examples" / "file_service.py"

# Has `router.local()` start another Python: the program itself has no such option.
PROLOGUE = """
import functools
import remotesvc
remotesvc.Router.local = functools.partialmethod(remotesvc.Router.local, python_path={python!r})
"""

STEPS = r"""(\S+) has fetched /etc/hosts, (\d+) bytes
\1 has fetched (\S+), (\d+) bytes
\1 may not have another: PermissionError: /etc/passwd is not given away
\1 tells us that its load is [\d.]+
(\S+) asks the same and hears: \1: Status\.load is refused to context 2 by its policy AllowParents
"""


def shown(*arguments: str, **environment: str) -> "re.Match[str]":
    """Run it; return how its lines match what they should be."""
    done = subprocess.run(
        [sys.executable, "-W", "error", str(FILE_SERVICE), *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **environment},
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    match = re.fullmatch(STEPS, done.stdout)
    assert match, done.stdout
    return match


@pytest.mark.parametrize("python", [sys.executable, OLDEST.path], ids=["own", str(OLDEST)])
def test_file_service_gives_files_away_and_refuses_the_sibling(
    tmp_path: Path, empty_home: Path, python: str
) -> None:
    (tmp_path / "sitecustomize.py").write_text(PROLOGUE.format(python=python))

    match = shown(PYTHONPATH=str(tmp_path))

    sizes = [os.path.getsize("/etc/hosts"), os.path.getsize(FILE_SERVICE)]
    assert [int(match[2]), int(match[4])] == sizes
    assert (match[1], match[3], match[5]) == ("child-1", str(FILE_SERVICE), "child-2")


@pytest.mark.parametrize("kind", [pytest.param("sshd", marks=pytest.mark.sshd), "embedded"])
def test_file_service_serves_hosts(tmp_path: Path, empty_home: Path, kind: Kind) -> None:
    if kind not in available_kinds():
        pytest.skip(f"no {kind} on this machine")
    with start_host(tmp_path, kind=kind) as host:
        match = shown("-F", str(host.server.config_file), "demo")

    assert (match[1], match[5]) == ("demo", "demo.2")


def test_file_service_tells_how_it_is_used() -> None:
    done = subprocess.run(
        [sys.executable, str(FILE_SERVICE), "--help"], capture_output=True, text=True, check=True
    )

    assert done.stdout.startswith("usage: file_service.py")
