"""Controllers in processes of their own, to be killed, stopped, or left to end as they like."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from tests.controller.ssh.hosts import descendants
from tests.testing.client import wait_for_end

__all__ = [
    "PROGRAM",
    "Controller",
    "cpu_seconds",
    "kill_at_moments",
    "kill_trees_at_moments",
    "start_controller",
    "stop",
    "wait_for_cpu",
]

PROGRAM = Path(__file__).with_name("controller_program.py")

DEADLINE = 30.0
POLL = 0.01

# A child is ready some 50 ms after it was started; later moments hit one that waits or works.
LATEST_KILL = 0.2

# Three of them, one in the other, take some 300 ms.
LATEST_TREE_KILL = 1.0

# What users are promised (docs/reliability.md), with every context of the chain busy.
ALL_GONE = 5.0


@dataclass(frozen=True)
class Controller:
    """A running controller_program.py, and the process id of its child."""

    process: "subprocess.Popen[str]"
    child: int

    def ask(self) -> str:
        """Have it call its child; return the child's pid or what was raised."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write("call\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def let_end(self) -> tuple[int, str]:
        """Let it come to its end; return exit status and stderr."""
        _, errors = self.process.communicate(timeout=DEADLINE)
        return self.process.returncode, errors


@contextmanager
def start_controller(
    end: str, what: str, *arguments: str, **options: float
) -> Iterator[Controller]:
    """Run the program; the options are those of its router."""
    process = subprocess.Popen(
        [sys.executable, "-X", "dev", str(PROGRAM), end, what, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(options),
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise AssertionError(process.communicate()[1])
        yield Controller(process, int(line))
    finally:
        process.kill()
        process.communicate()


def environment(options: Mapping[str, float]) -> dict[str, str]:
    """Return the environment of a program of the tests', with options for its router."""
    path = os.pathsep.join(map(os.path.abspath, sys.path))
    return {**os.environ, "PYTHONPATH": path, "ROUTER": json.dumps(options)}


def kill_at_moments(what: str, count: int, moments: random.Random) -> None:
    """Kill controllers a random time after they began to connect, and wait for what they started.

    What was tried is printed, to be tried again.
    """
    for _ in range(count):
        moment = moments.uniform(0, LATEST_KILL)
        process = subprocess.Popen(
            [sys.executable, str(PROGRAM), "hold", what],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment({}),
        )
        with process:
            _wait_for(partial(descendants, process.pid), "it starts no child")
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(moment)  # until the moment: it does not end by itself
            children = descendants(process.pid)
            process.kill()
        killed = time.monotonic()
        for pid in children:
            wait_for_end(pid)
        passed = time.monotonic() - killed
        print(f"{what}: killed after {moment:.3f} s; {len(children)} gone {passed:.3f} s later")
        assert passed <= ALL_GONE


def kill_trees_at_moments(function: str, count: int, moments: random.Random) -> None:
    """Kill controllers of a chain of three contexts, each busy, and wait for all that they left.

    Who is looked for bears a word in its environment: parents start children until the very end.
    """
    for number in range(count):
        moment = moments.uniform(0, LATEST_TREE_KILL)
        word = f"{function}-{number}-{os.getpid()}"
        process = subprocess.Popen(
            [sys.executable, str(PROGRAM), "hold", f"tree:{function}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            env={**environment({}), "REMOTESVC_TEST_TREE": word},
        )
        with process:
            _wait_for(partial(descendants, process.pid), "it starts no child")
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(moment)  # until the moment: it does not end by itself
            count_then = len(_bearers(word))
            process.kill()
        killed = time.monotonic()
        _wait_for(lambda word=word: not _bearers(word), f"some of {word} are left")  # type: ignore[misc]
        passed = time.monotonic() - killed
        print(f"{word}: {count_then} killed after {moment:.3f} s, all gone {passed:.3f} s later")
        assert passed <= ALL_GONE


def _bearers(word: str) -> list[int]:
    """Return the processes that have a word in their environment, zombies not counted."""
    found: list[int] = []
    for folder in Path("/proc").iterdir():
        try:
            has_word = folder.name.isdigit() and word in (folder / "environ").read_text("latin-1")
        except OSError:
            continue  # it ended, or is not ours to look at
        if has_word:
            found.append(int(folder.name))
    return found


def stop(pid: int) -> None:
    """Stop a process, and wait until it stands still."""
    os.kill(pid, signal.SIGSTOP)
    _wait_for(lambda: _stat(pid)[0] == "T", f"process {pid} does not stop")


def wait_for_cpu(pid: int, seconds: float) -> None:
    """Wait until a process has used so much more CPU time."""
    begin = cpu_seconds(pid)
    _wait_for(lambda: cpu_seconds(pid) - begin >= seconds, f"process {pid} does not burn CPU")


def cpu_seconds(pid: int) -> float:
    """Return the CPU time that a process has used in user mode."""
    return int(_stat(pid)[11]) / os.sysconf("SC_CLK_TCK")


def _stat(pid: int) -> list[str]:
    """Return the fields of /proc/PID/stat from the state on."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _wait_for(is_true: Callable[[], object], text: str) -> None:
    # The kernel has no event for either.
    limit = time.monotonic() + DEADLINE
    while not is_true():
        if time.monotonic() > limit:
            raise AssertionError(text)
        time.sleep(POLL)
