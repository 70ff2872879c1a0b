"""The part of the benchmarks on contexts behind contexts: a chain of them, a host behind one.

The other host is the same machine; each link has a delay line of its own.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.contenders import MITOGEN, REMOTESVC, Contender
from bench.host import start_host
from bench.process import PeerProcess, Say, measure
from bench.table import Column, Goal, Table, run_rounds
from remotesvc.testing.proxy import DelayProxy
from remotesvc.testing.server import SshServer

__all__ = ["hops"]

MILLISECONDS = 1e3
MICROSECONDS = 1e6

# In seconds, on each of the two links.
ROUND_TRIP = 0.05

# One more than what it takes to be as good as the other.
AT_MOST = 0.6


def hops(rounds: int, say: Say) -> Iterator[Table]:
    """Chains of contexts: how long they take to open, and a call through them."""
    yield _chain(rounds, say)
    yield _hop(rounds, say)


def _chain(rounds: int, say: Say) -> Table:
    columns = (
        Column("open 5 + first call, ms", "opened", MILLISECONDS, 1, is_compared=True),
        Column("warm call, 1 level, µs", "one", MICROSECONDS, is_compared=True),
        Column("5 levels, µs", "five", MICROSECONDS, is_compared=True),
        Column("5 levels ÷ 1 level", "depth", digits=2),
    )
    goals = (
        Goal("chain of 5, opened, remotesvc ÷ mitogen", "opened", REMOTESVC, MITOGEN, AT_MOST),
        Goal("chain of 5, warm call, remotesvc ÷ mitogen", "five", REMOTESVC, MITOGEN, AT_MOST),
        Goal("warm call, 5 levels ÷ 1 level, remotesvc", "depth_six", REMOTESVC, MITOGEN, 1.0),
    )
    table = Table("Chain of five local contexts", columns, MITOGEN, goals)

    def run(contender: Contender) -> dict[str, float]:
        sample = measure(contender, "chain", "5")
        sample["depth"] = sample["five"] / sample["one"]
        # The goal is 6 for us, whatever the other one does.
        sample["depth_six"] = sample["depth"] / 6 if contender is REMOTESVC else 1.0
        return sample

    return run_rounds(table, (MITOGEN, REMOTESVC), rounds, run, say)


def _hop(rounds: int, say: Say) -> Table:
    columns = (
        Column("no latency, s", "near", digits=3, is_compared=True),
        Column("50 ms on each link, s", "far", digits=2, is_compared=True),
        Column("round trips, outer link", "outer"),
        Column("inner link", "inner"),
    )
    goals = tuple(
        Goal(f"hop over SSH, {text}, remotesvc ÷ mitogen", key, REMOTESVC, MITOGEN, AT_MOST)
        for key, text in (("near", "no latency"), ("far", "50 ms on each link"))
    )
    title = "A host behind a host: connect to both + first call there"
    table = Table(title, columns, MITOGEN, goals)
    with tempfile.TemporaryDirectory(prefix="bench-") as name, start_host(Path(name)) as server:

        def run(contender: Contender) -> dict[str, float]:
            with PeerProcess(contender, "hop") as peer:
                path = str(server.config_file)
                peer.ask(f"{path} {path}")  # with the import of the library
                peer.ask("")
                near = peer.ask(f"{path} {path}")["seconds"]
                peer.ask("")
                with _behind(server) as (outer, inner, paths):
                    far = peer.ask(" ".join(paths))["seconds"]
                    counts = [one.counts() for one in (outer, inner)]
                    peer.ask("")
            trips = [float(one.round_trips + one.connections) for one in counts]
            return {"near": near, "far": far, "outer": trips[0], "inner": trips[1]}

        return run_rounds(table, (MITOGEN, REMOTESVC), rounds, run, say)


@contextmanager
def _behind(server: SshServer) -> Iterator[tuple[DelayProxy, DelayProxy, list[str]]]:
    """Put a delay line on each of two links to a server; the paths are those of ssh_configs."""
    known_hosts = server.known_hosts.read_text()
    with (
        DelayProxy(server.port, ROUND_TRIP / 2) as outer,
        DelayProxy(server.port, ROUND_TRIP / 2) as inner,
    ):
        configs = [server.config_for_port(proxy.port) for proxy in (outer, inner)]
        yield outer, inner, [str(config) for config in configs]
    for config in configs:
        config.unlink()
    server.known_hosts.write_text(known_hosts)
