"""What other accounts can see of a controller and of its children."""

import os
from pathlib import Path

import pytest

from remotesvc import Router, Secret

needs_proc = pytest.mark.skipif(not Path("/proc/self/net").exists(), reason="no /proc here")

ARGUMENT, VARIABLE, FOLDER = "argument-nobody-sees", "variable-nobody-sees", "folder-nobody-sees"


@needs_proc
def test_nothing_that_was_sent_stands_in_the_process_list(router: Router, tmp_path: Path) -> None:
    folder = tmp_path / FOLDER
    folder.mkdir()
    child = router.local(env={"TOKEN": VARIABLE}, cwd=str(folder))
    assert child.call(str.upper, ARGUMENT) == ARGUMENT.upper()
    assert child.call(len, Secret(ARGUMENT)) == len(ARGUMENT)
    assert child.call(os.getenv, "TOKEN") == VARIABLE

    for name in ("cmdline", "environ"):
        shown = Path(f"/proc/{child.info.pid}/{name}").read_bytes().decode("utf-8", "replace")
        for secret in (ARGUMENT, VARIABLE, FOLDER):
            assert secret not in shown


@needs_proc
def test_controller_listens_nowhere(router: Router) -> None:
    child = router.local()
    child.call(os.getpid)

    for pid in (os.getpid(), child.info.pid):
        sockets = {
            link[len("socket:[") : -1]
            for fd in Path(f"/proc/{pid}/fd").iterdir()
            if fd.is_symlink() and (link := os.readlink(fd)).startswith("socket:[")
        }
        assert not sockets & listening()


def listening() -> set[str]:
    """Return the inodes of all sockets of this machine that wait for connections."""
    found = set()
    for name in ("tcp", "tcp6"):
        path = Path(f"/proc/self/net/{name}")
        rows = (
            [line.split() for line in path.read_text().splitlines()[1:]] if path.exists() else []
        )
        found |= {row[9] for row in rows if row[3] == "0A"}
    for line in Path("/proc/self/net/unix").read_text().splitlines()[1:]:
        row = line.split()
        if int(row[3], 16) & 0x10000:  # __SO_ACCEPTCON
            found.add(row[6])
    return found
