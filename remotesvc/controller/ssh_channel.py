"""ChannelStream: a Stream (core/link.py) over a paramiko channel, with two threads of its own.

paramiko's send blocks on a stuck peer and its descriptor never reports writability, so the loop
never touches it: one thread reads, one writes, and a third, short-lived, sees it off.
"""

import threading
from collections.abc import Callable

import paramiko

__all__ = ["ChannelStream"]

# paramiko deletes from the front of an array on each read: larger reads cost less.
READ_SIZE = 256 * 1024

STDERR_KEPT = 4096

# After the end of output, the exit status is waited for this long.
LAST_WORDS = 1.0


class _Arrival(threading.Event):
    """Set by either buffer of a channel; an empty buffer does not unset it for the other."""

    def clear(self) -> None:
        """Stay set: only `reset()`, by the thread that reads both, unsets it."""

    def reset(self) -> None:
        """Unset it."""
        super().clear()


class ChannelStream:
    """The command's stdin, stdout and stderr; `release()` ends what the channel runs over."""

    def __init__(
        self,
        channel: paramiko.Channel,
        cut: Callable[[], None],
        release: Callable[[], None],
    ) -> None:
        self.on_bytes: Callable[[bytes], None] = lambda data: None
        self.on_end: Callable[[str], None] = lambda reason: None
        self.pull: Callable[[], bytes] = bytes
        self.stderr = ""
        self.exit_status: int | None = None
        self.gone = threading.Event()
        self._channel = channel
        self._cut = cut
        self._release = release
        self._error = b""
        self._rest = b""
        self._wanted = threading.Event()
        self._is_closed = False
        self._arrival = _Arrival()
        channel.in_buffer.set_event(self._arrival)
        channel.in_stderr_buffer.set_event(self._arrival)
        self._reader = self._thread(self._read_loop, "reader")
        self._writer = self._thread(self._write_loop, "writer")

    def start(self) -> None:
        """Begin to read."""
        self._reader.start()
        self._writer.start()

    def write(self, data: bytes) -> bool:
        """Hand data to the writing thread."""
        self._rest = data
        self._wanted.set()
        return False

    def close(self) -> None:
        """Have everything closed on a thread of its own; `gone` is set when it is."""
        if not self._is_closed:
            self._is_closed = True
            self._thread(self._see_off, "closer").start()

    def kill(self) -> None:
        """Drop the connection: sshd ends the session's channel, and the child sees EOF."""
        self.close()

    def _thread(self, target: Callable[[], None], role: str) -> threading.Thread:
        name = f"remotesvc-ssh-{role}"
        return threading.Thread(target=target, name=name, daemon=True)

    def _read_loop(self) -> None:
        channel, arrival = self._channel, self._arrival
        while not self._is_closed:
            arrival.wait()
            arrival.reset()
            # Looked at before reading: what arrived before the end is read below.
            is_ended = channel.eof_received or channel.closed or channel.in_buffer._closed
            while channel.recv_stderr_ready():
                self._error = (self._error + channel.recv_stderr(READ_SIZE))[-STDERR_KEPT:]
                self.stderr = self._error.decode("utf-8", "backslashreplace")
            while channel.recv_ready() and not self._is_closed:
                self.on_bytes(channel.recv(READ_SIZE))
            if is_ended:
                break
        if not self._is_closed:
            self._tell_end()

    def _tell_end(self) -> None:
        self._channel.status_event.wait(LAST_WORDS)
        if self._channel.exit_status_ready() and self._channel.exit_status >= 0:
            self.exit_status = self._channel.exit_status
        transport = self._channel.get_transport()
        if transport is not None and not transport.is_active():
            cause = transport.get_exception()
            self.on_end(f"the SSH connection was lost{f' ({cause})' if cause else ''}")
        else:
            self.on_end("the remote command ended")

    def _write_loop(self) -> None:
        while True:
            self._wanted.wait()
            self._wanted.clear()
            if self._is_closed:
                return
            data = self._rest
            while data and not self._is_closed:
                try:
                    self._channel.sendall(data)
                except OSError:
                    return  # the reading thread tells the end, with its reason
                data = self.pull()

    def _see_off(self) -> None:
        self._cut()
        try:
            self._channel.close()
        except (OSError, EOFError, paramiko.SSHException):
            pass  # the connection is gone, and the channel with it
        self._arrival.set()
        self._wanted.set()
        self._release()
        for thread in (self._reader, self._writer):
            if thread.is_alive() and thread is not threading.current_thread():
                thread.join()
        self.gone.set()
