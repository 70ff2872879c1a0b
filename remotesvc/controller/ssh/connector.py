"""Opens one host: whom it is, by the options and ssh_config, and its stream as a connection.

Payload, settings, modules and the first call are written right behind the request to start the
command (`session.py` says how).
"""

from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from ...bootstrap.command import candidates, shell_command
from ...bootstrap.payload import build, warm_up
from ...connect.base import Attempt, Connection
from ...connect.tries import Tries
from ...core.errors import ConnectError
from ...core.visible import visible
from ..ssh_config import read_settings
from ..ssh_config.destination import split_destination
from .chain import Chain
from .channel import ChannelStream
from .connections import Connections
from .host_key import HostKeys
from .login import Login
from .opening import Opening
from .options import SshOptions
from .session import no_session

if TYPE_CHECKING:
    from ...types import Opener

    class Home(Opener, Protocol):
        """The router of the program, which keeps the connections."""

        kept: dict[str, Any]


__all__ = ["open_host"]


def open_host(
    router: "Home",
    context_id: int,
    attempt: Attempt,
    host: str,
    is_default_timeout: bool,
    given: dict[str, Any],
) -> Connection:
    """Log in to a host and start a child there; `given` are the options of ssh()."""
    if not isinstance(host, str):
        raise TypeError(f"ssh(): host is text, not {host!r}")
    options = SshOptions.of(given)
    names = candidates(options.python_path)
    warm_up()
    login = _login(options, host)
    if is_default_timeout and login.settings.connect_timeout:
        attempt.timeout = float(login.settings.connect_timeout)
    _say_once(router, login)
    attempt.note("resolve", _describe(options, login))
    opening = Opening(
        connections=router.kept.setdefault("ssh", Connections()),
        key=_key(options, login, host) if options.share else None,
        make=partial(Chain, router.loop),
        attempt=attempt,
        tries=Tries(attempt, options.retries),
        login=login,
        jumps=options.jumps,
        # The payload is built meanwhile.
        get_command=lambda: shell_command(options.python_path, len(build())),
        must_not_wait=router.loop.is_current,
    )
    stream = opening.open()
    attempt.note("interpreter", f"asked for the first of {', '.join(names)} that is there")
    explain = partial(_explain, stream)
    return Connection(router, stream, context_id, attempt, build(), names, explain)


def _explain(
    stream: ChannelStream, where: str, exit_status: int | None, stderr: str
) -> ConnectError | None:
    """Return the error for a session that was refused, None for any other end."""
    return no_session(where, stream.refusal) if stream.refusal else None


def _key(options: SshOptions, login: Login, host: str) -> tuple[Any, ...]:
    """Return what two children have to have in common to share a connection."""
    name = split_destination(host)[1]
    keys = login.host_keys
    return (
        name,
        login.settings,
        login.credentials,
        login.config_file,
        options.jumps,
        keys.policy,
        keys.user_files,
    )


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


def _describe(options: SshOptions, login: Login) -> str:
    """Return who is reached, where, and by whose word."""
    files = options.config_path or "~/.ssh/config and the system's"
    settings = login.settings
    text = f"{login.name} as {settings.user}, by the options and ssh_config ({files})"
    hops = settings.proxy_jump if options.jumps is None else options.jumps
    if hops:
        return f"{text}, through {', '.join(hops)}"
    command = settings.proxy_command
    return text if command is None else f"{text}, by the ProxyCommand {command}"


def _say_once(router: "Opener", login: Login) -> None:
    """Warn of what the files ask for and cannot have, once for each router."""
    for text in (*login.settings.notes, *login.host_keys.known.warnings):
        router.switch.report_once(None, text, visible(text))
