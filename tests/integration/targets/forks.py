"""Calls that fork, or leave processes behind. Python 3.6."""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
import warnings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, List, Tuple

__all__ = [
    "fork_and_exit",
    "fork_and_import",
    "fork_and_interrupt",
    "fork_and_leave",
    "fork_and_raise",
    "fork_and_return",
    "fork_in_a_thread",
    "fork_twice",
    "fork_with_files",
    "kill_own_process",
    "leave_daemon",
    "leave_fork",
    "map_in_pool",
    "print_in_fork",
    "run_process",
    "run_program",
    "write_as_daemon",
]

FOR_EVER = 10000


def _fork() -> "int":
    with warnings.catch_warnings():
        # Python 3.12 warns of any fork of a program with threads.
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


def _wait(pid: "int") -> "int":
    """Return the exit status of a fork, negative for a signal."""
    status = os.waitpid(pid, 0)[1]
    return -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def fork_and_leave() -> "int":
    """Fork, and end the fork without ceremony."""
    pid = _fork()
    if pid == 0:
        os._exit(3)
    return _wait(pid)


def fork_and_exit(status: "Any") -> "int":
    """Fork, and end the fork as programs end."""
    pid = _fork()
    if pid == 0:
        sys.exit(status)
    return _wait(pid)


def fork_and_return() -> "Any":
    """Fork, and let the fork return from the call, as the process that was called does."""
    pid = _fork()
    if pid == 0:
        return "the fork"
    return _wait(pid)


def fork_and_raise() -> "int":
    """Fork, and let the fork fail."""
    pid = _fork()
    if pid == 0:
        raise LookupError("the fork has a defect")
    return _wait(pid)


def fork_and_interrupt() -> "int":
    """Fork, and interrupt the fork."""
    pid = _fork()
    if pid == 0:
        raise KeyboardInterrupt
    return _wait(pid)


def fork_and_import(name: "str") -> "int":
    """Fork, and import in the fork what only the parent has; 5 for an ImportError."""
    pid = _fork()
    if pid == 0:
        try:
            __import__(name)
        except ImportError:
            os._exit(5)
        os._exit(0)
    return _wait(pid)


def fork_twice() -> "int":
    """Fork, and fork in the fork, and let both return; return the status of the first."""
    pid = _fork()
    if pid == 0:
        second = _fork()
        if second:
            sys.exit(_wait(second))
        return 0
    return _wait(pid)


def fork_with_files() -> "int":
    """Open files, and use them in a fork; return its exit status."""
    files = [open(os.devnull) for _ in range(16)]  # noqa: SIM115  all at once
    pid = _fork()
    if pid == 0:
        for file in files:
            file.read()
        os._exit(0)
    for file in files:
        file.close()
    return _wait(pid)


def fork_in_a_thread() -> "List[int]":
    """Fork in a thread that is not the main one; return the fork's exit status."""
    statuses = []

    def run() -> "None":
        pid = _fork()
        if pid:
            statuses.append(_wait(pid))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return statuses


def print_in_fork() -> "int":
    """Print in a fork that exits."""
    pid = _fork()
    if pid == 0:
        print("from the fork")
        sys.exit()
    return _wait(pid)


def map_in_pool() -> "List[int]":
    """Use a pool of forks."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        with multiprocessing.get_context("fork").Pool(2) as pool:
            return pool.map(abs, [-1, -2, -3])


def run_process() -> "Any":
    """Run a process of multiprocessing's, which forks itself."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        process = multiprocessing.get_context("fork").Process(target=fork_and_leave)
        process.start()
    process.join()
    return process.exitcode


def run_program() -> "Tuple[int, str]":
    """Run a program whose output is this process's own, and one whose output is read."""
    status = subprocess.call(["sh", "-c", "echo printed"])
    return status, subprocess.check_output(["sh", "-c", "echo read"]).decode()


def leave_fork() -> "int":
    """Leave a fork that has left the group and never ends; return its process id."""
    pid = _fork()
    if pid == 0:
        os.setsid()
        time.sleep(FOR_EVER)
        os._exit(0)
    return pid


def leave_daemon() -> "int":
    """Leave a program that has left the group and keeps this process's outputs open."""
    process = subprocess.Popen(["sleep", str(FOR_EVER)], start_new_session=True)
    process.returncode = 0  # nobody waits for it, and nobody is to be warned of that
    return process.pid


def write_as_daemon(path: "str") -> "int":
    """Leave a program that writes to its inherited stdout until that fails, then says so."""
    script = "trap '' PIPE; while echo noise; do :; done 2>/dev/null; echo failed > " + path
    process = subprocess.Popen(["sh", "-c", script], start_new_session=True)
    process.returncode = 0
    return process.pid


def kill_own_process() -> "None":
    """End as by the kernel that runs out of memory."""
    os.kill(os.getpid(), signal.SIGKILL)
