"""Sshd: the SSH server of one machine, to be killed, stopped, and started again."""

import os
import signal
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from remotesvc.testing.folder import write_keys
from remotesvc.testing.options import ServerOptions
from remotesvc.testing.process import SupervisedProcess
from remotesvc.testing.sshd import find_sshd, prepare_sshd
from tests.hosts.machine import ENVIRONMENT, POLL, Machine
from tests.integration.hosts import SYSTEM_PATH

__all__ = ["PORT", "Sshd"]

# Every machine has its own ports.
PORT = 22

# The name of its processes: of the one that listens, and of those of the sessions.
NAME = "sshd"


class Sshd:
    """The sshd of a machine, which lets some users in by the key `identity_file`.

    python: what `python3` is in its sessions; None for a host with no program but sh.
    config: lines of sshd_config, which win over those of `remotesvc.testing`.
    """

    def __init__(
        self,
        machine: Machine,
        address: str,
        users: Sequence[str],
        python: str | None,
        config: Sequence[str] = (),
    ) -> None:
        program = find_sshd()
        if program is None:
            pytest.skip("no sshd on this machine (make test-deps)")
        self.machine = machine
        self.address = address
        folder = machine.folder
        options = ServerOptions(
            users=tuple(users),
            environment=(("HOME", str(_home(folder))), ("PATH", _path(folder, python))),
            extra_config=(f"ListenAddress {address}", *config),
        )
        (self.host_key,) = write_keys(folder, options)
        # The key of the user is that of root, who may read it anyway.
        self.identity_file = folder / "id_user"
        self._command = prepare_sshd(program, folder, PORT, machine.name, options)
        self._process: SupervisedProcess | None = None

    def start(self) -> None:
        """Start it, unless it runs; returns when it listens."""
        if self._process is not None and not self._process.has_ended(0):
            return
        self.close()
        folder = Path(tempfile.mkdtemp(prefix="remotesvc-"))  # for its log, and gone with it
        words = (*self.machine.words(self._command[0]), *self._command[1:])
        self._process = process = SupervisedProcess(words, folder, ENVIRONMENT)
        while f"Server listening on {self.address} " not in process.log_text():
            assert not process.has_ended(POLL), process.log_text()

    def log_text(self) -> str:
        """Return what it has logged since it was started."""
        assert self._process is not None
        return self._process.log_text()

    def kill(self) -> None:
        """Kill it and its sessions, at once."""
        self.machine.kill(NAME)

    def stop(self) -> None:
        """Have it and its sessions stand still."""
        self.machine.signal(signal.SIGSTOP, NAME)

    def cont(self) -> None:
        """Have them go on."""
        self.machine.signal(signal.SIGCONT, NAME)

    def close(self) -> None:
        """End it and its sessions."""
        if self._process is not None:
            self._process.close()
            self._process = None


def _home(folder: Path) -> Path:
    home = folder / "home"
    home.mkdir(mode=0o755)
    return home


def _path(folder: Path, python: str | None) -> str:
    """Return the PATH of a machine's sessions."""
    own = folder / "bin"
    own.mkdir()
    (own / "sh").symlink_to("/bin/sh")
    if python is None:
        return str(own)
    (own / "python3").symlink_to(python)
    return os.pathsep.join((str(own), SYSTEM_PATH))
