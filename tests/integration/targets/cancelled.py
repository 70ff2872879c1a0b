"""Calls that are cancelled: what they wait for, and how they take it. Python 3.6.

Each says "busy" first, so that the other side knows that it is under way.
"""

import os
import queue
import select
import signal
import subprocess
import threading

from tests.integration.targets.work import note

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, List

__all__ = [
    "Unpicklable",
    "acquire_lock",
    "clean_up",
    "count",
    "get_from_queue",
    "handle_itself",
    "ignore",
    "make_object",
    "note_length",
    "raise_large",
    "run_process",
    "say_busy",
    "square",
    "wait",
]


class Unpicklable:
    """Refuses to be pickled, in its own words."""

    def __reduce__(self) -> "Any":
        raise RuntimeError("not me")


def say_busy(path: "str") -> "None":
    """Say so, and wait until a pipe is written."""
    print("busy")
    _read(path)


def wait(path: "str") -> "None":
    """Wait for a pipe, and note how that ended."""
    try:
        print("busy")
        _read(path)
    except BaseException as error:
        note(type(error).__name__)
        raise
    note("over")


def acquire_lock() -> "None":
    """Wait for a lock that nobody releases."""
    lock = threading.Lock()
    lock.acquire()
    print("busy")
    lock.acquire()


def get_from_queue() -> "None":
    """Wait for what nobody puts there."""
    print("busy")
    queue.Queue().get()


def run_process() -> "None":
    """Wait for a program that does not end."""
    subprocess.run(["sh", "-c", "echo busy; exec sleep 10000"])


def clean_up(path: "str") -> "None":
    """Wait; in the end wait for a pipe, and note that nothing disturbed that."""
    try:
        print("busy")
        threading.Event().wait()
    finally:
        print("cleaning")
        _read(path)
        note("clean")


def ignore(path: "str") -> "None":
    """Wait for a pipe, whatever is raised meanwhile."""
    is_busy = False
    while True:
        try:
            if not is_busy:
                print("busy")
                is_busy = True
            _read(path)
            return
        except KeyboardInterrupt:
            os.write(1, b"ignored\n")  # not print(): it may be what was interrupted


def handle_itself(path: "str") -> "None":
    """Take SIGINT with a handler of its own, which raises nothing, and stays."""
    # Not print(): it may be what is interrupted.
    signal.signal(signal.SIGINT, lambda number, frame: os.write(1, b"handled\n") and None)
    with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK)) as pipe:
        print("busy")
        # Python may have looked for signals just before it begins to wait: so it waits shortly.
        while not select.select([pipe], [], [], 0.05)[0]:
            continue


def note_length(data: "bytes") -> "None":
    """Note what came."""
    note(len(data))


def count(number: "int") -> "int":
    """Take a moment."""
    total = 0
    for one in range(number):
        total += one
    return total


def square(number: "int") -> "int":
    """Multiply."""
    return number * number


def make_object() -> "List[Any]":
    """Return what only a pickle carries."""
    from tests.integration.targets.work import Point

    return [Point(1, 2), Point.describe, {"x": 1 << 100}, range(3)]


def raise_large(size: "int") -> "None":
    """Raise with a text of that size."""
    raise LookupError("x" * size)


def _read(path: "str") -> "None":
    with open(path) as pipe:
        pipe.read()
