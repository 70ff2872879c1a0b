"""Replaces `~`, `%h` and its like, and `${NAME}` in values of ssh_config.

The table is TOKENS in ssh_config(5). What a token stands for is never looked at again, so a
host name cannot bring in further tokens.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass

from remotesvc.controller.ssh_config.lines import ConfigLine

__all__ = ["TokenTable", "local_user"]

_COMMAND_TOKENS = frozenset("%hnpr")
_PIECE = re.compile(r"%(.?)|\$\{([^}]*)(\}?)", re.DOTALL)


def local_user() -> str:
    """Return the name of the user who runs this program, as the system knows it."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        # In containers the user id often has no entry; LOGNAME is what is left.
        return os.environ.get("LOGNAME") or os.environ.get("USER") or str(os.getuid())


@dataclass(frozen=True)
class TokenTable:
    """What each percent token stands for in one connection."""

    values: Mapping[str, str]

    @classmethod
    def build(
        cls, *, typed_host: str, host: str, port: int, user: str, alias: str | None, jump: str
    ) -> TokenTable:
        """Return the table of a connection: the host as typed, and as it is now known."""
        local_name = socket.gethostname()
        hashed = f"{local_name}{host}{port}{user}{jump}".encode("utf-8", "surrogateescape")
        return cls(
            {
                "%": "%",
                # OpenSSH's own definition of %C: a name for a connection, not a secret.
                "C": hashlib.sha1(hashed, usedforsecurity=False).hexdigest(),
                "L": local_name.partition(".")[0],
                "d": os.path.expanduser("~"),
                "h": host,
                "i": str(os.getuid()),
                "j": jump,
                "k": alias or typed_host,
                "l": local_name,
                "n": typed_host,
                "p": str(port),
                "r": user,
                "u": local_user(),
            }
        )

    def expand_path(self, text: str, line: ConfigLine) -> str:
        """Return a file name with `~`, all tokens and environment variables replaced."""
        if line.is_expanded:
            return text
        return self._expand(os.path.expanduser(text), line, frozenset(self.values), True)

    def expand_command(self, text: str, line: ConfigLine) -> str:
        """Return a HostName, ProxyCommand or hop with %%, %h, %n, %p and %r replaced.

        Nothing is quoted: OpenSSH does not, and a command may rely on it. The names that a
        caller gives were checked for shell syntax before.
        """
        if line.is_expanded:
            return text
        return self._expand(text, line, _COMMAND_TOKENS & self.values.keys(), False)

    def _expand(
        self, text: str, line: ConfigLine, allowed: frozenset[str], has_environment: bool
    ) -> str:
        def replace(match: re.Match[str]) -> str:
            token, name, brace = match.groups()
            if token is not None:
                if token not in allowed:
                    raise line.problem(f"the token %{token} means nothing here", "write %% for %")
                return self.values[token]
            if not has_environment:
                return match.group()
            if not brace:
                raise line.problem("${ has no }", "close it")
            if name not in os.environ:
                raise line.problem(f"the environment has no {name}", f"set {name}")
            return os.environ[name]

        return _PIECE.sub(replace, text)
