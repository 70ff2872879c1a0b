"""What a channel of the embedded server carries: a command, or a forwarded connection.

Blocking reads and writes in one thread per direction: a slow client stops its command by the
SSH window, a slow command its client by the pipe. Nothing is kept in between.
"""

import contextlib
import logging
import os
import signal
import socket
import subprocess
import threading
from collections.abc import Callable
from typing import IO, Any

import paramiko

__all__ = ["AnsweringTransport", "Forward", "Session", "start_thread"]

CHUNK_BYTES = 65536

# RFC 4254, 5.4: the answer to a request that wants one.
CHANNEL_SUCCESS = 99

# paramiko has no event for the end of a channel.
LOOK_AGAIN_SECONDS = 0.05

# What a command gets after its channel has gone, to see the end of its input and finish.
LINGER_SECONDS = 2.0

# RFC 4254, 5.2: the only type of extended data is stderr; a shell reports signals like this.
SIGNAL_STATUS_BASE = 128

_log = logging.getLogger("remotesvc.testing.embedded")


def start_thread(run: Callable[[], None]) -> threading.Thread:
    """Run something in a thread that the end of the server's process does not wait for."""
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


class AnsweringTransport(paramiko.Transport):  # type: ignore[misc]
    """Knows which requests it has answered: a command may end sooner than it was granted.

    A client takes a channel that is closed before the answer for a refusal.
    """

    def __init__(self, connection: socket.socket) -> None:
        super().__init__(connection)
        self._granted: set[int] = set()
        self._has_granted = threading.Condition()

    def _send_user_message(self, data: Any) -> None:
        super()._send_user_message(data)
        message = data.asbytes()
        if message[0] == CHANNEL_SUCCESS:
            with self._has_granted:
                self._granted.add(int.from_bytes(message[1:5], "big"))
                self._has_granted.notify_all()

    def wait_until_granted(self, channel: Any) -> None:
        """Return when the request for a command was answered; not every client asks for that."""
        with self._has_granted:
            is_granted = self._has_granted.wait_for(
                lambda: channel.remote_chanid in self._granted or not self.is_active(),
                LINGER_SECONDS,
            )
            if is_granted:
                self._granted.discard(channel.remote_chanid)


class Session:
    """One command: its process group, three pumps, its exit status, and its end.

    The channel is closed when the command has ended and its output was read to the end, as
    sshd does it. When the channel closes first, the command sees the end of its input and
    output, and LINGER_SECONDS later its process group is killed.
    """

    def __init__(self, channel: Any, process: "subprocess.Popen[bytes]") -> None:
        """Take over a channel and a process that leads its own group and has three pipes."""
        self._channel = channel
        self._process = process
        self._is_over = threading.Event()

    def run(self) -> None:
        """Serve until the end; blocks."""
        process, channel = self._process, self._channel
        start_thread(self._feed)
        start_thread(self._guard)
        pumps = [
            start_thread(lambda: self._drain(process.stdout, channel.sendall)),
            start_thread(lambda: self._drain(process.stderr, channel.sendall_stderr)),
        ]
        status = process.wait()
        with contextlib.suppress(OSError):
            channel.send_exit_status(status if status >= 0 else SIGNAL_STATUS_BASE - status)
        for pump in pumps:
            pump.join()
        self._is_over.set()
        channel.get_transport().wait_until_granted(channel)
        channel.close()
        _log.info("command %d ended with status %d", process.pid, status)

    def _feed(self) -> None:
        stdin = self._process.stdin
        with contextlib.suppress(OSError), contextlib.closing(_some(stdin)) as pipe:
            while data := self._channel.recv(CHUNK_BYTES):
                _write_all(pipe.fileno(), data)

    def _drain(self, stream: IO[bytes] | None, send: Callable[[bytes], None]) -> None:
        with contextlib.suppress(OSError), contextlib.closing(_some(stream)) as pipe:
            while data := os.read(pipe.fileno(), CHUNK_BYTES):
                send(data)

    def _guard(self) -> None:
        while not self._channel.closed:
            if self._is_over.wait(LOOK_AGAIN_SECONDS):
                return
        if not self._is_over.wait(LINGER_SECONDS):
            _log.info("command %d is killed: its channel has gone", self._process.pid)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)


class Forward:
    """A direct-tcpip channel and the connection that it stands for."""

    def __init__(self, channel: Any, connection: socket.socket) -> None:
        """Take over both ends."""
        self._channel = channel
        self._connection = connection

    def run(self) -> None:
        """Carry bytes both ways until both directions have ended; blocks."""
        up = start_thread(self._up)
        with contextlib.suppress(OSError):
            while data := self._connection.recv(CHUNK_BYTES):
                self._channel.sendall(data)
        with contextlib.suppress(OSError):
            self._channel.shutdown_write()
        up.join()
        self._channel.close()
        self._connection.close()

    def _up(self) -> None:
        with contextlib.suppress(OSError):
            while data := self._channel.recv(CHUNK_BYTES):
                self._connection.sendall(data)
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_WR)


def _some(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:
        raise ValueError("the command has to be started with three pipes")
    return stream


def _write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]
