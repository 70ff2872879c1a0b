"""ChannelStream: a Stream (core/link.py) over a paramiko channel, with two threads of its own.

paramiko's send blocks on a stuck peer and its descriptor never reports writability, so the loop
never touches it: one thread writes what cannot go out at once (direct.py), one keeps the window
open and waits for the end, and a third, short-lived, sees it off. What arrives is handed on by
the loop, or else by paramiko's own thread (packets.py, inbox.py).
"""

import sys
import threading
from collections.abc import Callable

import paramiko

from ...connect.process import STILL_OPEN
from .direct import DirectSender
from .inbox import Inbox
from .session import EarlyWindow, reason_of

__all__ = ["ChannelStream"]

# So much is taken from a channel at a time.
READ_SIZE = 256 * 1024

STDERR_KEPT = 4096

# After the end of output, the exit status is waited for this long.
LAST_WORDS = 1.0

# A thread that was told to end does so at once, unless a callback of the user's holds it.
JOIN_TIMEOUT = 5.0


REFUSED = "the server refused to run the command"


class _Arrival(threading.Event):
    """Set by either buffer of a channel; an empty buffer does not unset it for the other."""

    def clear(self) -> None:
        """Stay set: only `reset()`, by the thread that reads both, unsets it."""

    def reset(self) -> None:
        """Unset it."""
        super().clear()


class _Status(threading.Event):
    """Set when the exit status is here; wakes the reading thread, too."""

    def __init__(self, arrival: threading.Event) -> None:
        super().__init__()
        self._arrival = arrival

    def set(self) -> None:
        """Set it."""
        super().set()
        self._arrival.set()


