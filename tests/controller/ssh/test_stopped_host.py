"""One host that stands still, and the calls to all others: what is counted is calls, not time."""

import os
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from remotesvc import ConnectTimeout, Router
from remotesvc.testing.server import SshServer
from tests.controller.ssh.hosts import (
    connect,
    descendants,
    start_bare,
    stopped,
)
from tests.integration.targets import prints

# A wait for an event that is sure to come.
DEADLINE = 60.0

ROUNDS = 300

# More than all the buffers on the way hold.
LARGE = 16 * 1024 * 1024

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@pytest.fixture(scope="module")
def servers() -> Iterator[list[SshServer]]:
    """Three hosts; the first one will stand still."""
    with ExitStack() as stack:
        yield [stack.enter_context(start_bare()) for _ in range(3)]


@pytest.fixture
def router(no_leaks: None, empty_home: Path) -> Iterator[Router]:
    """A router whose end leaves nothing behind."""
    with Router(output=lambda name, stream, line: None) as opened:
        yield opened


@pytest.mark.parametrize("is_full", [False, True], ids=["idle line", "full line"])
def test_calls_to_other_hosts_keep_their_rate_while_one_stands_still(
    router: Router, servers: list[SshServer], is_full: bool
) -> None:
    stuck, *well = [connect(router, server, name=f"h{i}") for i, server in enumerate(servers)]
    for child in (stuck, *well):
        child.call(os.getpid)
    waiting: list[Future[Any]] = []
    done = 0
    with ThreadPoolExecutor(1) as pool:
        with stopped(servers[0]):
            if is_full:
                waiting.append(pool.submit(stuck.call, len, bytes(LARGE)))
            for _ in range(ROUNDS):
                if not is_full:  # else a call waits for room before it is on its way
                    waiting.append(stuck.submit(os.getpid))
                asked = [child.submit(os.getpid) for child in well]
                done += len({future.result(DEADLINE) for future in asked})

            assert done == ROUNDS * len(well)
            assert not any(future.done() for future in waiting)

        found = {future.result(DEADLINE) for future in waiting}
    assert found - {LARGE} <= set(descendants(servers[0].pid))


def test_whatever_else_is_done_with_other_hosts_goes_on_too(
    router: Router, servers: list[SshServer]
) -> None:
    stuck = connect(router, servers[0])
    stuck.call(os.getpid)
    with ThreadPoolExecutor(3) as pool:
        with stopped(servers[0]):
            sending = pool.submit(stuck.call, len, bytes(LARGE))
            beside = pool.submit(connect, router, servers[0], connect_timeout=1)
            alone = pool.submit(connect, router, servers[0], connect_timeout=1, share=False)
            for server in servers[1:]:
                for _ in range(3):
                    child = connect(router, server)
                    assert child.call(len, bytes(LARGE)) == LARGE
                    assert len(child.call(bytes, LARGE)) == LARGE
                    assert child.call(prints.flood, 100_000)
                    child.shutdown(DEADLINE)

            assert not sending.done()
            for waiting in (beside, alone):
                with pytest.raises(ConnectTimeout):
                    waiting.result(DEADLINE)
        assert sending.result(DEADLINE) == LARGE
