"""A plain SSH client and a look at what is left over, for the tests of the servers."""

import os
import select
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import paramiko

from remotesvc.testing.server import SshServer

DEADLINE_SECONDS = 30


@dataclass(frozen=True)
class Done:
    """How a remote command ended."""

    status: int
    output: bytes
    errors: bytes


@dataclass(frozen=True)
class Holdings:
    """What this process holds: an owner must hold no more afterwards than before."""

    fds: frozenset[str]
    threads: frozenset[int | None]

    @classmethod
    def now(cls) -> "Holdings":
        """Take stock."""
        folder = "/proc/self/fd" if os.path.isdir("/proc/self/fd") else "/dev/fd"
        threads = frozenset(thread.ident for thread in threading.enumerate())
        return cls(frozenset(os.listdir(folder)), threads)

    def new_since(self, before: "Holdings") -> list[object]:
        """Return what was not held before; a test that came earlier may still be letting go."""
        return [*(self.fds - before.fds), *(self.threads - before.threads)]


@contextmanager
def connected(server: SshServer, **options: Any) -> Iterator[paramiko.SSHClient]:
    """Log in with the key of the server's folder, knowing only its known_hosts."""
    with paramiko.SSHClient() as client:
        client.load_host_keys(str(server.known_hosts))
        arguments = {
            "port": server.port,
            "username": server.user,
            "key_filename": str(server.identity_file),
            "allow_agent": False,
            "look_for_keys": False,
            "timeout": DEADLINE_SECONDS,
        }
        client.connect(server.host, **{**arguments, **options})
        yield client


def run(client: paramiko.SSHClient, command: str, data: bytes = b"") -> Done:
    """Run one command to its end."""
    stdin, stdout, stderr = client.exec_command(command, timeout=DEADLINE_SECONDS)
    stdin.write(data)
    stdin.channel.shutdown_write()
    output, errors = stdout.read(), stderr.read()
    return Done(stdout.channel.recv_exit_status(), output, errors)


def is_running(pid: int) -> bool:
    """Tell whether a process exists; one that is only waiting to be reaped does not."""
    try:
        os.kill(pid, 0)
        with open(f"/proc/{pid}/stat") as stream:
            return stream.read().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


def wait_for_end(pid: int) -> None:
    """Wait until a process, not necessarily a child, has ended; fail after the deadline."""
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        if not select.select([fd], [], [], DEADLINE_SECONDS)[0]:
            raise AssertionError(f"process {pid} is still running")
    finally:
        os.close(fd)
