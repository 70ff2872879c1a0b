"""LeanSocket: a socket that takes fewer system calls for what paramiko asks of it.

paramiko reads each packet in two or three pieces, and Python asks poll(2) before every call on a
socket with a timeout. Here one recv(2) brings all that has arrived, and the pieces are cut from
that; and poll(2) is asked before a write only when the kernel took none.

Until then, which is during the login, what came is acknowledged at once (tcp(7), TCP_QUICKACK):
sshd sends its second small packet in a row only when it knows that the first one has come (Nagle),
and Linux lets it wait 40 ms for that.

It may be watched by a loop (packets.py); then the loop closes it, for a number that is closed
elsewhere could belong to somebody else the next time that the loop looks.
"""

import os
import socket
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ...core.loop import Loop

__all__ = ["LeanSocket"]

# Two packets of the size that is usual (RFC 4253, 6.1).
READ_SIZE = 64 * 1024

TCP = (socket.AF_INET, socket.AF_INET6)


class LeanSocket:
    """A connected socket with a timeout, for one reader; what is not here is the socket's own.

    `ahead` is what has arrived and was not asked for; `loop` is set once, by who has it watched.
    """

    def __init__(self, sock: socket.socket) -> None:
        self.ahead = memoryview(b"")
        self.loop: Loop | None = None
        self._sock = sock
        self._pid = os.getpid()
        self._is_tcp = sock.family in TCP and hasattr(socket, "TCP_QUICKACK")
        # Held while its number is written to: meanwhile that becomes nobody else's.
        self._in_use = threading.RLock()

    def recv(self, size: int) -> bytes:
        """Return up to `size` bytes, b"" at the end; times out as the socket does."""
        if not self.ahead:
            self.ahead = memoryview(self._sock.recv(READ_SIZE))
            if self._is_tcp and self.loop is None:
                self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        data, self.ahead = self.ahead[:size], self.ahead[size:]
        return bytes(data)

    def fill(self) -> bool:
        """Take what has arrived, without waiting; False for nothing, EOFError at the end."""
        try:
            data = os.read(self._sock.fileno(), READ_SIZE)
        except BlockingIOError:
            return False
        if not data:
            raise EOFError
        self.ahead = memoryview(b"".join((self.ahead, data)) if self.ahead else data)
        return True

    def send(self, data: bytes) -> int:
        """Send some bytes and return how many; times out as the socket does."""
        try:
            # The descriptor does not block: the timeout has seen to that. Closed it is -1.
            with self._in_use:
                return os.write(self._sock.fileno(), data)
        except BlockingIOError:
            return self._sock.send(data)

    def watch(self, callback: Callable[[], None] | None) -> None:
        """Have the loop call back while there is something to read (on its thread)."""
        fd = self._sock.fileno()
        if self.loop is not None and fd >= 0:
            self.loop.set_reader(fd, callback)

    def close(self) -> None:
        """Close it, if it is watched by way of the loop; closing twice is fine."""
        if os.getpid() != self._pid:
            self._sock.close()  # in a fork nobody watches, or writes
        elif self.loop is None:
            self._close()
        else:
            self.loop.call_soon(self._close)

    def _close(self) -> None:
        self.watch(None)
        with self._in_use:
            self._sock.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)
