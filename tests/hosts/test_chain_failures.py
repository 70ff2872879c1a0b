"""What becomes of a chain of contexts when something in it goes, stands still, or is full."""

import os
import signal
import subprocess
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future

import pytest

from remotesvc import Context, DisconnectedError
from tests.connect.pods import running_podman
from tests.hosts.chains import Chain
from tests.testing.client import wait_for_end

pytestmark = [pytest.mark.namespaces, pytest.mark.hosts]

DEADLINE = 60.0

# 100 MB each way at once, in calls of 1 MB. Calls have no credit: a relay refuses what exceeds the
# 64 MiB of its queue, so fewer are under way than would.
PIECES, PIECE, UNDER_WAY = 100, 1 << 20, 24


def open_all(chain: Chain) -> list[int]:
    """Open bastion, inner2 and root there; return the pids of their children."""
    chain.inner(chain.lab.inner2)
    chain.root()
    return [context.info.pid for context in chain.contexts]


def lost(future: "Future[None]") -> str:
    error = future.exception(DEADLINE)
    assert isinstance(error, DisconnectedError)
    return str(error)


@pytest.mark.parametrize("cable", ["bastion", "inner2"])
def test_cut_cable_ends_all_that_is_behind_it(alert_chain: Chain, cable: str) -> None:
    pids = open_all(alert_chain)
    future = alert_chain.contexts[-1].submit(time.sleep, 1000)

    getattr(alert_chain.lab, cable).cable.cut()

    assert lost(future)
    for pid in pids if cable == "bastion" else pids[1:]:
        wait_for_end(pid)


def test_killed_bastion_ends_the_whole_chain(chain: Chain) -> None:
    pids = open_all(chain)
    future = chain.contexts[-1].submit(time.sleep, 1000)

    chain.lab.bastion.machine.kill()

    assert lost(future)
    for pid in pids:
        wait_for_end(pid)


def kill_child_of_bastion(chain: Chain, pids: list[int]) -> None:
    os.kill(pids[0], signal.SIGKILL)


def kill_ssh_in_bastion(chain: Chain, pids: list[int]) -> None:
    chain.lab.bastion.machine.kill("ssh")


def kill_sshd_of_inner(chain: Chain, pids: list[int]) -> None:
    chain.lab.inner2.server().kill()


def kill_child_of_inner(chain: Chain, pids: list[int]) -> None:
    os.kill(pids[1], signal.SIGKILL)


def kill_sudo(chain: Chain, pids: list[int]) -> None:
    chain.lab.inner2.machine.kill("sudo")


# What is killed, and how many of the three children go with it, counted from the end.
KILLS: list[tuple[Callable[[Chain, list[int]], None], int]] = [
    (kill_child_of_bastion, 3),
    (kill_ssh_in_bastion, 2),
    (kill_sshd_of_inner, 2),
    (kill_child_of_inner, 2),
    (kill_sudo, 1),
]


@pytest.mark.parametrize(("kill", "gone"), KILLS, ids=[kill.__name__ for kill, _ in KILLS])
def test_what_is_killed_takes_what_is_behind_it(
    chain: Chain, kill: Callable[[Chain, list[int]], None], gone: int
) -> None:
    pids = open_all(chain)
    futures = [context.submit(time.sleep, 1000) for context in chain.contexts[-gone:]]
    staying = chain.contexts[:-gone]

    kill(chain, pids)

    for future in futures:
        assert lost(future)
    for pid in pids[-gone:]:
        wait_for_end(pid)
    for context, pid in zip(staying, pids, strict=False):
        assert context.call(os.getpid) == pid


def test_killed_container_is_told_and_its_host_goes_on(chain: Chain) -> None:
    with running_podman() as (program, name):
        chain.podman = (program, name)
        open_all(chain)
        inside = chain.container()
        assert inside.call(os.getpid) == inside.info.pid
        future = inside.submit(time.sleep, 1000)

        subprocess.run([program, "kill", name], check=True, stdout=subprocess.DEVNULL)

        assert f"podman:{name} is gone: " in lost(future)
        assert chain.contexts[-2].call(os.getuid) == 0


@pytest.mark.parametrize("which", ["bastion", "inner2"])
def test_host_that_is_suspended_on_the_way_delays_only(chain: Chain, which: str) -> None:
    pids = open_all(chain)
    machine = getattr(chain.lab, which).machine
    machine.signal(signal.SIGSTOP)
    future = chain.contexts[-1].submit(os.getpid)
    machine.signal(signal.SIGCONT)
    assert future.result(DEADLINE) == pids[-1]


def test_calls_go_on_while_the_sshd_of_another_host_is_stopped(chain: Chain) -> None:
    bastion = chain.bastion()
    stopped, going = chain.inner(chain.lab.inner1), chain.inner(chain.lab.inner2)
    assert stopped.call(abs, -1) == going.call(abs, -1) == 1

    chain.lab.inner1.server().stop()

    waiting = stopped.submit(os.getpid)
    for number in range(100):
        assert going.call(abs, -number) == bastion.call(abs, -number) == number
    assert not waiting.done()
    chain.lab.inner1.server().cont()
    assert waiting.result(DEADLINE) == stopped.info.pid


def test_hundred_megabytes_each_way_at_once_pass_through_two_hops(chain: Chain) -> None:
    inner = chain.inner(chain.lab.inner1)
    piece = os.urandom(PIECE)
    under_way: deque[Future[bytes]] = deque()
    for _ in range(PIECES):
        if len(under_way) == UNDER_WAY:
            assert under_way.popleft().result(DEADLINE) == piece
        under_way.append(inner.submit(bytes, piece))
    assert all(future.result(DEADLINE) == piece for future in under_way)
    assert_alive(chain.contexts)


def assert_alive(contexts: list[Context]) -> None:
    for context in contexts:
        assert context.call(abs, -1) == 1