class ChannelStream:
    """The command's stdin, stdout and stderr.

    `release()` closes the channel or all that it runs over: every blocked call of paramiko's then
    returns. It may wait. A thread that `must_not_wait()` never sends by itself.
    """

    def __init__(
        self,
        channel: paramiko.Channel,
        release: Callable[[], None],
        must_not_wait: Callable[[], bool],
    ) -> None:
        self.on_bytes: Callable[[bytes], None] = lambda data: None
        self.on_end: Callable[[str], None] = lambda reason: None
        self.pull: Callable[[], bytes] = bytes
        self.stderr = ""
        self.exit_status: int | None = None
        self.gone = threading.Event()
        self.channel = channel
        self._packets = channel.get_transport().packetizer
        self._window = EarlyWindow(channel)
        self._direct = DirectSender(channel, must_not_wait)
        self._release = release
        self._error = b""
        self._rest = b""
        self._wanted = threading.Event()
        self._is_closed = False
        self._closing = threading.Lock()
        self._arrival = _Arrival()
        self._inbox = channel.in_buffer = Inbox(self._arrival)
        self._status = channel.status_event = _Status(self._arrival)
        channel.in_stderr_buffer.set_event(self._arrival)
        if channel.closed:
            self._status.set()  # it ended before there was anybody to tell
        self._reader = _thread(self._read_loop, "reader")
        self._writer = _thread(self._write_loop, "writer")

    @property
    def refusal(self) -> str:
        """Why the server opened no session, "" if it did or nothing is known."""
        return str(getattr(self.channel, "refusal", ""))

    @property
    def is_read_elsewhere(self) -> bool:
        """Whether no turn of the loop brings anything."""
        return not self._packets.is_on_loop

    def start(self) -> None:
        """Begin to read and to write."""
        self._inbox.start(self._take)
        self._reader.start()
        self._writer.start()

    def write(self, data: bytes) -> bool:
        """Send it here and now if that cannot wait, else hand it to the writing thread."""
        try:
            if self._direct.send(data):
                self._window.give_back()
                return True
        except (OSError, EOFError, paramiko.SSHException):
            return True  # the reading thread tells the end, with its reason
        self._rest = data
        self._wanted.set()
        return False

    def close(self) -> None:
        """Have everything closed on a thread of its own; `gone` is set when it is."""
        with self._closing:
            if self._is_closed:
                return
            self._is_closed = True
        try:
            _thread(self._see_off, "closer").start()
        except RuntimeError:
            self._see_off()  # the program is ending, and Python 3.12 starts no thread any more

    def release(self, child_pid: int) -> None:
        """Close the session: a child that was detached lives on."""
        self.close()

    def kill(self) -> None:
        """Drop the channel: the child sees EOF. Others on the same connection go on."""
        self.close()

    def _read_loop(self) -> None:
        channel, arrival = self.channel, self._arrival
        is_ended = False
        while not (is_ended or self._is_closed):
            if not arrival.wait(LAST_WORDS if self._status.is_set() else None):
                break  # it exited, and its output is open still
            arrival.reset()
            # Looked at before reading: what arrived before the end is read below.
            is_ended = channel.eof_received or channel.closed
            try:
                self._read(channel)
            except (OSError, EOFError, paramiko.SSHException):
                is_ended = True  # it went while the window was being opened again
        if not self._is_closed:
            self._tell_end()

    def _read(self, channel: paramiko.Channel) -> None:
        """Take what has arrived; each of these may send how much more may come."""
        while channel.recv_stderr_ready():
            self._error = (self._error + channel.recv_stderr(READ_SIZE))[-STDERR_KEPT:]
            self.stderr = self._error.decode("utf-8", "backslashreplace")
        while channel.recv_ready() and not self._is_closed:
            channel.recv(READ_SIZE)  # it was handed on: this opens the window again

    def _take(self, data: bytes) -> None:
        """Hand on what has arrived (on a thread that must go on whatever happens)."""
        if not self._is_closed:
            try:
                self.on_bytes(data)
            except Exception:  # noqa: BLE001 a defect of ours: shown, and no end of the connection
                sys.excepthook(*sys.exc_info())

    def _tell_end(self) -> None:
        channel = self.channel
        self._status.wait(LAST_WORDS)
        if channel.exit_status >= 0:
            self.exit_status = channel.exit_status
            is_open = not (channel.eof_received or channel.closed)
            self.on_end(STILL_OPEN if is_open else "the remote command ended")
        elif channel.eof_received and channel.event_ready:
            self.on_end("the remote command was killed")  # by a signal, which has no status
        else:
            self.on_end(self._why_closed())

    def _why_closed(self) -> str:
        """Say why a channel was closed before the command could end."""
        if self.refusal:
            return f"the server opens no session: {self.refusal}"
        transport = self.channel.get_transport()
        # A thread of paramiko's closes its channels on its own way out.
        transport.join(LAST_WORDS)
        if transport.is_alive():
            # Set by the server's yes to the request; the no only closes the channel.
            is_accepted = self.channel.event_ready
            return "the session was closed" if is_accepted else REFUSED
        error = transport.why_it_ended()
        reason = "" if error is None else f" ({reason_of(error)})"
        return f"the SSH connection was lost{reason}"

    def _write_loop(self) -> None:
        while True:
            self._wanted.wait()
            self._wanted.clear()
            data, self._rest = self._rest, b""
            while data:
                if self._is_closed:
                    return
                try:
                    self.channel.sendall(data)
                except (OSError, EOFError, paramiko.SSHException):
                    return  # the reading thread tells the end, with its reason
                self._window.give_back()
                data = self.pull()
            if self._is_closed:
                return

    def _see_off(self) -> None:
        try:
            self._release()
        finally:
            self._arrival.set()
            self._wanted.set()
            for thread in (self._reader, self._writer):
                if thread.is_alive() and thread is not threading.current_thread():
                    thread.join(JOIN_TIMEOUT)
            self.gone.set()


def _thread(target: Callable[[], None], role: str) -> threading.Thread:
    return threading.Thread(target=target, name=f"remotesvc-ssh-{role}", daemon=True)
