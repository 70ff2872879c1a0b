"""A server that accepts TCP connections and never says a word.

For tests of deadlines. The kernel completes the handshake of a listening socket by itself, so
there is nothing to run: no thread, no process.
"""

import socket
from types import TracebackType

from remotesvc.testing.folder import HOST

__all__ = ["SilentServer"]

# Connections that the kernel takes before it lets further ones wait; tests open a handful.
BACKLOG = 64


class SilentServer:
    """Listens on 127.0.0.1, answers nothing; a context manager."""

    def __init__(self) -> None:
        """Listen on a free port."""
        self._listener = socket.create_server((HOST, 0), backlog=BACKLOG)
        self.host = HOST
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> "SilentServer":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop listening; connections that were made are reset. Closing twice is fine."""
        self._listener.close()
