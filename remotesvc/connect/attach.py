"""The attach connector: to a child of this user on this host that was detached, and waits."""

import os
import socket
import threading

from ..core.detach import name_prefix, peer_uid
from ..core.errors import AuthenticationError, ConnectError, ResolveError
from ..core.link import DescriptorStream
from .base import Connection

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, Optional

    from ..core.loop import Loop
    from ..types import Opener
    from .base import Attempt

__all__ = ["TARGET", "connect"]

TARGET = "address"


def connect(
    router: "Opener", context_id: "int", attempt: "Attempt", address: "str"
) -> "Connection":
    """Connect to a child by the name that detach() gave."""
    if not hasattr(socket, "AF_UNIX") or not os.path.isdir("/proc/net"):
        text = "%s: only on Linux a child can be detached" % attempt.where
        raise ConnectError(text, "resolve", attempt.elapsed)
    if not address.startswith(name_prefix()):
        text = "%s: the names of detached children of this user begin with %s" % (
            attempt.where,
            name_prefix(),
        )
        raise ResolveError(text, None, attempt.elapsed)
    connected = socket.socket(socket.AF_UNIX)
    try:
        connected.connect("\0" + address)
        uid = peer_uid(connected)
        fd = os.dup(connected.fileno())
    except OSError as error:
        text = "%s: nobody waits there (%s): it ended, or `detached()` has another name" % (
            attempt.where,
            error.strerror,
        )
        raise ResolveError(text, None, attempt.elapsed) from error
    finally:
        connected.close()
    if uid != os.getuid():
        os.close(fd)
        text = "%s: user %d listens there, and not this one" % (attempt.where, uid)
        raise AuthenticationError(text, None, attempt.elapsed)
    stream = SocketStream(router.loop, fd)
    return Connection(router, stream, context_id, attempt, b"", (), _explain)


def _explain(
    where: "str", exit_status: "Optional[int]", stderr: "str"
) -> "Optional[ConnectError]":
    text = "%s: it hung up at once: another program is attached to it" % where
    return ConnectError(text, "auth", None, exit_status, stderr)


class SocketStream:
    """A ProcessLike over a connected socket: of what is at its other end nothing is known."""

    stderr = ""
    exit_status: "Optional[int]" = None

    def __init__(self, loop: "Loop", fd: "int") -> "None":
        self.gone = threading.Event()
        self._loop = loop
        self._pipe = DescriptorStream(loop, fd, fd)
        self.start = self._pipe.start
        self.write = self._pipe.write

    @property
    def on_bytes(self) -> "Callable[[bytes], None]":
        """The callback for what arrives."""
        return self._pipe.on_bytes

    @on_bytes.setter
    def on_bytes(self, callback: "Callable[[bytes], None]") -> "None":
        self._pipe.on_bytes = callback

    @property
    def on_end(self) -> "Callable[[str], None]":
        """The callback for the end."""
        return self._pipe.on_end

    @on_end.setter
    def on_end(self, callback: "Callable[[str], None]") -> "None":
        self._pipe.on_end = callback

    @property
    def pull(self) -> "Callable[[], bytes]":
        """The callback for what to write next."""
        return self._pipe.pull

    @pull.setter
    def pull(self, callback: "Callable[[], bytes]") -> "None":
        self._pipe.pull = callback

    def close(self) -> "None":
        """Leave it alone."""
        self._pipe.close()
        self._loop.call_soon(self.gone.set)

    def kill(self) -> "None":
        """Leave it alone: it was to live on."""
        self.close()

    def release(self, child_pid: "int") -> "None":
        """Leave it alone."""
        self.close()
