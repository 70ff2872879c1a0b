"""Calls that never return, and what they leave running. Python 3.6.

Each says "busy" first, on stdout, so that the other side knows that it is under way.
"""

import hashlib
import os
import subprocess
import sys
import threading
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import List

__all__ = [
    "burn",
    "burn_in_threads",
    "clean_up",
    "close_descriptors_later",
    "count_in_c",
    "hold_the_gil",
    "ignore_interrupts",
    "leave_thread",
    "loop",
    "match_for_ever",
    "print_without_end",
    "sleep",
    "start_and_wait",
    "start_processes",
    "wait_for_lock",
    "wait_for_process",
]

FOR_EVER = 10000


def loop() -> "None":
    """Keep the main thread busy."""
    print("busy")
    while True:
        pass


def ignore_interrupts() -> "None":
    """Keep the main thread busy and swallow whatever is raised in it, from its first word on."""
    is_said = False
    while True:
        try:
            if not is_said:
                print("busy")
                is_said = True
            time.sleep(FOR_EVER)
        except BaseException:  # this is what it is for
            continue


def sleep() -> "None":
    """Sleep."""
    print("busy")
    time.sleep(FOR_EVER)


def wait_for_lock() -> "None":
    """Wait for what nobody does."""
    print("busy")
    threading.Event().wait()


def wait_for_process() -> "None":
    """Wait for a subprocess that does not end."""
    process = subprocess.Popen(["sleep", str(FOR_EVER)])
    print("busy")
    process.wait()


def print_without_end() -> "None":
    """Print more than anybody reads."""
    print("busy")
    while True:
        print("x" * 1000)


def clean_up(path: "str") -> "None":
    """Print more than anybody reads, and at the end some more, before a file says it is over."""
    try:
        print_without_end()
    finally:
        print("x" * 1000000)
        with open(path, "w"):
            pass


def start_and_wait(path: "str") -> "None":
    """Start processes, write their ids to a file, and wait."""
    pids = start_processes()
    with open(path, "w") as stream:
        stream.write(" ".join(map(str, pids)))
    sleep()


def hold_the_gil() -> "None":
    """Sleep in C code that lets no other thread run."""
    import ctypes

    print("busy")
    sys.stdout.flush()
    time.sleep(0.1)  # the line has to leave before this interpreter stands still
    ctypes.PyDLL(None).sleep(FOR_EVER)


def match_for_ever() -> "None":
    """Hold the GIL and burn CPU in C code: a regular expression that tries 2**64 ways."""
    import re

    print("busy")
    sys.stdout.flush()
    time.sleep(0.1)  # the line has to leave before this interpreter stands still
    re.match("(a+)+$", "a" * 64 + "b")


def burn(seconds: "float") -> "float":
    """Use up CPU time in Python; return how much."""
    begin = time.process_time()
    while time.process_time() - begin < seconds:
        pass
    return time.process_time() - begin


def burn_in_threads(seconds: "float", count: "int") -> "float":
    """Use up CPU time in many threads, now and then outside the GIL; return how much."""
    begin = time.process_time()

    def run() -> "None":
        data = bytes(1 << 20)
        while time.process_time() - begin < seconds:
            hashlib.sha256(data).digest()

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.process_time() - begin


def count_in_c(seconds: "float") -> "float":
    """Hold the GIL in one call of a C function for about so much CPU time; return how much."""
    units = []
    for _ in range(5):
        begin = time.process_time()
        sum(range(1000000))
        units.append(time.process_time() - begin)
    unit = min(units)
    begin = time.process_time()
    sum(range(int(1000000 * seconds / unit)))
    return time.process_time() - begin


def close_descriptors_later() -> "None":
    """Close what does not belong to this code, soon after this call has returned."""
    threading.Timer(0.1, os.closerange, (3, 256)).start()


def leave_thread() -> "None":
    """Start a thread that is no daemon and never ends, and return."""
    threading.Thread(target=time.sleep, args=(FOR_EVER,)).start()


def start_processes() -> "List[int]":
    """Start a subprocess and a fork that outlive this call; return their process ids."""
    process = subprocess.Popen(["sleep", str(FOR_EVER)])
    process.returncode = 0  # nobody waits for it, and nobody is to be warned of that
    pid = os.fork()
    if pid == 0:
        time.sleep(FOR_EVER)
        os._exit(0)
    return [process.pid, pid]
