"""An authenticated paramiko transport, through jump hosts or a ProxyCommand if need be.

Each hop is a login of its own: authentication, encryption and host key check end here, the jump
host only carries TCP bytes. Whoever opens a chain cuts it at the deadline: whatever waits on its
sockets then ends, and raises ConnectTimeout.
"""

import atexit
import logging
import os
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import paramiko
from paramiko.packet import Packetizer

from ...connect.base import Attempt
from ...core.errors import ConnectError
from ...core.visible import visible
from ..ssh_config import read_settings
from ..ssh_config.destination import split_destination
from ..ssh_config.settings import SshSettings
from .algorithms import order_ciphers, pick_algorithms
from .auth import Credentials, authenticate
from .host_key import HostKeys
from .proxy_command import start_proxy_command
from .session import WINDOW, reason_of
from .tcp import Wire, connect_tcp

if TYPE_CHECKING:
    from ...core.loop import Loop

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

# A ProxyJump with %h in it can lead to ever new names.
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
        # Runs before paramiko's own hook, which closes sockets that its threads still wait on.
        atexit.register(self._cut_at_exit, os.getpid())

    def _cut_at_exit(self, pid: int) -> None:
        if os.getpid() == pid:  # not in a fork, whose sockets are the parent's
            self.cut()

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
        atexit.unregister(self._cut_at_exit)

    def last_words(self, attempt: Attempt) -> str:
        """Return how the wire's own program ended and what it said, "" without any."""
        return "; ".join(filter(None, (wire.last_words(attempt.left) for wire in self.wires)))

    @property
    def is_broken(self) -> bool:
        """Whether the wire failed before anything was heard through it; after the last words."""
        return len(self.transports) == 1 and any(wire.has_failed for wire in self.wires)


def open_chain(
    chain: Chain, attempt: Attempt, login: Login, jumps: tuple[str, ...] | None
) -> paramiko.Transport:
    """Log in through all hops and return the transport to the host; the caller closes `chain`."""
    _extend(chain, attempt, login, jumps, ())
    return chain.transports[-1]


class _Listener(Packetizer):  # type: ignore[misc]  # paramiko has no types
    """paramiko's packet reader, which keeps what a server says before it proves to be one."""

    first_line = ""

    def readline(self, timeout: float) -> str:
        """Return the next line of the greeting."""
        line: str = super().readline(timeout)
        self.first_line = self.first_line or line
        return line

    def write_all(self, out: bytes) -> None:
        """Write; to one who has hung up already, listen to why."""
        try:
            super().write_all(out)
        except EOFError:
            if not self.first_line:
                with suppress(OSError, EOFError):
                    self.readline(0)
            raise


class _Tunnel:
    """A channel through a jump host in the place of a socket; closing one that is cut is fine."""

    def __init__(self, channel: paramiko.Channel) -> None:
        self.send = channel.send
        self.recv = channel.recv
        self.settimeout = channel.settimeout
        self._channel = channel

    @property
    def _closed(self) -> bool:
        return bool(self._channel.closed)

    def close(self) -> None:
        """Close the channel; paramiko's own raises when the hop is gone."""
        with suppress(OSError, EOFError, paramiko.SSHException):
            self._channel.close()


def _extend(
    chain: Chain,
    attempt: Attempt,
    login: Login,
    jumps: tuple[str, ...] | None,
    on_the_way: tuple[str, ...],
) -> None:
    """Add the hops before a host, then the host itself."""
    settings = login.settings
    if login.name in on_the_way or len(on_the_way) > HOPS_LIMIT:
        way = " through ".join((*on_the_way, login.name))
        text = f"{attempt.where}: the jump hosts lead in a circle: {way}; mend ProxyJump"
        raise ConnectError(text, "resolve", attempt.elapsed)
    hops = settings.proxy_jump if jumps is None else jumps
    for index, hop in enumerate(hops):
        # Only the first hop is reached from here; the others are reached from the one before.
        before = None if index == 0 and not chain.transports else ()
        _extend(chain, attempt, login.for_hop(hop), before, (*on_the_way, login.name))
    if chain.transports:
        _log_in(chain, _open_tcp_channel(chain, attempt, login), attempt, login)
    else:
        wire = _open_wire(chain.loop, attempt, settings)
        chain.wires.append(wire)
        _log_in(chain, wire.socket, attempt, login)


def _open_wire(loop: "Loop", attempt: Attempt, settings: SshSettings) -> Wire:
    if settings.proxy_command is not None:
        return start_proxy_command(loop, attempt, settings.proxy_command)
    return connect_tcp(
        attempt,
        settings.hostname,
        settings.port,
        settings.address_family,
        settings.bind_address,
    )


