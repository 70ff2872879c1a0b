"""One try to reach one host on the way: what carries the bytes, its greeting, the key exchange.

Nothing of ours has been shown to the host then, so a try that failed may be made again; `Failed`
says of what kind it was (connect/retry.py).
"""

import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import paramiko

from ...connect.base import Attempt
from ...connect.retry import AWAY, BUSY, FINAL
from ...core.errors import ConnectError
from ...core.visible import visible
from ..ssh_config.settings import SshSettings
from .algorithms import order_ciphers, pick_algorithms
from .chain import Chain, Transport
from .lean import LeanSocket
from .login import Login
from .packets import Packets
from .proxy_command import start_proxy_command
from .session import WINDOW, reason_of
from .tcp import Wire, connect_tcp

if TYPE_CHECKING:
    from ...core.loop import Loop

__all__ = ["Failed", "begin"]

# paramiko logs each of its errors with a traceback; it reaches the user as one of ours instead.
# To see its own log, set the level of this logger.
LOG_CHANNEL = "remotesvc.paramiko"
SILENCE = logging.CRITICAL + 1

# What a port says that is no SSH server's is shown up to here.
SAID_SHOWN = 100

# What sshd says to those it turns away; before OpenSSH 8.5 it said nothing. The second line is
# for those who failed too often.
TURNED_AWAY = {"Exceeded MaxStartups": BUSY, "Not allowed at this time": AWAY}

# RFC 4254, 5.1: the jump host tried, and nobody answered.
CONNECT_FAILED = 2


class Failed(Exception):
    """A try that failed: the error for the user, and the kind of the failure."""

    def __init__(self, error: ConnectError, failure: str) -> None:
        super().__init__(str(error))
        self.error = error
        self.failure = failure


class _Listener(Packets):
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


def begin(chain: Chain, attempt: Attempt, login: Login) -> Transport:
    """Reach a host, through the hops of a chain if there are any, up to its key; or raise Failed.

    What was opened is in the chain then, also after a failure.
    """
    sock = _open_way(chain, attempt, login)
    transport = Transport(sock, default_window_size=WINDOW, packetizer_class=_Listener)
    chain.transports.append(transport)
    _quiet(transport)
    _choose_algorithms(transport, attempt, login)
    # Whoever opens the chain cuts it at the deadline; paramiko's own limits only come after that.
    limit = attempt.left + 1
    transport.banner_timeout = transport.handshake_timeout = limit
    try:
        transport.start_client(timeout=limit)
        transport.shown_key = transport.get_remote_server_key()
    except (paramiko.SSHException, EOFError, OSError) as error:
        raise _explain_start(chain, attempt, login, error) from error
    attempt.note("host key", f"{login.name} is {transport.remote_version}")
    return transport


def _open_way(chain: Chain, attempt: Attempt, login: Login) -> Any:
    if chain.transports:
        return _open_tcp_channel(chain, attempt, login)
    wire = _open_wire(chain.loop, attempt, login.settings)
    chain.wires.append(wire)
    wire.socket = LeanSocket(wire.socket)
    return wire.socket


def _open_wire(loop: "Loop", attempt: Attempt, settings: SshSettings) -> Wire:
    if settings.proxy_command is not None:
        return start_proxy_command(loop, attempt, settings.proxy_command)
    try:
        return connect_tcp(
            attempt,
            settings.hostname,
            settings.port,
            settings.address_family,
            settings.bind_address,
            settings.connection_attempts,
        )
    except ConnectError as error:
        raise Failed(error, AWAY) from error.__cause__


def _open_tcp_channel(chain: Chain, attempt: Attempt, login: Login) -> _Tunnel:
    target = (login.settings.hostname, login.settings.port)
    try:
        # Past the deadline: then it is clear that this was the reason.
        channel = chain.transports[-1].open_channel(
            "direct-tcpip", target, ("127.0.0.1", 0), timeout=attempt.left + 0.1
        )
        attempt.note("tcp", f"{login.name} reached through the jump host")
        return _Tunnel(channel)
    except (paramiko.SSHException, EOFError, OSError) as error:
        if attempt.left == 0:
            doing = f"reaching {login.name} through the jump host"
            late = attempt.timed_out("tcp", doing)
            raise Failed(late, AWAY if chain.transports[-1].is_active() else FINAL) from error
        text = f"{attempt.where}: the jump host cannot reach {login.name}: {reason_of(error)}"
        is_away = getattr(error, "code", None) == CONNECT_FAILED
        failure = AWAY if is_away else FINAL
        raise Failed(ConnectError(text, "tcp", attempt.elapsed), failure) from error


def _choose_algorithms(transport: Transport, attempt: Attempt, login: Login) -> None:
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


def _explain_start(chain: Chain, attempt: Attempt, login: Login, error: Exception) -> Failed:
    transport = chain.transports[-1]
    first = transport.packetizer.first_line
    said = visible(first[:SAID_SHOWN])
    phase = "host key" if transport.remote_version else "tcp"
    words = chain.last_words(attempt)
    if attempt.left == 0:
        doing = f"{login.name} said {said!r} and no more" if said else f"{login.name} said nothing"
        late = attempt.timed_out(phase, ". ".join(filter(None, (doing, words))))
        return Failed(late, AWAY)
    failure = _failure_of(first, bool(transport.remote_version), chain.is_broken, error)
    if transport.remote_version:
        text = f"no SSH session could be agreed with {login.name} ({said}): {reason_of(error)}"
    elif first.strip() in TURNED_AWAY:
        text = f"{login.name} turned us away: it said {said!r}. It is too busy, or shuts us out"
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
    return Failed(ConnectError(f"{attempt.where}: {text}{more}", phase, attempt.elapsed), failure)


def _failure_of(first_line: str, is_ssh: bool, is_broken: bool, error: Exception) -> str:
    """Return the kind of failure of a greeting that came to no end."""
    if is_ssh:
        # One that restarts hangs up; everything else would be the same again.
        return AWAY if isinstance(error, EOFError | OSError) else FINAL
    if first_line:
        return TURNED_AWAY.get(first_line.strip(), FINAL)
    return AWAY if is_broken else BUSY


def _quiet(transport: Transport) -> None:
    logger = logging.getLogger(LOG_CHANNEL)
    if logger.level == logging.NOTSET:
        logger.setLevel(SILENCE)
    transport.set_log_channel(LOG_CHANNEL)
