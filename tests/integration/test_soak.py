"""The long ones: thousands of starts and ends, and parents killed at any moment (`make soak`)."""

import os
import random
import select
import subprocess
import sys
from pathlib import Path

import pytest

from remotesvc import Router
from tests.integration.hosts import start_host
from tests.integration.test_ends import PROGRAM
from tests.leaks import holdings, wait_for_release
from tests.testing.client import wait_for_end

pytestmark = [
    pytest.mark.soak,
    pytest.mark.timeout(900),
    pytest.mark.skipif(sys.platform != "linux", reason="reads /proc"),
]

LOCAL_CYCLES = 1000
SSH_CYCLES = 200
KILLS = 100

# A local child is there after some 50 ms; later moments hit a controller that waits.
LATEST_KILL = 0.4

# Resident memory may grow this much over all cycles: caches fill, allocators keep what they have.
GROWTH_KB = 8 * 1024


def resident_kb() -> int:
    """Return this process's resident memory."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise AssertionError("no VmRSS in /proc/self/status")


def test_a_thousand_local_cycles_stay_flat(empty_home: Path) -> None:
    def cycle() -> None:
        with Router() as router:
            router.local().call(os.getpid)

    for _ in range(50):
        cycle()
    before, memory = holdings(), resident_kb()

    for _ in range(LOCAL_CYCLES):
        cycle()

    assert wait_for_release(before) == []
    assert resident_kb() - memory < GROWTH_KB


def test_two_hundred_cycles_over_ssh_stay_flat(empty_home: Path, tmp_path: Path) -> None:
    with start_host(tmp_path) as host:

        def cycle() -> None:
            with Router() as router:
                host.connect(router).call(os.getpid)

        for _ in range(20):
            cycle()
        before, memory = holdings(), resident_kb()

        for _ in range(SSH_CYCLES):
            cycle()

        assert wait_for_release(before) == []
        assert resident_kb() - memory < GROWTH_KB


def descendants(pid: int) -> list[int]:
    """Return the process ids below a process, as far as it lives."""
    found = []
    for listing in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, listing.read_text().split()):
            found += [child, *descendants(child)]
    return found


def test_no_child_survives_a_parent_that_is_killed_at_any_moment() -> None:
    moments = random.Random(4711)
    for _ in range(KILLS):
        process = subprocess.Popen(
            [sys.executable, str(PROGRAM), "hold", "idle"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=PROGRAM.parents[2],
        )
        with process:
            assert process.stdout is not None
            # Its first word or the moment, whichever is earlier.
            select.select([process.stdout], [], [], moments.uniform(0.1, LATEST_KILL))
            children = descendants(process.pid)
            process.kill()
        for pid in children:
            wait_for_end(pid)
