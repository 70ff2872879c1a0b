"""The part of the benchmarks on a host that stands still: what calls to another one take then.

The session process of its sshd is stopped, a call waits for it, and its connection stays open.
"""

import os
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from bench.contenders import Contender
from bench.host import start_host
from bench.process import Say
from bench.table import Column, Goal, Table, run_rounds
from remotesvc import Context, Router
from remotesvc.testing.server import SshServer

__all__ = ["standstill"]

MICROSECONDS = 1e6

CALLS = 2000

# What two measurements of the same thing differ by, on a machine that does something else as well.
AT_MOST = 1.15

WELL = Contender("both hosts well", "")
STILL = Contender("the other one stands still", "")


def standstill(rounds: int, say: Say) -> Iterator[Table]:
    """Calls to one of two hosts."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name, start_host(Path(name)) as server:
        for transport in ("paramiko", "openssh"):
            yield _beside(server, transport, rounds, say)


def _beside(server: SshServer, transport: str, rounds: int, say: Say) -> Table:
    column = Column("one call to a host, µs", "seconds", MICROSECONDS, is_compared=True)
    title = f"Warm call beside a host that stands still, {transport}"
    goal = Goal(f"{title} ÷ without", "seconds", STILL, WELL, AT_MOST)
    table = Table(title, (column,), WELL, (goal,))
    with Router() as router:
        options = {"config_file": str(server.config_file), "transport": transport, "share": False}
        other, called = (router.ssh("demo", name=name, **options) for name in ("other", "called"))
        session = other.call(os.getppid)
        _calls(called)

        def run(contender: Contender) -> dict[str, float]:
            if contender is WELL:
                return _calls(called)
            with _stopped(session):
                waiting = other.submit(os.getpid)
                figures = _calls(called)
                assert not waiting.done()
            waiting.result()
            return figures

        return run_rounds(table, (WELL, STILL), rounds, run, say)


def _calls(context: Context) -> dict[str, float]:
    """Return the median of many calls, one after the other."""
    times = []
    for number in range(CALLS):
        start = time.perf_counter()
        context.call(abs, number)
        times.append(time.perf_counter() - start)
    return {"seconds": median(times)}


@contextmanager
def _stopped(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)
