"""Authentication over a paramiko transport: what is offered, in which order, and what was tried.

OpenSSH's order: agent keys, identity files, keyboard-interactive, password, as far as the
configuration allows each. A password is sent once, a passphrase never leaves this host.
"""

import os
import socket
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import paramiko
from paramiko.agent import AgentSSH

from ..connect.base import Attempt
from ..core.errors import AuthenticationError
from .ssh_settings import SshSettings

__all__ = ["Credentials", "authenticate"]

# answers(title, instructions, [(prompt, is echoed)]) -> one answer per prompt
Prompts = Callable[[str, str, Sequence[tuple[str, bool]]], Sequence[str]]


@dataclass(frozen=True)
class Credentials:
    """What the user gave beside the configuration; secrets do not show in its repr."""

    password: str | None = field(default=None, repr=False)
    passphrase: str | None = field(default=None, repr=False)
    identity_files: tuple[str, ...] = ()
    prompts: Prompts | None = field(default=None, repr=False)


def authenticate(
    transport: paramiko.Transport,
    attempt: Attempt,
    settings: SshSettings,
    credentials: Credentials,
) -> None:
    """Log in, or raise AuthenticationError that lists what was tried and what would help."""
    _Login(transport, attempt, settings, credentials).run()


class _Login:
    """One login: the methods that are left, and what was tried so far."""

    def __init__(
        self,
        transport: paramiko.Transport,
        attempt: Attempt,
        settings: SshSettings,
        credentials: Credentials,
    ) -> None:
        self._transport = transport
        self._attempt = attempt
        self._settings = settings
        self._credentials = credentials
        self._allowed: set[str] | None = None
        self._tried: list[str] = []
        self._notes: list[str] = []

    def run(self) -> None:
        methods = {
            "publickey": self._try_keys,
            "keyboard-interactive": self._try_interactive,
            "password": self._try_password,
        }
        for method in self._settings.authentications:
            if method in methods and self._may(method) and methods[method]():
                return
        raise self._refused()

    def _may(self, method: str) -> bool:
        return self._allowed is None or method in self._allowed

    def _send(self, what: str, send: Callable[[], list[str]]) -> bool:
        """Send one attempt; True when it logged in."""
        self._transport.auth_timeout = max(0.1, self._attempt.left)
        try:
            still_needed = send()
        except paramiko.BadAuthenticationType as error:
            self._allowed = set(error.allowed_types)
            return False
        except paramiko.AuthenticationException as error:
            self._tried.append(what)
            self._check_alive(error)
            return False
        except (paramiko.SSHException, EOFError, OSError) as error:
            self._tried.append(what)
            self._check_alive(error, is_dead=True)
            return False
        self._tried.append(what)
        if still_needed:
            self._allowed = set(still_needed)
        return not still_needed

    def _check_alive(self, error: Exception, is_dead: bool = False) -> None:
        if self._attempt.left == 0:
            raise self._attempt.timed_out("auth", "waiting for the server's word") from error
        if is_dead or not self._transport.is_active():
            self._notes.append("the server closed the connection after that many attempts")
            raise self._refused() from error

    # -- keys ------------------------------------------------------------------------------------

    def _try_keys(self) -> bool:
        user = self._settings.user
        for what, key in self._keys():
            if not self._may("publickey"):
                return False
            if self._send(what, lambda key=key: self._transport.auth_publickey(user, key)):
                return True
        return False

    def _keys(self) -> Iterator[tuple[str, paramiko.PKey]]:
        explicit = self._credentials.identity_files
        files = explicit or self._settings.identity_files
        if not (self._settings.identities_only or explicit):
            yield from self._agent_keys()
        for path in files:
            key = self._load(path, bool(explicit) or self._settings.has_explicit_identities)
            if key is not None:
                yield f"key {path} ({key.get_name()})", key

    def _agent_keys(self) -> Iterator[tuple[str, paramiko.PKey]]:
        path = self._settings.identity_agent
        if path is None:
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
            try:
                if not stat.S_ISSOCK(os.stat(path).st_mode):
                    return
                sock.settimeout(max(0.1, self._attempt.left))
                sock.connect(path)
                agent = AgentSSH()
                agent._connect(sock)
                keys = agent.get_keys()
            except (OSError, paramiko.SSHException) as error:
                self._notes.append(f"the agent at {path} did not answer: {error}")
                return
            for key in keys:
                yield f"agent key {key.get_name()} {getattr(key, 'comment', '')}".strip(), key

    def _load(self, path: str, is_explicit: bool) -> paramiko.PKey | None:
        passphrase = self._credentials.passphrase
        secret = None if passphrase is None else passphrase.encode()
        try:
            return paramiko.PKey.from_path(path, secret)
        except FileNotFoundError:
            if is_explicit:
                self._notes.append(f"there is no identity file {path}")
        except OSError as error:
            self._notes.append(f"identity file {path} cannot be read: {error.strerror}")
        except TypeError:
            hint = "give passphrase=, or add it to the agent with ssh-add"
            if passphrase is None:
                self._notes.append(f"identity file {path} needs a passphrase: {hint}")
            else:
                return self._load_plain(path)
        except (ValueError, paramiko.SSHException) as error:
            text = "the passphrase is wrong" if passphrase is not None else str(error)
            self._notes.append(f"identity file {path} cannot be used: {text}")
        return None

    def _load_plain(self, path: str) -> paramiko.PKey | None:
        """Load a key that has no passphrase although one was given for another."""
        try:
            return paramiko.PKey.from_path(path)
        except (OSError, TypeError, ValueError, paramiko.SSHException):
            self._notes.append(f"identity file {path} cannot be used")
            return None

    # -- what is typed ---------------------------------------------------------------------------

    def _try_password(self) -> bool:
        password = self._credentials.password
        if password is None:
            return False
        user = self._settings.user
        return self._send(
            "password",
            lambda: self._transport.auth_password(user, password, fallback=False),
        )

    def _try_interactive(self) -> bool:
        if self._credentials.password is None and self._credentials.prompts is None:
            return False
        user = self._settings.user
        return self._send(
            "keyboard-interactive",
            lambda: self._transport.auth_interactive(user, _Answers(self._credentials)),
        )

    def _refused(self) -> AuthenticationError:
        settings = self._settings
        tried = ", ".join(self._tried) or "nothing: there was nothing to offer"
        allowed = ", ".join(sorted(self._allowed)) if self._allowed else "unknown"
        notes = "".join(f"; {note}" for note in self._notes)
        text = (
            f"{self._attempt.where}: user {settings.user!r} was not let in. Tried: {tried}. "
            f"The server takes: {allowed}{notes}. Check the user name, or give a key with "
            "-i/identity_file, an agent, or a password"
        )
        return AuthenticationError(text, None, self._attempt.elapsed)


class _Answers:
    """Answers keyboard-interactive questions; the password goes to one hidden prompt, once."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials
        self._is_password_sent = False

    def __call__(
        self, title: str, instructions: str, prompts: list[tuple[str, bool]]
    ) -> Sequence[str]:
        if self._credentials.prompts is not None:
            return self._credentials.prompts(title, instructions, prompts)
        password = self._credentials.password
        is_for_password = len(prompts) == 1 and not prompts[0][1]
        if password is not None and is_for_password and not self._is_password_sent:
            self._is_password_sent = True
            return [password]
        return ["" for _ in prompts]
