"""What a process holds: descriptors, threads, child processes, memory, to compare later."""

import gc
import os
import threading
import time
from pathlib import Path

__all__ = ["RELEASE_DEADLINE", "holdings", "resident_kb", "wait_for_release"]

# What is on its way out may take this long: a child needs a moment to die, a thread to return.
RELEASE_DEADLINE = 10.0
POLL = 0.01


def holdings() -> set[str]:
    """Return what this process holds now, each as a text that says what it is.

    Where there is no /proc, only the threads are known.
    """
    return _descriptors() | _threads() | _child_processes()


def wait_for_release(before: set[str], deadline: float = RELEASE_DEADLINE) -> list[str]:
    """Wait until nothing is held that was not held before; return what is left then.

    There is no event to wait for: the kernel tells nobody that a descriptor was closed.
    """
    end = time.monotonic() + deadline
    left = holdings() - before
    while left and time.monotonic() < end:
        # Not before it is needed: a collection takes a while in a process as large as this one.
        gc.collect()
        time.sleep(POLL)
        left = holdings() - before
    return sorted(left)


def resident_kb() -> int:
    """Return this process's resident memory."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise AssertionError("no VmRSS in /proc/self/status")


def _descriptors() -> set[str]:
    found: set[str] = set()
    for fd in Path("/proc/self/fd").glob("*"):
        try:
            found.add(f"descriptor {fd.name} ({os.readlink(fd)})")
        except FileNotFoundError:
            continue  # the one that listed the folder
    return found


def _threads() -> set[str]:
    return {f"thread {thread.name} ({thread.ident})" for thread in threading.enumerate()}


def _child_processes() -> set[str]:
    """Return the child processes, ended ones that nobody waited for included."""
    found: set[str] = set()
    for listing in Path("/proc/self/task").glob("*/children"):
        try:
            children = listing.read_text().split()
        except OSError:
            continue  # the thread has just ended
        found.update(f"process {pid}" for pid in children)
    return found
