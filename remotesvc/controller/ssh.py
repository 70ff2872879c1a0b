"""The SSH connector: paramiko logs in, opens a channel, and the bootstrap goes out at once.

Only the ssh_*.py files know paramiko. The request to start the command is sent without waiting for
its reply, and payload, settings, modules and the first call right behind it: paramiko's public
`exec_command` would wait one round trip. The two private names that this takes are here, and a
test runs them; where they are missing, `exec_command` is used and waits.
"""

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import paramiko

from ..bootstrap.command import candidates, shell_command
from ..bootstrap.payload import build
from ..connect.base import Attempt, Connection
from ..core.errors import ConnectError
from ..core.visible import visible
from .ssh_auth import Credentials, Prompts
from .ssh_channel import ChannelStream
from .ssh_config import read_settings
from .ssh_destination import split_destination
from .ssh_host_key import HostKeys
from .ssh_settings import SshSettings
from .ssh_transport import WINDOW, Chain, Login, open_chain

if TYPE_CHECKING:
    from ..types import Home

__all__ = ["connect"]

# RFC 4254, 6.5
CHANNEL_REQUEST = b"b"


def connect(
    router: "Home",
    context_id: int,
    attempt: Attempt,
    *,
    host: str,
    is_default_timeout: bool = False,
    username: str | None = None,
    port: int | None = None,
    password: str | None = None,
    identity_file: str | Sequence[str] | None = None,
    passphrase: str | None = None,
    known_hosts: str | Sequence[str] | None = None,
    host_key_policy: str | None = None,
    config_file: str | None = None,
    jump: str | Sequence[str] | None = None,
    compression: bool | None = None,
    keepalive: int | None = None,
    prompts: Prompts | None = None,
    transport: str = "paramiko",
    python_path: str | Sequence[str] | None = None,
) -> Connection:
    """Log in to a host and start a child there; what an option leaves out, ssh_config says."""
    if transport != "paramiko":
        raise ConnectError(f"transport {transport!r}: there is only 'paramiko' so far", "resolve")
    names = candidates(python_path)
    user, name, own_port = split_destination(host)
    settings = read_settings(
        name, config_file=config_file, user=username or user, port=port or own_port
    )
    if is_default_timeout and settings.connect_timeout:
        attempt.timeout = float(settings.connect_timeout)
    settings = _override(settings, compression, keepalive)
    _note(attempt, settings)
    files = (identity_file,) if isinstance(identity_file, str) else tuple(identity_file or ())
    credentials = Credentials(password, passphrase, files, prompts)
    host_keys = HostKeys.read(settings, known_hosts, host_key_policy)
    for warning in host_keys.known.warnings:
        logging.getLogger("remotesvc.ssh").warning("%s", visible(warning))
    jumps = (jump,) if isinstance(jump, str) else None if jump is None else tuple(jump)
    chain = open_chain(
        router.loop, attempt, Login(settings, credentials, host_keys, config_file), jumps
    )
    try:
        channel = _open_session(chain, attempt)
        payload = build()
        _request_exec(channel, shell_command(python_path, len(payload)))
    except BaseException:
        chain.close()
        raise
    stream = ChannelStream(channel, chain.cut, chain.close)
    return Connection(router, stream, context_id, attempt, payload, names)


def _override(
    settings: SshSettings, compression: bool | None, keepalive: int | None
) -> SshSettings:
    changes: dict[str, Any] = {}
    if compression is not None:
        changes["compression"] = compression
    if keepalive is not None:
        changes["server_alive_interval"] = keepalive
    return replace(settings, **changes)


def _note(attempt: Attempt, settings: SshSettings) -> None:
    """Say what the configuration asks for and this transport cannot do."""
    for note in settings.notes:
        logging.getLogger("remotesvc.ssh").info("%s: %s", visible(attempt.where), visible(note))


def _open_session(chain: Chain, attempt: Attempt) -> paramiko.Channel:
    try:
        return chain.transports[-1].open_session(window_size=WINDOW, timeout=attempt.left)
    except (paramiko.SSHException, EOFError, OSError) as error:
        if attempt.left == 0:
            raise attempt.timed_out("interpreter", "opening a session") from error
        text = f"{attempt.where}: the server opened no session: {error}"
        raise ConnectError(text, "interpreter", attempt.elapsed) from error


def _request_exec(channel: paramiko.Channel, command: str) -> None:
    """Ask for the command to be run, and do not wait for the answer: EOF tells a refusal."""
    transport = channel.get_transport()
    send = getattr(transport, "_send_user_message", None)
    remote_id = getattr(channel, "remote_chanid", None)
    if send is None or remote_id is None:
        channel.exec_command(command)
        return
    message = paramiko.Message()
    message.add_byte(CHANNEL_REQUEST)
    message.add_int(remote_id)
    message.add_string("exec")
    message.add_boolean(True)
    message.add_string(command)
    send(message)
