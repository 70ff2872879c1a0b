"""Contexts in contexts whose code does not care: signals ignored, the GIL held."""

import os
import signal
from pathlib import Path

from remotesvc import Router
from tests.integration.lines import Lines
from tests.integration.targets import stubborn
from tests.testing.client import wait_for_end

DEADLINE = 30.0

# What holds the GIL for so long keeps a relay from passing anything on.
HELD = 3.0


def test_contexts_that_ignore_sigterm_end_with_the_router(
    no_leaks: None, empty_home: Path
) -> None:
    with Router() as router:
        relay = router.local()
        inner = router.local(via=relay)
        for context in (relay, inner):
            context.call(signal.signal, signal.SIGTERM, signal.SIG_IGN)
        pids = [context.info.pid for context in (relay, inner)]
        for pid in pids:
            os.kill(pid, signal.SIGTERM)
        assert inner.call(os.getpid) == pids[1]
    for pid in pids:
        wait_for_end(pid)


def test_relay_that_holds_the_gil_for_three_seconds_delays_what_is_behind_it_and_loses_nothing(
    router: Router, lines: Lines
) -> None:
    relay = router.local(name="relay")
    inner = router.local(via=relay)
    assert inner.call(abs, -1) == 1
    held = relay.submit(stubborn.count_in_c, HELD)
    futures = [inner.submit(abs, -number) for number in range(100)]

    assert [one.result(DEADLINE) for one in futures] == list(range(100))
    assert held.result(DEADLINE) > HELD / 3
    assert inner.connected and relay.connected
