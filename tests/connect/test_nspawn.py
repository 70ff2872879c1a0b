"""Children in the namespaces of a machine: of real ones, found by a stand-in for machinectl."""

import os
import sys
from pathlib import Path

import pytest

from remotesvc import ResolveError, Router
from remotesvc.connect.nspawn import argv
from tests.integration.hosts import write_program


def test_all_namespaces_of_the_leader_are_entered() -> None:
    entered = "nsenter -t 42 -m -u -i -n -p -r -w"
    assert argv(["id"], 42) == [*entered.split(), "--", "id"]
    assert argv(["id"], 42, 1000, True) == [
        *entered.split(),
        *("-U", "-S", "1000", "-G", "1000", "--", "id"),
    ]


def test_machine_is_entered_by_the_pid_of_its_leader(router: Router, leader: int) -> None:
    child = router.nspawn(str(leader), python_path=sys.executable)
    assert child.name == f"nspawn:{leader}"
    assert child.call(os.uname)[1] == "machine-of-test"
    there = child.call(os.readlink, "/proc/self/ns/mnt")
    assert there == os.readlink(f"/proc/{leader}/ns/mnt")


def test_machine_is_found_by_its_name(
    router: Router, leader: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_program(
        tmp_path / "machinectl",
        '#!/bin/sh\nfor name do :; done\n[ "$name" = web ] || '
        f'{{ echo "No machine $name known" >&2; exit 1; }}\necho Leader={leader}\n',
    )
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    child = router.nspawn("web", python_path=sys.executable)
    assert child.call(os.uname)[1] == "machine-of-test"
    with pytest.raises(ResolveError, match=r"`machinectl list`.* It said: No machine db known"):
        router.nspawn("db")
