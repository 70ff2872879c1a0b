"""The tasks that every peer is given: the same clock around the same steps.

A peer is a class: its constructor imports the library and makes what a program keeps (a router, a
group); `local` and `ssh` start a child; `call` runs a function there; `close` ends a child and
waits for it; `stop` ends the rest. Results are printed as JSON, one object per line.
"""

import argparse
import importlib
import json
import os
import statistics
import sys
from collections.abc import Callable
from time import perf_counter
from typing import Any

from bench.nested import ENTRY, MODULE_COUNT
from bench.peers import services, values

__all__ = ["HOST", "main"]

# The name that the throw-away server has in its ssh_config.
HOST = "demo"

# Calls before the clock runs, and calls that it sees one by one.
WARM_UP = 200
CALLS = 2000

# How many calls are sent before the first reply is taken.
IN_FLIGHT = 1000
FLIGHTS = 9

# Results of each kind: first so many that the clock does not see, then those that it does.
RESULTS_BEFORE = 3
RESULTS = 15

# Values of a stream, and how many are read before the memory of both ends is looked at.
STREAM_BEFORE = 50_000

# Chains of contexts: the first one is not counted.
CHAINS = 4

# Callers of the one run of a method.
WAITERS = 200

# What the fields of /proc/PID/smaps_rollup are in.
KIB = 1024


def main(peer_class: Callable[[], Any]) -> None:
    """Do the task that the command line names with one peer."""
    options = _parse()
    started = perf_counter()
    peer = peer_class()
    try:
        TASKS[options.task](peer, options, started)
    finally:
        peer.stop()


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.peers.NAME")
    parser.add_argument("task", choices=sorted(TASKS))
    parser.add_argument(
        "count", nargs="?", type=int, default=9, help="starts, or values of a stream"
    )
    parser.add_argument("--python", help="name this interpreter instead of taking the default")
    parser.add_argument("--modules", help="folder with the package whose import is the first call")
    parser.add_argument("--results", help="how remotesvc's results travel, if not by default")
    parser.add_argument("--config", help="ssh_config of the host that the warm calls go to")
    return parser.parse_args()


def _local(peer: Any, options: argparse.Namespace, started: float) -> None:
    """Start children one after the other; the first one with all that its library needs."""
    times: list[float] = []
    for _ in range(1 + options.count):
        before = perf_counter()
        child = peer.local(options.python)
        _check(peer.call(child, os.getpid))
        times.append(perf_counter() - (before if times else started))
        peer.close(child)
    _print(cold=times[0], seconds=statistics.median(times[1:]))


def _memory(peer: Any, options: argparse.Namespace, started: float) -> None:
    child = peer.local(options.python)
    pid = peer.call(child, os.getpid)
    _print(**_resident(_check(pid)))
    peer.close(child)


def _ssh(peer: Any, options: argparse.Namespace, started: float) -> None:
    """Connect once for each ssh_config named on stdin; an empty line ends the connection.

    After each step a line is printed. The first time counts from the start of this program's
    work, so it holds the import of the library.
    """
    function = _load_entry(options.modules) if options.modules else os.getpid
    child = None
    for line in sys.stdin:
        if not line.strip():
            peer.close(child)
            _print()
            continue
        before = started or perf_counter()
        child = peer.ssh(line.strip())
        result = peer.call(child, function)
        _print(seconds=perf_counter() - before)
        _check(result, MODULE_COUNT if options.modules else None)
        started = 0.0


def _warm(peer: Any, options: argparse.Namespace, started: float) -> None:
    child = _open(peer, options)
    call = peer.echo(child)
    for _ in range(WARM_UP):
        call()
    times: list[float] = []
    for _ in range(CALLS):
        before = perf_counter()
        call()
        times.append(perf_counter() - before)
    peer.many(child, IN_FLIGHT)
    # Several times: now and then Python's garbage collector looks through all there is.
    rounds: list[float] = []
    for _ in range(FLIGHTS):
        before = perf_counter()
        peer.many(child, IN_FLIGHT)
        rounds.append(perf_counter() - before)
    each = statistics.median(rounds) / IN_FLIGHT
    _print(seconds=statistics.median(times), each=each, rate=1 / each)
    peer.close(child)


def _chain(peer: Any, options: argparse.Namespace, started: float) -> None:
    """Open contexts, each in the one before it, and call the first and the last."""
    times: list[float] = []
    for _ in range(CHAINS):
        before = perf_counter()
        chain = [peer.local(options.python)]
        while len(chain) < options.count:
            chain.append(peer.local(options.python, via=chain[-1]))
        _check(peer.call(chain[-1], os.getpid))
        times.append(perf_counter() - before)
        if len(times) < CHAINS:
            peer.close(chain[0])
    one, five = (
        services.median_time(peer.echo(child), WARM_UP, CALLS) for child in (chain[0], chain[-1])
    )
    _print(opened=statistics.median(times[1:]), one=one, five=five)
    peer.close(chain[0])


