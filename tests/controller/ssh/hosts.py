"""What the tests of the SSH connector share: configurations, agents, programs to go through."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from remotesvc import Context, Router
from remotesvc.testing.options import Kind, ServerOptions
from remotesvc.testing.server import SshServer, available_kinds, start_server
from tests.integration.hosts import PYTHON

__all__ = [
    "PYTHON",
    "HastyPort",
    "agent",
    "config_for",
    "connect",
    "descendants",
    "hasty_port",
    "needs_kind",
    "relay_command",
    "start_bare",
    "stopped",
]

# Copies bytes between its stdin and stdout, one socket, and the port that it is given.
RELAY = """\
import os, select, socket, sys
far = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
while True:
    for ready in select.select([0, far], [], [])[0]:
        data = os.read(0, 65536) if ready == 0 else far.recv(65536)
        if not data:
            sys.exit()
        far.sendall(data) if ready == 0 else os.write(1, data)
"""


def needs_kind(kind: Kind) -> Kind:
    """Return the kind of server; skip the test where there is none."""
    if kind not in available_kinds():
        pytest.skip(f"no {kind} on this machine (make test-deps)")
    return kind


@contextmanager
def start_bare(
    kind: Kind | None = None, options: ServerOptions | None = None, **changes: Any
) -> Iterator[SshServer]:
    """Run a server whose sessions have an empty home: no script of the account's runs there.

    That may take longer than all that is tested. `changes` are options as well.
    """
    with tempfile.TemporaryDirectory(prefix="home") as home:
        changes["environment"] = (("HOME", home),)
        with start_server(kind, replace(options or ServerOptions(), **changes)) as server:
            yield server


def connect(router: Router, server: SshServer, host: str = "demo", **options: Any) -> Context:
    """Open a context there, by the server's own ssh_config unless another one is given."""
    given = {"config_file": server.config_file, "python_path": PYTHON, **options}
    return router.ssh(host, **given)


def config_for(server: SshServer, path: Path, *lines: str, port: int | None = None) -> Path:
    """Write an ssh_config that says where the server is and who it is, but nothing of keys."""
    known = (
        "Host demo",
        "HostName 127.0.0.1",
        f"Port {port or server.port}",
        f"User {server.user}",
        f"UserKnownHostsFile {server.known_hosts}",
        "GlobalKnownHostsFile none",
    )
    path.write_text("\n".join((*known, *lines)) + "\n")
    return path


@contextmanager
def agent(socket_path: Path, *key_files: Path) -> Iterator[Path]:
    """Run an ssh-agent that holds some keys."""
    program = shutil.which("ssh-agent")
    if program is None:
        pytest.skip("no ssh-agent on this machine")
    process = subprocess.Popen(
        [program, "-D", "-a", str(socket_path)], stdout=subprocess.PIPE, text=True
    )
    with process:
        try:
            assert process.stdout is not None
            process.stdout.readline()  # said once it listens
            for key_file in key_files:
                subprocess.run(
                    ["ssh-add", "-q", str(key_file)],
                    env={**os.environ, "SSH_AUTH_SOCK": str(socket_path)},
                    check=True,
                )
            yield socket_path
        finally:
            process.terminate()


def relay_command(folder: Path, port: int, *, before: str = "") -> str:
    """Return a ProxyCommand that carries bytes to a port; `before` is a line of sh."""
    program = folder / "relay.py"
    program.write_text(RELAY)
    script = folder / "relay.sh"
    script.write_text(f"{before}\nexec {sys.executable} {program} {port}\n")
    return f"/bin/sh {script}"


def descendants(pid: int) -> list[int]:
    """Return the process ids below a process, nearest first.

    Each process is asked for its parent: a list of children, which the kernel has as well, lacks
    some when others end while it is read.
    """
    children: defaultdict[int, list[int]] = defaultdict(list)
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with suppress(OSError):  # it has just ended
                fields = (folder / "stat").read_text("latin-1").rpartition(")")[2].split()
                children[int(fields[1])].append(int(folder.name))
    found = [pid]
    for parent in found:
        found.extend(children[parent])
    return found[1:]


@contextmanager
def stopped(server: SshServer) -> Iterator[None]:
    """Stop everything of a server, as a host that hangs; its connections stay open.

    Sessions of tests before may still be on their way out.
    """
    pids: list[int] = []
    try:
        while fresh := [pid for pid in descendants(server.pid) if pid not in pids]:
            pids += fresh
            for pid in fresh:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGSTOP)
        yield
    finally:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


class HastyPort:
    """A port that turns its first clients away with a word, and carries the others to a server."""

    def __init__(self, listener: socket.socket, port: int, turned_away: int, word: bytes) -> None:
        self.port: int = listener.getsockname()[1]
        self.count = 0
        self._listener = listener
        self._far_port = port
        self._turned_away = turned_away
        self._word = word
        self._carriers: list[threading.Thread] = []

    def serve(self) -> None:
        """Take clients until nobody listens any more."""
        with suppress(OSError):
            while True:
                client = self._listener.accept()[0]
                self.count += 1
                if self.count <= self._turned_away:
                    client.recv(64)  # what is unread would reset the connection
                    client.sendall(self._word)
                    client.close()
                else:
                    self._carriers.append(threading.Thread(target=self._carry, args=(client,)))
                    self._carriers[-1].start()
        for carrier in self._carriers:
            carrier.join()

    def _carry(self, client: socket.socket) -> None:
        with client, socket.create_connection(("127.0.0.1", self._far_port)) as far:
            back = threading.Thread(target=pump_bytes, args=(far, client))
            back.start()
            pump_bytes(client, far)
            back.join()


def pump_bytes(source: socket.socket, sink: socket.socket) -> None:
    """Carry bytes one way, to their end."""
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


@contextmanager
def hasty_port(port: int, turned_away: int, word: bytes = b"", at: int = 0) -> Iterator[HastyPort]:
    """Run a port that hangs up on its first clients, and counts all of them; `at` chooses it."""
    with socket.create_server(("127.0.0.1", at)) as listener:
        hasty = HastyPort(listener, port, turned_away, word)
        thread = threading.Thread(target=hasty.serve)
        thread.start()
        try:
            yield hasty
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
