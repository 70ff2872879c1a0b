"""Machine: a host with a network, a name and mounts of its own, on this very computer.

Its namespaces have no names: they last as long as a process is in them, and the one that is always
there ends with the test run, however that ends. Files, accounts and process ids are those of the
computer, so a test may look at a process of any machine.
"""

import ctypes
import os
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from remotesvc.testing.process import SupervisedProcess
from tests.integration.hosts import SYSTEM_PATH, needs_program
from tests.testing.client import wait_for_end

__all__ = ["ENVIRONMENT", "Machine"]

ENVIRONMENT = {"PATH": SYSTEM_PATH, "LC_ALL": "C"}

# Says its pid when everything is as it should be. The namespace of a name and of mounts came with
# `unshare`: neither is seen by anybody else.
HOLD = """\
set -e
echo {name} >/proc/sys/kernel/hostname
mount --bind {folder}/hosts /etc/hosts
ip link set lo up
echo $$ >{folder}/pid.new
mv {folder}/pid.new {folder}/pid
exec sleep infinity
"""

# Nothing says that a file was written: it is looked for again this soon.
POLL = 0.005

CLONE_NEWNET = 0x40000000

# A state in /proc/net/tcp.
ESTABLISHED = "01"


class Machine:
    """A machine that runs; `pid` is the process that holds its namespaces.

    hosts: the text of its /etc/hosts. Skips the test where such a thing cannot be made.
    """

    def __init__(self, name: str, hosts: str) -> None:
        self.name = name
        self.folder = Path(tempfile.mkdtemp(prefix="remotesvc-"))
        self.folder.chmod(0o711)  # other accounts log in, too
        (self.folder / "hosts").write_text(hosts)
        program = self.folder / "hold"
        program.write_text(HOLD.format(name=name, folder=self.folder))
        command = (needs_program("unshare"), "--net", "--uts", "--mount", "--", "/bin/sh")
        self._holder = SupervisedProcess((*command, str(program)), self.folder, ENVIRONMENT)
        try:
            self.pid = self._wait_for_pid()
        except BaseException:
            self._holder.close()
            raise
        self._network = os.readlink(f"/proc/{self.pid}/ns/net")

    def _wait_for_pid(self) -> int:
        said = self.folder / "pid"
        while not self._holder.has_ended(POLL):
            if said.exists():
                return int(said.read_text())
        pytest.skip(f"no namespaces of one's own here: {self._holder.log_text().strip()[-300:]}")

    def words(self, program: str) -> tuple[str, ...]:
        """Return the words that start a program of this computer there."""
        nsenter = needs_program("nsenter")
        return (nsenter, f"--target={self.pid}", "--net", "--uts", "--mount", "--", program)

    def run(self, program: str, *args: str) -> str:
        """Run a program there, to its end; return what it printed."""
        words = [*self.words(needs_program(program)), *args]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{self.name}: {program} {args}: {done.stderr}"
        return done.stdout

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Have this thread, and the threads and processes that it starts, in this network."""
        own = os.open(f"/proc/self/task/{threading.get_native_id()}/ns/net", os.O_RDONLY)
        try:
            there = os.open(f"/proc/{self.pid}/ns/net", os.O_RDONLY)
            try:
                _enter(there)
            finally:
                os.close(there)
            try:
                yield
            finally:
                _enter(own)
        finally:
            os.close(own)

    def processes(self, name: str | None = None) -> list[int]:
        """Return the pids of what runs there, or of what has that name.

        The holder is not among them, nor is the test itself.
        """
        found, others = [], (self.pid, os.getpid())
        for entry in filter(str.isdigit, os.listdir("/proc")):
            try:
                is_here = os.readlink(f"/proc/{entry}/ns/net") == self._network
                called = Path("/proc", entry, "comm").read_text().strip()
            except OSError:
                continue  # it has just ended
            if is_here and int(entry) not in others and name in (None, called):
                found.append(int(entry))
        return found

    def connections(self) -> int:
        """Return how many TCP connections of its network are established."""
        lines = Path(f"/proc/{self.pid}/net/tcp").read_text().splitlines()[1:]
        return sum(line.split()[3] == ESTABLISHED for line in lines)

    def signal(self, number: int, name: str | None = None) -> None:
        """Send a signal to everything there, or to what has that name."""
        for pid in self.processes(name):
            _send(pid, number)

    def kill(self, name: str | None = None) -> None:
        """Kill everything there, or what has that name; returns when nothing of it is left."""
        while pids := self.processes(name):
            for pid in pids:
                _send(pid, signal.SIGKILL)
            for pid in pids:
                wait_for_end(pid)

    def close(self) -> None:
        """End it, and everything that runs in it; twice is fine."""
        self.kill()
        self._holder.close()


def _enter(fd: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)  # os.setns() came with Python 3.12
    if libc.setns(fd, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


def _send(pid: int, number: int) -> None:
    with suppress(ProcessLookupError):  # it has just ended
        os.kill(pid, number)
