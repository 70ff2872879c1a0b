"""Chain: the transports from here to a host, and what the first one runs over.

Whoever opens a chain cuts it at the deadline: whatever waits on its sockets then ends.
"""

import atexit
import os
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import paramiko

from ...connect.base import Attempt
from .tcp import Wire

if TYPE_CHECKING:
    from ...core.loop import Loop, Timer

__all__ = ["Chain", "Transport"]

# A no to a channel, or to one way to log in.
NO_END = (paramiko.ChannelException, paramiko.AuthenticationException)

# A cut thread ends within milliseconds.
JOIN_TIMEOUT = 5.0

# What says by itself what went wrong.
TELLING = (paramiko.SSHException, EOFError, OSError)


class Transport(paramiko.Transport):  # type: ignore[misc]  # paramiko has no types
    """paramiko's connection; it does not forget why it ended, for several children may ask."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        # By a LoginRequest: it is asked for once.
        self.is_service_asked_for = False
        # To be checked; paramiko tells it only as long as it is connected.
        self.shown_key: Any = None
        self._asking = threading.Lock()
        self._ended_by: Exception | None = None

    def get_exception(self) -> Exception | None:
        """Return what went wrong since somebody asked (for paramiko)."""
        with self._asking:
            error: Exception | None = super().get_exception()
            if error is not None and not isinstance(error, TELLING):
                # Of a parser that met something else; its text may be all that came.
                nonsense = f"what the server sent makes no sense ({type(error).__name__})"
                error = paramiko.SSHException(nonsense)
            if error is not None and not isinstance(error, NO_END):
                self._ended_by = error
            return error

    def why_it_ended(self) -> Exception | None:
        """Return what ended it, None for a farewell of the server's; to whoever asks."""
        self.get_exception()
        return self._ended_by


class Chain:
    """It is opened hop by hop, with a limit for each step, and closed as a whole."""

    def __init__(self, loop: "Loop") -> None:
        self.loop = loop
        self.wires: list[Wire] = []
        self.transports: list[Transport] = []
        self._timer: Timer | None = None
        # Runs before paramiko's own hook, which closes sockets that its threads still wait on.
        atexit.register(self._cut_at_exit, os.getpid())

    def _cut_at_exit(self, pid: int) -> None:
        if os.getpid() == pid:  # not in a fork, whose sockets are the parent's
            self.cut()

    def limit(self, seconds: float) -> None:
        """Have it cut after so much time, in place of an earlier limit."""
        self.free()
        self._timer = self.loop.call_later(seconds, self.cut)

    def free(self) -> None:
        """Take the limit away."""
        if self._timer is not None:
            self._timer.cancel()

    def cut(self) -> None:
        """End the sockets without waiting: every blocked call of paramiko's returns."""
        for wire in tuple(self.wires):
            wire.cut()

    def close(self) -> None:
        """Close everything, the last hop first."""
        self.free()
        self.drop(0, 0)
        atexit.unregister(self._cut_at_exit)

    def drop(self, wires: int, transports: int) -> None:
        """Close all but the first so many, and wait for their threads."""
        for wire in self.wires[wires:]:
            wire.cut()
        ended = self.transports[transports:]
        for transport in reversed(ended):
            # It says goodbye through the hop before, which may be gone.
            with suppress(OSError, EOFError, paramiko.SSHException):
                transport.close()
        for transport in reversed(ended):
            if transport.is_alive():
                transport.join(JOIN_TIMEOUT)
            # The timer of a handshake that failed is a thread that lives on.
            transport.packetizer.complete_handshake()
        for wire in self.wires[wires:]:
            wire.close()
        del self.wires[wires:], self.transports[transports:]

    def last_words(self, attempt: Attempt) -> str:
        """Return how the wire's own program ended and what it said, "" without any."""
        return "; ".join(filter(None, (wire.last_words(attempt.left) for wire in self.wires)))

    @property
    def is_broken(self) -> bool:
        """Whether the wire failed before anything was heard through it; after the last words."""
        return len(self.transports) == 1 and any(wire.has_failed for wire in self.wires)
