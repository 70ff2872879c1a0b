"""A ProxyCommand: the program that carries the bytes of an SSH connection in place of TCP.

It leads a session of its own, so that all that it started ends with it. What it writes to stderr
is logged line by line as it comes (it may be a question to the user), and its end is kept for the
error text. It is read on the I/O loop: a program that writes much never stalls.
"""

import logging
import os
import signal
import socket
import subprocess
import threading
from typing import IO, TYPE_CHECKING, Any

from ...connect.base import Attempt
from ...core.errors import ConnectError
from ...core.visible import visible
from .tcp import shut_down

if TYPE_CHECKING:
    from ...core.loop import Loop

__all__ = ["ProxyWire", "start_proxy_command"]

STDERR_KEPT = 2048

# Of a line that does not end, so much is logged at once.
READ_SIZE = 8192

# A program that failed ends at once; its stderr may be held open by something it left behind.
LAST_WORDS = 1.0


class ProxyWire:
    """A running ProxyCommand, and our end of the socket pair that is its stdin and stdout."""

    def __init__(
        self,
        loop: "Loop",
        command: str,
        ours: socket.socket,
        process: "subprocess.Popen[bytes]",
        stderr: IO[bytes],
    ) -> None:
        self.socket: Any = ours
        self._loop = loop
        self._command = command
        self._process = process
        self._stderr = stderr
        self._said = b""
        self._has_said_all = threading.Event()
        self._lock = threading.Lock()
        self._is_closed = False
        os.set_blocking(stderr.fileno(), False)
        loop.call_soon(lambda: loop.set_reader(stderr.fileno(), self._read))

    def cut(self) -> None:
        """End both directions now."""
        shut_down(self.socket)

    def close(self) -> None:
        """End the program and all that it started, and give back what it took."""
        with self._lock:
            if self._is_closed:
                return
            self._is_closed = True
            self.socket.close()
            # It was never waited for, so the number of its group belongs to nobody else.
            try:
                os.killpg(self._process.pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                self._process.kill()
            self._process.wait()
        self._loop.call_soon(self._stop_reading)

    def last_words(self, patience: float) -> str:
        """Return how the program ended and what it said; it is ended if it still runs."""
        self._has_said_all.wait(min(patience, LAST_WORDS))
        self.close()
        status = self._process.returncode
        said = self._said.decode("utf-8", "backslashreplace").strip().replace("\n", " | ")
        ended = "" if status == -signal.SIGKILL else f" ended with exit status {status}"
        if not (ended or said):
            return ""
        return f"ProxyCommand {self._command!r}{ended}" + (f": {visible(said)}" if said else "")

    @property
    def has_failed(self) -> bool:
        """Whether it ended by itself, and not well; it has ended once it said its last words."""
        return self._process.returncode not in (None, 0, -signal.SIGKILL)

    def _read(self) -> None:
        try:
            data = os.read(self._stderr.fileno(), READ_SIZE)
        except BlockingIOError:
            return
        if not data:
            self._stop_reading()
            return
        self._said = (self._said + data)[-STDERR_KEPT:]
        for line in data.decode("utf-8", "backslashreplace").splitlines():
            logging.getLogger("remotesvc.ssh").warning("ProxyCommand: %s", visible(line))

    def _stop_reading(self) -> None:
        if not self._stderr.closed:
            self._loop.set_reader(self._stderr.fileno(), None)
            self._stderr.close()
            self._has_said_all.set()


def start_proxy_command(loop: "Loop", attempt: Attempt, command: str) -> ProxyWire:
    """Start a ProxyCommand as OpenSSH does: `exec` of it in the user's shell."""
    shell = os.environ.get("SHELL") or "/bin/sh"
    ours, theirs = socket.socketpair()
    try:
        process = subprocess.Popen(
            [shell, "-c", "exec " + command],
            stdin=theirs.fileno(),
            stdout=theirs.fileno(),
            stderr=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,
        )
    except OSError as error:
        ours.close()
        text = f"{attempt.where}: {shell} for ProxyCommand {command!r} could not be started: "
        raise ConnectError(text + str(error), "tcp", attempt.elapsed) from error
    finally:
        theirs.close()
    if process.stderr is None:
        raise ValueError("a ProxyCommand is started with a pipe for its stderr")
    return ProxyWire(loop, command, ours, process, process.stderr)
