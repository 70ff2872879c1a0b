"""An authenticated paramiko transport, through jump hosts or a ProxyCommand if need be.

Each hop is a login of its own: authentication, encryption and host key check end here, the jump
host only carries TCP bytes. One deadline covers all of it: when it passes, the sockets are cut,
and whatever waits on them ends with ConnectTimeout.
"""

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import paramiko

from ..connect.base import Attempt
from ..core.errors import ConnectError
from .ssh_algorithms import pick_algorithms
from .ssh_auth import Credentials, authenticate
from .ssh_config import read_settings
from .ssh_destination import split_destination
from .ssh_host_key import HostKeys
from .ssh_settings import SshSettings
from .ssh_socket import Wire, connect_tcp, start_proxy_command

if TYPE_CHECKING:
    from ..core.loop import Loop

__all__ = ["Chain", "Login", "open_chain"]

# paramiko's own logger says everything twice; ours is quiet unless somebody listens.
LOG_CHANNEL = "remotesvc.paramiko"

# Larger is slower: paramiko deletes from the front of an array of this size.
WINDOW = 2 * 1024 * 1024


@dataclass(frozen=True)
class Login:
    """One host to log in to: its settings, and what the user gave beside them."""

    settings: SshSettings
    credentials: Credentials
    host_keys: HostKeys
    config_file: str | None


class Chain:
    """The transports from here to the host, and the socket that the first one runs over."""

    def __init__(self) -> None:
        self.wires: list[Wire] = []
        self.transports: list[paramiko.Transport] = []

    def cut(self) -> None:
        """End the sockets: every blocked call of paramiko's returns."""
        for wire in self.wires:
            wire.cut()

    def close(self) -> None:
        """Close all transports, the last hop first."""
        self.cut()
        for transport in reversed(self.transports):
            transport.close()
        for wire in self.wires:
            wire.close()


def open_chain(
    loop: "Loop", attempt: Attempt, login: Login, jumps: tuple[str, ...] | None
) -> Chain:
    """Log in through all hops; the last transport of the chain leads to the host."""
    chain = Chain()
    timer = loop.call_later(attempt.left, chain.cut)
    try:
        _extend(chain, attempt, login, jumps, ())
        return chain
    except BaseException:
        chain.close()
        raise
    finally:
        timer.cancel()


def _extend(
    chain: Chain,
    attempt: Attempt,
    login: Login,
    jumps: tuple[str, ...] | None,
    on_the_way: tuple[str, ...],
) -> None:
    """Add the hops before a host, then the host itself."""
    settings = login.settings
    hops = settings.proxy_jump if jumps is None else jumps
    if settings.hostname in on_the_way:
        raise ConnectError(f"{attempt.where}: the jump hosts lead in a circle", "tcp")
    for index, hop in enumerate(hops):
        hop_login = _login_for_hop(hop, login)
        # Only the first hop is reached from here; the others are reached from the one before.
        before = None if index == 0 and not chain.transports else ()
        _extend(chain, attempt, hop_login, before, (*on_the_way, settings.hostname))
    sock: Any
    if chain.transports:
        sock = _open_tcp_channel(chain.transports[-1], attempt, settings)
    else:
        wire = _open_wire(attempt, settings)
        chain.wires.append(wire)
        sock = wire.socket
    _log_in(chain, sock, attempt, login)


def _login_for_hop(hop: str, login: Login) -> Login:
    user, host, port = split_destination(hop)
    settings = read_settings(host, config_file=login.config_file, user=user, port=port)
    # Passwords and keys given for the target are not the jump host's to see.
    credentials = Credentials(
        passphrase=login.credentials.passphrase, prompts=login.credentials.prompts
    )
    host_keys = login.host_keys.for_settings(settings)
    return replace(login, settings=settings, credentials=credentials, host_keys=host_keys)


