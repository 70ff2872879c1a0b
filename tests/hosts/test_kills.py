"""Controllers that are killed while they have a tree on three hosts: nothing of it stays."""

import json
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.connect.accounts import Account, shared_python
from tests.hosts.lab import Lab
from tests.integration.controllers import ALL_GONE, environment

PROGRAM = Path(__file__).with_name("tree_program.py")

# It begins to connect after 0.2 s, and closes after 1.5 s; both are longer on a busy machine.
LATEST_KILL = 2.5

# For who wants to know what stays: that is told then.
DEADLINE = 30.0

pytestmark = [pytest.mark.namespaces, pytest.mark.timeout(1800)]


def everything(lab: Lab) -> set[int]:
    """Return the pids of all that runs in the lab: sessions and clients of SSH, too."""
    machines = (lab.controller, *(host.machine for host in lab.hosts))
    return {pid for machine in machines for pid in machine.processes()}


@pytest.mark.parametrize(
    "count",
    [pytest.param(5, marks=pytest.mark.hosts), pytest.param(100, marks=pytest.mark.soak)],
)
def test_no_process_survives_a_controller_that_is_killed_at_any_moment(
    lab: Lab, admin: Account, empty_home: Path, count: int
) -> None:
    moments = random.Random(4711)
    before = everything(lab)
    for _ in range(count):
        moment = moments.uniform(0, LATEST_KILL)
        kill_after(moment, lab, admin)
        killed = time.monotonic()
        while left := everything(lab) - before:
            passed = time.monotonic() - killed
            assert passed < DEADLINE, f"killed after {moment:.3f} s: {commands(left)} stay"
            time.sleep(0.02)  # the kernel has no event for the end of what is not ours
        passed = time.monotonic() - killed
        print(f"killed after {moment:.3f} s: all gone {passed:.3f} s later")
        assert passed <= ALL_GONE


def kill_after(moment: float, lab: Lab, who: Account) -> None:
    """Run the program, and kill it a moment after it was told what to do."""
    given = {
        "config_file": str(lab.config_file),
        "username": who.name,
        "password": who.password,
        "python": shared_python(),
    }
    with subprocess.Popen(
        [sys.executable, str(PROGRAM)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        env=environment({}),
    ) as process:
        assert process.stdin is not None
        process.stdin.write(json.dumps(given).encode() + b"\n")
        process.stdin.flush()
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(moment)  # until the moment: it does not end by itself
        process.kill()


def commands(pids: set[int]) -> list[str]:
    found = []
    for pid in pids:
        try:
            text = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ")
        except OSError:
            continue
        found.append(f"{pid} {text[:200]!r}")
    return found
