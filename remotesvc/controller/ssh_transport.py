"""An authenticated paramiko transport, through jump hosts or a ProxyCommand if need be.

Each hop is a login of its own: authentication, encryption and host key check end here, the jump
host only carries TCP bytes. Whoever opens a chain cuts it at the deadline: whatever waits on its
sockets then ends, and raises ConnectTimeout.
"""

import logging
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import paramiko
from paramiko.packet import Packetizer

from ..connect.base import Attempt
from ..core.errors import ConnectError
from ..core.visible import visible
from .ssh_algorithms import pick_algorithms
from .ssh_auth import Credentials, authenticate
from .ssh_config import read_settings
from .ssh_destination import split_destination
from .ssh_host_key import HostKeys
from .ssh_proxy_command import start_proxy_command
from .ssh_session import WINDOW, reason_of
from .ssh_settings import SshSettings
from .ssh_socket import Wire, connect_tcp

if TYPE_CHECKING:
    from ..core.loop import Loop

__all__ = ["Chain", "Login", "open_chain"]

# paramiko logs each of its errors with a traceback; it reaches the user as one of ours instead.
# To see its own log, set the level of this logger.
LOG_CHANNEL = "remotesvc.paramiko"
SILENCE = logging.CRITICAL + 1

# A thread of paramiko's looks at its flags this often, each time at the cost of a wake-up; it is
# woken by other means where it matters. paramiko itself takes 0.1 s.
IDLE_POLL = 2.0

# A cut thread ends within milliseconds.
JOIN_TIMEOUT = 5.0

# What a port says that is no SSH server's is shown up to here.
SAID_SHOWN = 100

# Beyond these, circles apart, nobody goes.
HOPS_LIMIT = 16


@dataclass(frozen=True)
class Login:
    """One host to log in to: its settings, and what the user gave beside them."""

    settings: SshSettings
    credentials: Credentials
    host_keys: HostKeys
    config_file: str | None

    @property
    def name(self) -> str:
        """What to call the host in an error."""
        return f"{self.settings.hostname} port {self.settings.port}"

    def for_hop(self, hop: str) -> "Login":
        """Return the login to a jump host on the way to this one.

        Passwords and keys given for this host are not the jump host's to see.
        """
        user, host, port = split_destination(hop)
        settings = read_settings(host, config_file=self.config_file, user=user, port=port)
        credentials = Credentials(
            passphrase=self.credentials.passphrase, prompts=self.credentials.prompts
        )
        host_keys = self.host_keys.for_settings(settings)
        return replace(self, settings=settings, credentials=credentials, host_keys=host_keys)


class Chain:
    """The transports from here to the host, and what the first one runs over."""

    def __init__(self, loop: "Loop") -> None:
        self.loop = loop
        self.wires: list[Wire] = []
        self.transports: list[paramiko.Transport] = []

    def cut(self) -> None:
        """End the sockets without waiting: every blocked call of paramiko's returns."""
        for wire in self.wires:
            wire.cut()

    def close(self) -> None:
        """Close all transports, the last hop first, and wait for their threads."""
        self.cut()
        for transport in reversed(self.transports):
            # It says goodbye through the hop before, which may be gone.
            with suppress(OSError, EOFError, paramiko.SSHException):
                transport.close()
        for transport in reversed(self.transports):
            if transport.is_alive():
                transport.join(JOIN_TIMEOUT)
            # The timer of a handshake that failed is a thread that lives on.
            transport.packetizer.complete_handshake()
        for wire in self.wires:
            wire.close()

    def last_words(self, attempt: Attempt) -> str:
        """Return what the wire's own program said, for the end of an error text."""
        return "".join(wire.last_words(attempt.left) for wire in self.wires)


def open_chain(
    chain: Chain, attempt: Attempt, login: Login, jumps: tuple[str, ...] | None
) -> paramiko.Transport:
    """Log in through all hops and return the transport to the host; the caller closes `chain`."""
    _extend(chain, attempt, login, jumps, ())
    for transport, interval in zip(chain.transports, chain.intervals, strict=True):
        transport.sock.settimeout(min(IDLE_POLL, interval or IDLE_POLL))
    return chain.transports[-1]


class _Listener(Packetizer):  # type: ignore[misc]  # paramiko has no types
    """paramiko's packet reader, which keeps what a server says before it proves to be one."""

    first_line = ""

    def readline(self, timeout: float) -> str:
        """Return the next line of the greeting."""
        line: str = super().readline(timeout)
        self.first_line = self.first_line or line
        return line