def _hop(peer: Any, options: argparse.Namespace, started: float) -> None:
    """Connect to a host, and through it to another: two ssh_configs on each line of stdin."""
    child = None
    for line in sys.stdin:
        if not line.strip():
            peer.close(child)
            _print()
            continue
        outer, inner = line.split()
        before = perf_counter()
        child = peer.ssh(outer)
        result = peer.call(peer.ssh(inner, via=child), os.getpid)
        _print(seconds=perf_counter() - before)
        _check(result)


def _results(peer: Any, options: argparse.Namespace, started: float) -> None:
    """Take large results: the bytes of a file, and a report of many small values."""
    child = _open(peer, options)
    figures = {}
    for function in (values.megabyte, values.nested):
        call = peer.returning(child, function)
        times: list[float] = []
        for _ in range(RESULTS_BEFORE + RESULTS):
            before = perf_counter()
            result = call()
            times.append(perf_counter() - before)
        if result != function():
            raise RuntimeError(f"{function.__name__}: another value came back")
        figures[function.__name__] = statistics.median(times[RESULTS_BEFORE:])
    _print(**figures)
    peer.close(child)


def _stream(peer: Any, options: argparse.Namespace, started: float) -> None:
    """Take small numbers that the child sends one by one, and see what both ends hold then."""
    child = peer.local(options.python)
    pids = (os.getpid(), _check(peer.call(child, os.getpid)))
    for _ in peer.stream(child, STREAM_BEFORE):
        pass
    before = [_resident(pid)["uss"] for pid in pids]
    started = perf_counter()
    total = sum(peer.stream(child, options.count))
    seconds = perf_counter() - started
    if total != options.count * (options.count - 1) // 2:
        raise RuntimeError(f"the sum of {options.count} values came out as {total}")
    here, there = (_resident(pid)["uss"] - was for pid, was in zip(pids, before, strict=True))
    _print(seconds=seconds / options.count, rate=options.count / seconds, here=here, there=there)
    peer.close(child)


def _service(peer: Any, options: argparse.Namespace, started: float) -> None:
    """Call a method that does nothing: of a service over there, then from there one of ours."""
    child = _open(peer, options)
    down = services.median_time(peer.service(child), WARM_UP, CALLS)
    _print(down=down, up=peer.asked(child, WARM_UP, CALLS))
    peer.close(child)


def _once(peer: Any, options: argparse.Namespace, started: float) -> None:
    """Have many wait for one run of a method, and see what that takes over there."""
    child = peer.local(options.python)
    results = peer.ask_together(child, WAITERS)
    threads = peer.taken_threads(child)
    peer.call(child, services.open_gate)
    answers = [result() for result in results]
    if answers != [answers[0]] * WAITERS:
        raise RuntimeError(f"those who waited were told {set(answers)}")
    _print(runs=peer.call(child, services.count_runs), threads=threads)
    peer.close(child)


def _open(peer: Any, options: argparse.Namespace) -> Any:
    """Start a child on the host that the options name, or here."""
    if options.config:
        return peer.ssh(options.config)
    return peer.local(options.python, **({"results": options.results} if options.results else {}))


def _load_entry(folder: str) -> Callable[[], int]:
    """Return the function that imports all modules of the package in `folder` where it runs."""
    sys.path.insert(0, folder)
    function: Callable[[], int] = importlib.import_module(ENTRY).run
    return function


def _check(result: Any, expected: int | None = None) -> int:
    """Return what the child said, or raise when it cannot have been the child that said it."""
    value = int(result)
    if value == os.getpid() or expected not in (None, value):
        raise RuntimeError(
            f"the first call returned {value}, not {expected or 'a pid over there'}"
        )
    return value


def _resident(pid: int) -> dict[str, int]:
    """Return the bytes that a process holds: all, with shared ones divided, its own alone."""
    fields: dict[str, int] = {}
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as lines:
        for line in list(lines)[1:]:
            name, value = line.split(":")
            fields[name] = int(value.split()[0]) * KIB
    own = fields["Private_Clean"] + fields["Private_Dirty"]
    return {"rss": fields["Rss"], "pss": fields["Pss"], "uss": own}


def _print(**values: Any) -> None:
    print(json.dumps(values), flush=True)


TASKS = {
    "chain": _chain,
    "hop": _hop,
    "local": _local,
    "memory": _memory,
    "once": _once,
    "results": _results,
    "service": _service,
    "ssh": _ssh,
    "stream": _stream,
    "warm": _warm,
}
