"""The parts of the benchmarks: who takes part in each, what is asked of them, what is promised."""

import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from statistics import median

from bench.contenders import (
    BARE,
    EXECNET,
    MITOGEN,
    OPENSSH,
    PARAMIKO,
    REMOTESVC,
    REMOTESVC_NAMED,
    REMOTESVC_PICKLE,
    Contender,
    with_modules,
)
from bench.hops import hops
from bench.host import connect, start_host
from bench.nested import write_nested
from bench.process import PeerProcess, Say, measure
from bench.standstill import standstill
from bench.table import Column, Goal, Table, run_rounds
from remotesvc.testing.server import SshServer

__all__ = ["PARTS", "Part"]

Part = Callable[[int, Say], Iterator[Table]]

# Starts per process and round; the first one, with the import of the library, is told apart.
LOCAL_STARTS = 9
NEAR_CONNECTS = 3

STREAM_VALUES = 1_000_000

MILLISECONDS = 1e3
MICROSECONDS = 1e6
MEBIBYTES = 1 / (1024 * 1024)

# Round trips in seconds. They are counted at the longest one: what an end takes to answer,
# also on a busy machine, must be well below the one-way delay (remotesvc/testing/round_trips.py).
ROUND_TRIPS = {"at_50": 0.05, "at_200": 0.2}


def local(rounds: int, say: Say) -> Iterator[Table]:
    """Start of a child on this machine and its first call."""
    columns = (
        Column("with import, ms", "cold", MILLISECONDS, is_compared=True),
        Column("start + first call, ms", "seconds", MILLISECONDS, 1, is_compared=True),
    )
    goal = Goal(
        "local start + first call, remotesvc ÷ mitogen", "seconds", REMOTESVC, MITOGEN, 0.4
    )
    table = Table("Local child", columns, MITOGEN, (goal,))
    contenders = (MITOGEN, EXECNET, REMOTESVC, REMOTESVC_NAMED)

    def run(contender: Contender) -> dict[str, float]:
        return measure(contender, "local", str(LOCAL_STARTS))

    yield run_rounds(table, contenders, rounds, run, say)


def memory(rounds: int, say: Say) -> Iterator[Table]:
    """What a child holds after its first call."""
    columns = (
        Column("RSS, MiB", "rss", MEBIBYTES, 1, is_compared=True),
        Column("PSS, MiB", "pss", MEBIBYTES, 1),
        Column("USS, MiB", "uss", MEBIBYTES, 1, is_compared=True),
    )
    goals = tuple(
        Goal(f"{key.upper()} of the child, {one.label} ÷ mitogen", key, one, MITOGEN, 1.0)
        for key in ("rss", "uss")
        for one in (REMOTESVC, REMOTESVC_NAMED)
    )
    table = Table("Memory of a child after the first call", columns, MITOGEN, goals)
    contenders = (BARE, MITOGEN, EXECNET, REMOTESVC, REMOTESVC_NAMED)
    yield run_rounds(table, contenders, rounds, lambda one: measure(one, "memory"), say)


def ssh(rounds: int, say: Say) -> Iterator[Table]:
    """Connect and first call over SSH, near and far."""
    columns = (
        Column("with import, s", "cold", digits=3),
        Column("no latency, s", "near", digits=3, is_compared=True),
        Column("50 ms, s", "at_50", digits=3),
        Column("200 ms, s", "at_200", digits=2, is_compared=True),
        Column("round trips", "round_trips"),
        Column("bytes up", "bytes_up"),
        Column("bytes down", "bytes_down"),
    )
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        write_nested(folder)
        many = with_modules(REMOTESVC, name)
        goals = (
            Goal("round trips, remotesvc ÷ paramiko", "round_trips", REMOTESVC, PARAMIKO, 1.0),
            Goal("round trips, with ÷ without 60 modules", "round_trips", many, REMOTESVC, 1.0),
        )
        table = Table("SSH: connect + first call", columns, MITOGEN, goals)
        others = (OPENSSH, PARAMIKO, EXECNET, MITOGEN, with_modules(MITOGEN, name))
        with start_host(folder) as server:

            def run(contender: Contender) -> dict[str, float]:
                return _connects(contender, server)

            yield run_rounds(table, (*others, REMOTESVC, many), rounds, run, say)


def _connects(contender: Contender, server: SshServer) -> dict[str, float]:
    """Let one contender connect often, the server near at first and then ever farther."""
    with PeerProcess(contender, "ssh") as peer:
        cold = connect(peer, server)["seconds"]
        near = [connect(peer, server)["seconds"] for _ in range(NEAR_CONNECTS)]
        sample = {"cold": cold, "near": median(near)}
        for key, round_trip in ROUND_TRIPS.items():
            figures = connect(peer, server, round_trip)
            sample[key] = figures.pop("seconds")
            sample.update(figures)
    return sample


