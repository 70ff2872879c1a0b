"""What the children do when services are measured, whoever carries the calls; travels by name."""

import functools
import sys
import threading
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = ["count_runs", "look", "median_time", "open_gate", "run_once"]

# Threads that hand over a call are busy for a moment: what counts is what so many looks, so many
# seconds apart, agree about.
LOOKS = 10
PAUSE = 0.01


def median_time(call: "Callable[[], Any]", before: int, count: int) -> float:
    """Return the median of the seconds that a call takes, after some that are not counted."""
    times = []
    for _ in range(before + count):
        began = time.perf_counter()
        call()
        times.append(time.perf_counter() - began)
    return sorted(times[before:])[count // 2]


@functools.lru_cache(maxsize=1)
def _gate() -> "tuple[threading.Event, list[int]]":
    """Return the gate of this process, and a list that gets a member for each run."""
    return threading.Event(), []


def run_once() -> int:
    """Do what is expensive: count it, and wait for the gate; return how often it ran."""
    gate, runs = _gate()
    runs.append(1)
    gate.wait()
    return len(runs)


def count_runs() -> int:
    """Return how often it ran."""
    return len(_gate()[1])


def open_gate() -> None:
    """Let it end."""
    _gate()[0].set()


def look(prefix: str, resting: str) -> int:
    """Return how many threads of a pool are taken.

    They are those whose name begins with `prefix` and that are not in the function `resting`.
    """
    counts = [0]
    while len(counts) < LOOKS or len(set(counts[-LOOKS:])) > 1:
        time.sleep(PAUSE)
        counts.append(_count_taken(prefix, resting))
    return counts[-1]


def _count_taken(prefix: str, resting: str) -> int:
    frames = sys._current_frames()
    threads = [one for one in threading.enumerate() if one.name.startswith(prefix)]
    return sum(resting not in _functions(frames.get(one.ident or 0)) for one in threads)


def _functions(frame: "Any") -> "list[str]":
    names = []
    while frame is not None:
        names.append(frame.f_code.co_name)
        frame = frame.f_back
    return names