def _open_wire(attempt: Attempt, settings: SshSettings) -> Wire:
    if settings.proxy_command is not None:
        return start_proxy_command(attempt, settings.proxy_command)
    return connect_tcp(
        attempt,
        settings.hostname,
        settings.port,
        settings.address_family,
        settings.bind_address,
    )


def _open_tcp_channel(
    transport: paramiko.Transport, attempt: Attempt, settings: SshSettings
) -> paramiko.Channel:
    target = (settings.hostname, settings.port)
    try:
        return transport.open_channel(
            "direct-tcpip", target, ("127.0.0.1", 0), timeout=attempt.left
        )
    except (paramiko.SSHException, EOFError, OSError) as error:
        if attempt.left == 0:
            raise attempt.timed_out("tcp", f"reaching {target[0]} through the jump host") from error
        text = f"{attempt.where}: the jump host cannot reach {target[0]} port {target[1]}: {error}"
        raise ConnectError(text, "tcp", attempt.elapsed) from error


def _log_in(chain: Chain, sock: Any, attempt: Attempt, login: Login) -> None:
    transport = _new_transport(sock, attempt, login)
    chain.transports.append(transport)
    settings = login.settings
    try:
        transport.start_client(timeout=max(0.1, attempt.left))
    except (paramiko.SSHException, EOFError, OSError) as error:
        raise _explain_start(attempt, settings, transport, error) from error
    login.host_keys.check(transport.get_remote_server_key(), attempt)
    authenticate(transport, attempt, settings, login.credentials)
    if settings.server_alive_interval:
        transport.set_keepalive(settings.server_alive_interval)


def _new_transport(sock: Any, attempt: Attempt, login: Login) -> paramiko.Transport:
    settings = login.settings
    try:
        transport = paramiko.Transport(sock, default_window_size=WINDOW)
    except (paramiko.SSHException, OSError) as error:
        text = f"{attempt.where}: the connection ended at once: {error}"
        raise ConnectError(text, "tcp", attempt.elapsed) from error
    _quiet()
    transport.set_log_channel(LOG_CHANNEL)
    transport.daemon = True
    transport.banner_timeout = transport.handshake_timeout = max(0.1, attempt.left)
    options = transport.get_security_options()
    wishes = (
        ("kex", settings.kex_algorithms, transport._kex_info),
        ("ciphers", settings.ciphers, transport._cipher_info),
        ("digests", settings.macs, transport._mac_info),
    )
    for name, wish, supported in wishes:
        if wish:
            setattr(options, name, _pick(name, wish, options, supported, attempt))
    key_types = _pick("key_types", settings.host_key_algorithms, options, transport._key_info, attempt)
    options.key_types = login.host_keys.sort(key_types)
    transport.use_compression(settings.compression)
    return transport


def _pick(
    name: str, wish: str, options: Any, supported: Any, attempt: Attempt
) -> tuple[str, ...]:
    names = pick_algorithms(wish, getattr(options, name), tuple(supported))
    if not names:
        text = f"{attempt.where}: of the {name} in ssh_config ({wish}) none can be used here"
        raise ConnectError(text, "tcp", attempt.elapsed)
    return names


def _explain_start(
    attempt: Attempt, settings: SshSettings, transport: paramiko.Transport, error: Exception
) -> ConnectError:
    if attempt.left == 0:
        return attempt.timed_out("tcp", f"{settings.hostname} port {settings.port} said nothing")
    if not transport.remote_version:
        text = (
            f"{attempt.where}: {settings.hostname} port {settings.port} is no SSH server, or it "
            f"closed the connection at once: {error}"
        )
        return ConnectError(text, "tcp", attempt.elapsed)
    text = f"{attempt.where}: no SSH session could be agreed with {settings.hostname}: {error}"
    return ConnectError(text, "host key", attempt.elapsed)


def _quiet() -> None:
    """Keep paramiko's errors off stderr: each of them reaches the user as an error of ours."""
    logger = logging.getLogger(LOG_CHANNEL)
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