def _open_tcp_channel(chain: Chain, attempt: Attempt, login: Login) -> _Tunnel:
    target = (login.settings.hostname, login.settings.port)
    try:
        channel = chain.transports[-1].open_channel(
            "direct-tcpip", target, ("127.0.0.1", 0), timeout=attempt.left
        )
        return _Tunnel(channel)
    except (paramiko.SSHException, EOFError, OSError) as error:
        if attempt.left == 0:
            doing = f"reaching {login.name} through the jump host"
            raise attempt.timed_out("tcp", doing) from error
        text = f"{attempt.where}: the jump host cannot reach {login.name}: {reason_of(error)}"
        raise ConnectError(text, "tcp", attempt.elapsed) from error


def _log_in(chain: Chain, sock: Any, attempt: Attempt, login: Login) -> None:
    settings = login.settings
    transport = paramiko.Transport(sock, default_window_size=WINDOW, packetizer_class=_Listener)
    chain.transports.append(transport)
    _quiet(transport)
    _choose_algorithms(transport, attempt, login)
    # Whoever opens the chain cuts it at the deadline; paramiko's own limits only come after that.
    limit = attempt.left + 1
    transport.banner_timeout = transport.handshake_timeout = limit
    try:
        transport.start_client(timeout=limit)
        key = transport.get_remote_server_key()
    except (paramiko.SSHException, EOFError, OSError) as error:
        raise _explain_start(chain, attempt, login, error) from error
    login.host_keys.check(key, attempt)
    authenticate(transport, attempt, settings, login.credentials)
    interval = settings.server_alive_interval
    transport.set_keepalive(interval)
    transport.sock.settimeout(min(IDLE_POLL, interval or IDLE_POLL))


def _choose_algorithms(transport: paramiko.Transport, attempt: Attempt, login: Login) -> None:
    settings = login.settings
    options = transport.get_security_options()
    for name, wish, table in (
        ("kex", settings.kex_algorithms, "_kex_info"),
        ("ciphers", settings.ciphers, "_cipher_info"),
        ("digests", settings.macs, "_mac_info"),
        ("key_types", settings.host_key_algorithms, "_key_info"),
    ):
        default = getattr(options, name)
        if name == "ciphers":
            default = order_ciphers(default)
        names = _pick(name, wish, default, getattr(transport, table, default), attempt)
        setattr(options, name, login.host_keys.sort(names) if name == "key_types" else names)
    known = transport.preferred_pubkeys
    wanted = _pick("public key algorithms", settings.pubkey_algorithms, known, known, attempt)
    transport.disabled_algorithms = {"pubkeys": [name for name in known if name not in wanted]}
    transport.use_compression(settings.compression)


def _pick(name: str, wish: str, default: Any, supported: Any, attempt: Attempt) -> tuple[str, ...]:
    names = pick_algorithms(wish, default, tuple(supported))
    if not names:
        text = f"{attempt.where}: of the {name} in ssh_config ({wish}) none can be used here"
        raise ConnectError(text, "tcp", attempt.elapsed)
    return names


def _explain_start(chain: Chain, attempt: Attempt, login: Login, error: Exception) -> ConnectError:
    transport = chain.transports[-1]
    said = visible(transport.packetizer.first_line[:SAID_SHOWN])
    phase = "host key" if transport.remote_version else "tcp"
    words = chain.last_words(attempt)
    if attempt.left == 0:
        doing = f"{login.name} said {said!r} and no more" if said else f"{login.name} said nothing"
        return attempt.timed_out(phase, ". ".join(filter(None, (doing, words))))
    if transport.remote_version:
        text = f"no SSH session could be agreed with {login.name} ({said}): {reason_of(error)}"
    elif said:
        text = f"{login.name} is no SSH server: it said {said!r}"
    elif chain.is_broken:
        text, words = words, ""
    else:
        text = (
            f"{login.name} closed the connection at once: is it an SSH server, and not too busy?"
        )
    stop = "" if text.endswith("?") else "."
    more = f"{stop} {words}" if words else ""
    return ConnectError(f"{attempt.where}: {text}{more}", phase, attempt.elapsed)


def _quiet(transport: paramiko.Transport) -> None:
    logger = logging.getLogger(LOG_CHANNEL)
    if logger.level == logging.NOTSET:
        logger.setLevel(SILENCE)
    transport.set_log_channel(LOG_CHANNEL)
