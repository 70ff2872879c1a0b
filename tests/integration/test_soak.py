"""The long ones: thousands of starts and ends, and parents killed at any moment (`make soak`)."""

import os
import random
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from remotesvc import Router
from tests.controller.ssh.hosts import start_bare
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
AT_ONCE = 100

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


@pytest.mark.sshd
@pytest.mark.parametrize("share", [True, False], ids=["shared", "one connection each"])
def test_a_hundred_children_at_once_on_one_server_all_connect(
    empty_home: Path, share: bool
) -> None:
    default = ("MaxStartups 10:30:100", "MaxSessions 10")
    barrier = threading.Barrier(AT_ONCE)
    before = holdings()
    with start_bare("sshd", extra_config=default) as server, Router() as router:

        def connect(_: int) -> int:
            barrier.wait()
            child = router.ssh("demo", config_file=server.config_file, share=share)
            return child.call(os.getpid)

        with ThreadPoolExecutor(AT_ONCE) as pool:
            found = set(pool.map(connect, range(AT_ONCE)))
        logins = server.log_text().count("Accepted publickey")
    assert len(found) == AT_ONCE
    assert logins == (AT_ONCE // 10 if share else AT_ONCE)
    assert wait_for_release(before) == []


@pytest.mark.parametrize("what", KILLED_WHILE)
def test_no_child_survives_a_parent_that_is_killed_at_any_moment(what: str) -> None:
    kill_at_moments(what, KILLS // len(KILLED_WHILE), random.Random(f"4711 {what}"))


@pytest.mark.parametrize("function", TREES_KILLED_WHILE)
def test_nobody_of_a_tree_survives_a_parent_that_is_killed_at_any_moment(function: str) -> None:
    count = KILLS // len(TREES_KILLED_WHILE)
    kill_trees_at_moments(function, count, random.Random(f"4711 {function}"))