def warm(rounds: int, say: Say) -> Iterator[Table]:
    """Calls to a child that is there: one at a time, and many in flight."""
    columns = (
        Column("one call, µs", "seconds", MICROSECONDS, is_compared=True),
        Column("1,000 in flight, per second", "rate", is_compared=True),
    )
    contenders = (MITOGEN, EXECNET, REMOTESVC)
    with tempfile.TemporaryDirectory(prefix="bench-") as name, start_host(Path(name)) as server:
        for title, at_most, options in (
            ("Warm call, local", 0.45, ()),
            ("Warm call, over SSH", 0.55, ("--config", str(server.config_file))),
        ):
            goals = (
                Goal(f"{title}, remotesvc ÷ mitogen", "seconds", REMOTESVC, MITOGEN, at_most),
                Goal(f"{title}, 1,000 in flight: time of each", "each", REMOTESVC, MITOGEN, 1 / 3),
            )
            table = Table(title, columns, MITOGEN, goals)

            def run(contender: Contender, options: tuple[str, ...] = options) -> dict[str, float]:
                return measure(contender, "warm", *options)

            yield run_rounds(table, contenders, rounds, run, say)


def results(rounds: int, say: Say) -> Iterator[Table]:
    """Large results: one piece of bytes, and many small values."""
    columns = (
        Column("1 MiB of bytes, ms", "megabyte", MILLISECONDS, 2, is_compared=True),
        Column("100,000 elements, ms", "nested", MILLISECONDS, 1, is_compared=True),
    )
    size, shape = "1 MiB of bytes, remotesvc", "100,000 elements, remotesvc"
    goals = (
        Goal(f"{size} ÷ mitogen", "megabyte", REMOTESVC, MITOGEN, 1.0),
        Goal(f"{size} ÷ execnet", "megabyte", REMOTESVC, EXECNET, 1.0),
        Goal(f"{shape} ÷ mitogen", "nested", REMOTESVC, MITOGEN, 4.0),
        Goal(f"{shape}, as a pickle ÷ mitogen", "nested", REMOTESVC_PICKLE, MITOGEN, 1.0),
    )
    table = Table("Large results, local", columns, MITOGEN, goals)
    contenders = (MITOGEN, EXECNET, REMOTESVC, REMOTESVC_PICKLE)
    yield run_rounds(table, contenders, rounds, lambda one: measure(one, "results"), say)


def streams(rounds: int, say: Say) -> Iterator[Table]:
    """A stream of small values from a child, and what both ends hold after it."""
    columns = (
        Column("a value, µs", "seconds", MICROSECONDS, 2, is_compared=True),
        Column("values per second", "rate", is_compared=True),
        Column("more memory here, MiB", "here", MEBIBYTES, 1),
        Column("in the child, MiB", "there", MEBIBYTES, 1),
    )
    goals = tuple(
        Goal(f"a small value of a stream, remotesvc ÷ {one.label}", "seconds", REMOTESVC, one, 0.2)
        for one in (MITOGEN, EXECNET)
    )
    table = Table(f"Stream of {STREAM_VALUES:,} small values, local", columns, MITOGEN, goals)
    contenders = (MITOGEN, EXECNET, REMOTESVC)

    def run(contender: Contender) -> dict[str, float]:
        return measure(contender, "stream", str(STREAM_VALUES))

    yield run_rounds(table, contenders, rounds, run, say)


def services(rounds: int, say: Say) -> Iterator[Table]:
    """Calls of services, down and up, and many callers of one run."""
    columns = (
        Column("controller → child, µs", "down", MICROSECONDS, is_compared=True),
        Column("child → controller, µs", "up", MICROSECONDS, is_compared=True),
    )
    contenders = (MITOGEN, REMOTESVC)
    with tempfile.TemporaryDirectory(prefix="bench-") as name, start_host(Path(name)) as server:
        for title, at_most, options in (
            ("Warm service call, local", 0.5, ()),
            ("Warm service call, over SSH", 0.55, ("--config", str(server.config_file))),
        ):
            goals = tuple(
                Goal(f"{title}, {way}, remotesvc ÷ mitogen", key, REMOTESVC, MITOGEN, at_most)
                for way, key in (("to the child", "down"), ("from the child", "up"))
            )
            table = Table(title, columns, MITOGEN, goals)

            def run(contender: Contender, options: tuple[str, ...] = options) -> dict[str, float]:
                return measure(contender, "service", *options)

            yield run_rounds(table, contenders, rounds, run, say)
    yield _together(rounds, contenders, say)


def _together(rounds: int, contenders: Iterable[Contender], say: Say) -> Table:
    """Return what many callers of one run of a method take in the child."""
    columns = (Column("runs", "runs"), Column("threads of the pool taken", "threads"))
    goals = tuple(
        Goal(f"200 callers of one run, remotesvc ÷ mitogen: {key}", key, REMOTESVC, MITOGEN, 1.0)
        for key in ("runs", "threads")
    )
    table = Table("200 callers of one run", columns, MITOGEN, goals)
    return run_rounds(table, contenders, rounds, lambda one: measure(one, "once"), say)


PARTS: dict[str, Part] = {
    "local": local,
    "ssh": ssh,
    "memory": memory,
    "warm": warm,
    "results": results,
    "streams": streams,
    "services": services,
    "hops": hops,
    "standstill": standstill,
}
