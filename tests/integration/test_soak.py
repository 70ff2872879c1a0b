"""The long ones: thousands of starts and ends, and parents killed at any moment (`make soak`)."""

import os
import random
import sys
from pathlib import Path

import pytest

from remotesvc import Router
from tests.integration.controllers import kill_at_moments, kill_trees_at_moments
from tests.integration.hosts import start_host
from tests.leaks import holdings, resident_kb, wait_for_release

pytestmark = [
    pytest.mark.soak,
    pytest.mark.timeout(900),
    pytest.mark.skipif(sys.platform != "linux", reason="reads /proc"),
]

LOCAL_CYCLES = 1000
SSH_CYCLES = 200
KILLS = 100

# What the child's main thread does: waits for calls, runs Python, or waits in C without the GIL.
TREES_KILLED_WHILE = ("loop", "sleep", "wait_for_lock", "ignore_interrupts")
KILLED_WHILE = ("idle", "loop", "sleep", "wait_for_lock", "wait_for_process")

# Resident memory may grow this much over all cycles: caches fill, allocators keep what they have.
GROWTH_KB = 8 * 1024


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


@pytest.mark.parametrize("what", KILLED_WHILE)
def test_no_child_survives_a_parent_that_is_killed_at_any_moment(what: str) -> None:
    kill_at_moments(what, KILLS // len(KILLED_WHILE), random.Random(f"4711 {what}"))


@pytest.mark.parametrize("function", TREES_KILLED_WHILE)
def test_nobody_of_a_tree_survives_a_parent_that_is_killed_at_any_moment(function: str) -> None:
    count = KILLS // len(TREES_KILLED_WHILE)
    kill_trees_at_moments(function, count, random.Random(f"4711 {function}"))
