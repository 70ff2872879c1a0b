"""Who may log in to the embedded server, and what a logged-in client may ask for.

The answers to paramiko's questions; the work itself is in `embedded_session.py`. paramiko asks
on the thread that serves the whole transport, so nothing here waits for a client.
"""

import hmac
import logging
import os
import pwd
import socket
import subprocess
from pathlib import Path
from typing import Any

import paramiko

from remotesvc.testing.embedded_session import Session, start_thread
from remotesvc.testing.embedded_settings import EmbeddedSettings
from remotesvc.testing.options import current_account, current_user

__all__ = ["Gate"]

# A jump host's onward connection is made while its whole transport waits.
DIAL_SECONDS = 5.0

# What a login without an environment of its own gets.
DEFAULT_PATH = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"

_log = logging.getLogger("remotesvc.testing.embedded")


class Gate(paramiko.ServerInterface):  # type: ignore[misc] # paramiko has no types
    """The decisions for one connection.

    `dialled` maps the number of a direct-tcpip channel to its open onward connection, until
    the channel exists and somebody takes it.
    """

    def __init__(self, settings: EmbeddedSettings, peer: tuple[str, int]) -> None:
        """Decide for a client that connected from `peer`."""
        self._settings = settings
        self._peer = peer
        self._user = ""
        self._authorized = _authorized_keys(settings.folder / "authorized_keys")
        self.dialled: dict[int, socket.socket] = {}

    def get_allowed_auths(self, username: str) -> str:
        """Name the methods that can succeed."""
        methods = {
            "publickey": bool(self._authorized),
            "password": self._settings.password is not None,
            "keyboard-interactive": bool(self._settings.interactive),
        }
        return ",".join(name for name, is_offered in methods.items() if is_offered)

    def check_auth_publickey(self, username: str, key: Any) -> int:
        """Accept the keys of authorized_keys."""
        return self._answer(username, "publickey", key.get_base64() in self._authorized)

    def check_auth_password(self, username: str, password: str) -> int:
        """Accept the one password, if there is one."""
        expected = self._settings.password
        is_right = expected is not None and _is_equal(expected, password)
        return self._answer(username, "password", is_right)

    def check_auth_interactive(self, username: str, submethods: str) -> Any:
        """Ask all prompts at once; what is typed is not to be shown."""
        if not self._settings.interactive:
            return paramiko.AUTH_FAILED
        self._user = username
        prompts = [(prompt, False) for prompt, _ in self._settings.interactive]
        return paramiko.InteractiveQuery("", "", *prompts)

    def check_auth_interactive_response(self, responses: list[str]) -> int:
        """Accept when every prompt got its answer."""
        expected = [answer for _, answer in self._settings.interactive]
        is_right = len(responses) == len(expected) and all(map(_is_equal, expected, responses))
        return self._answer(self._user, "keyboard-interactive", is_right)

    def check_channel_request(self, kind: str, chanid: int) -> int:
        """Open sessions, nothing else."""
        if kind == "session":
            return int(paramiko.OPEN_SUCCEEDED)
        return int(paramiko.OPEN_FAILED_UNKNOWN_CHANNEL_TYPE)

    def check_channel_exec_request(self, channel: Any, command: bytes) -> bool:
        """Run the command with the user's shell."""
        _log.info("%s runs %d bytes of command", self._user, len(command))
        return self._run(channel, ["-c", os.fsdecode(command)])

    def check_channel_shell_request(self, channel: Any) -> bool:
        """Run the user's shell on pipes: there are no terminals here."""
        return self._run(channel, [])

    def check_channel_direct_tcpip_request(
        self, chanid: int, origin: tuple[str, int], destination: tuple[str, int]
    ) -> int:
        """Connect onward for a client that uses this server as its jump host."""
        try:
            self.dialled[chanid] = socket.create_connection(destination, timeout=DIAL_SECONDS)
        except OSError as error:
            _log.info("cannot connect onward to %s:%d: %s", *destination, error)
            return int(paramiko.OPEN_FAILED_CONNECT_FAILED)
        self.dialled[chanid].settimeout(None)
        self.dialled[chanid].setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return int(paramiko.OPEN_SUCCEEDED)

    def _answer(self, username: str, method: str, is_right: bool) -> int:
        is_accepted = is_right and username in self._settings.users
        verdict = "accepted" if is_accepted else "refused"
        _log.info("%s %s for %s", verdict, method, username)
        self._user = username
        return int(paramiko.AUTH_SUCCESSFUL if is_accepted else paramiko.AUTH_FAILED)

    def _run(self, channel: Any, arguments: list[str]) -> bool:
        try:
            process = self._start(arguments)
        except (OSError, ValueError, KeyError) as error:
            _log.error("cannot start a command for %s: %s", self._user, error)
            return False
        start_thread(Session(channel, process).run)
        return True

    def _start(self, arguments: list[str]) -> "subprocess.Popen[bytes]":
        account = _account_of(self._user)
        shell = self._settings.shell or account.pw_shell or "/bin/sh"
        home = account.pw_dir if os.path.isdir(account.pw_dir) else "/"
        is_other = self._user != current_user()
        return subprocess.Popen(
            [shell, *arguments],
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=home,
            env=self._environment(account, shell),
            start_new_session=True,
            user=account.pw_uid if is_other else None,
            group=account.pw_gid if is_other else None,
            extra_groups=os.getgrouplist(self._user, account.pw_gid) if is_other else None,
        )

    def _environment(self, account: pwd.struct_passwd, shell: str) -> dict[str, str]:
        address, port = self._peer[:2]
        return {
            "USER": self._user,
            "LOGNAME": self._user,
            "HOME": account.pw_dir,
            "PATH": DEFAULT_PATH,
            "SHELL": shell,
            "SSH_CLIENT": f"{address} {port} {self._settings.port}",
            "SSH_CONNECTION": f"{address} {port} {address} {self._settings.port}",
            **dict(self._settings.environment),
        }


def _account_of(user: str) -> pwd.struct_passwd:
    """Return the account of a user; of this process without one, what serves as such."""
    own = current_account()
    if own is not None or user != current_user():
        return pwd.getpwnam(user)
    fields = (user, "x", os.geteuid(), os.getegid(), "", "/", "/bin/sh")
    return pwd.struct_passwd(fields)


def _authorized_keys(path: Path) -> frozenset[str]:
    return frozenset(line.split()[1] for line in path.read_text().splitlines() if line)


def _is_equal(expected: str, given: str) -> bool:
    return hmac.compare_digest(expected.encode(), given.encode())
