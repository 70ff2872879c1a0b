"""LeanSocket: a socket that takes fewer system calls for what paramiko asks of it.

paramiko reads each packet in two or three pieces, and Python asks poll(2) before every call on a
socket with a timeout. Here one recv(2) brings all that has arrived, and the pieces are cut from
that; and poll(2) is asked before a write only when the kernel took none.
"""

import os
import socket
from typing import Any

__all__ = ["LeanSocket"]

# Two packets of the size that is usual (RFC 4253, 6.1).
READ_SIZE = 64 * 1024


class LeanSocket:
    """A connected socket with a timeout, for one reader; what is not here is the socket's own."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._ahead = memoryview(b"")

    def recv(self, size: int) -> bytes:
        """Return up to `size` bytes, b"" at the end; times out as the socket does."""
        if not self._ahead:
            self._ahead = memoryview(self._sock.recv(READ_SIZE))
        data, self._ahead = self._ahead[:size], self._ahead[size:]
        return bytes(data)

    def send(self, data: bytes) -> int:
        """Send some bytes and return how many; times out as the socket does."""
        try:
            # The descriptor does not block: the timeout has seen to that. Closed it is -1.
            return os.write(self._sock.fileno(), data)
        except BlockingIOError:
            return self._sock.send(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)
