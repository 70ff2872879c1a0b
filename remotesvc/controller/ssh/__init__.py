"""The SSH connector: paramiko logs in, opens a channel, and the bootstrap goes out at once.

Only this package knows paramiko. Payload, settings, modules and the first call are written
right behind the request to start the command (`session.py` says how).
"""

from typing import TYPE_CHECKING, Any

from ...bootstrap.command import candidates, shell_command
from ...bootstrap.payload import build, warm_up
from ...connect.base import Attempt, Connection
from ...core.visible import visible
from ..ssh_config import read_settings
from ..ssh_config.destination import split_destination
from .channel import ChannelStream
from .host_key import HostKeys
from .options import SshOptions
from .session import open_session, request_exec
from .transport import Chain, Login, open_chain

if TYPE_CHECKING:
    from ...types import Opener

__all__ = ["connect"]


def connect(
    router: "Opener",
    context_id: int,
    attempt: Attempt,
    *,
    host: str,
    is_default_timeout: bool = False,
    **given: Any,
) -> Connection:
    """Log in to a host and start a child there; what an option leaves out, ssh_config says."""
    if not isinstance(host, str):
        raise TypeError(f"ssh(): host is text, not {host!r}")
    options = SshOptions.of(given)
    names = candidates(options.python_path)
    warm_up()
    login = _login(options, host)
    if is_default_timeout and login.settings.connect_timeout:
        attempt.timeout = float(login.settings.connect_timeout)
    _say_once(router, login)
    chain = Chain(router.loop)
    attempt.cut_by(chain.cut)
    deadline = router.loop.call_later(attempt.left, chain.cut)
    try:
        channel = open_session(open_chain(chain, attempt, login, options.jumps), attempt)
        payload = build()
        # It takes what the channel receives from the first byte on.
        stream = ChannelStream(channel, chain.cut, chain.close, router.loop.is_current)
        request_exec(channel, shell_command(options.python_path, len(payload)))
    except BaseException:
        chain.close()
        raise
    finally:
        deadline.cancel()
    return Connection(router, stream, context_id, attempt, payload, names)


def _login(options: SshOptions, host: str) -> Login:
    user, name, port = split_destination(host)
    file = options.config_path
    settings = options.override(
        read_settings(
            name, config_file=file, user=options.username or user, port=options.port or port
        )
    )
    host_keys = HostKeys.read(settings, options.known_hosts_files, options.host_key_policy)
    return Login(settings, options.credentials, host_keys, file)


def _say_once(router: "Opener", login: Login) -> None:
    """Warn of what the files ask for and cannot have, once for each router."""
    for text in (*login.settings.notes, *login.host_keys.known.warnings):
        router.switch.report_once(None, text, visible(text))
