"""The options of `router.ssh()`: what the user says here counts before what ssh_config says."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

from ...core.errors import ConnectError
from ..connector_options import OF_KIND, RULES
from ..ssh_config.settings import SshSettings
from .auth import Credentials, Prompts
from .identities import Passphrase

__all__ = ["SshOptions"]

# What says by itself what is wrong with it, in the phase of a connect.
UNCHECKED = {"host_key_policy", "port"}

Path = str | os.PathLike[str]


@dataclass(frozen=True)
class SshOptions:
    """Each None leaves the word to ssh_config; docs/ssh.md describes them."""

    username: str | None = None
    port: int | None = None
    password: str | None = field(default=None, repr=False)
    identity_file: Path | Sequence[Path] | None = None
    passphrase: Passphrase | None = field(default=None, repr=False)
    known_hosts: Path | Sequence[Path] | None = None
    host_key_policy: str | None = None
    config_file: Path | None = None
    jump: str | Sequence[str] | None = None
    compression: bool | None = None
    keepalive: int | None = None
    prompts: Prompts | None = field(default=None, repr=False)
    transport: str = "paramiko"
    share: bool = True
    retries: int = 0
    python_path: str | Sequence[str] | None = None

    @classmethod
    def of(cls, given: dict[str, Any]) -> "SshOptions":
        """Return the options as given; TypeError for one that does not exist."""
        names = [item.name for item in fields(cls)]
        unknown = [name for name in given if name not in names]
        if unknown:
            raise TypeError(f"ssh() has no option {unknown[0]!r}; it has {', '.join(names)}")
        for name, value in given.items():
            rule = OF_KIND.get(("ssh", name)) or RULES.get(name)
            if rule is not None and name not in UNCHECKED:
                rule.check(name, value)
        options = cls(**given)
        if options.transport != "paramiko":
            text = f"transport {options.transport!r}: it is 'paramiko' or 'openssh'"
            raise ConnectError(text, "resolve")
        port = options.port
        if port is not None and not (isinstance(port, int) and 0 < port < 65536):
            raise ConnectError(f"port={port!r} is not a number from 1 to 65535", "resolve")
        return options

    @property
    def credentials(self) -> Credentials:
        """What there is to log in with."""
        return Credentials(
            self.password, self.passphrase, _paths(self.identity_file), self.prompts
        )

    @property
    def known_hosts_files(self) -> tuple[str, ...]:
        """The files to look for host keys in, none for those of the configuration."""
        return _paths(self.known_hosts)

    @property
    def config_path(self) -> str | None:
        """The one ssh_config file to read, None for the usual two."""
        return None if self.config_file is None else os.path.expanduser(self.config_file)

    @property
    def jumps(self) -> tuple[str, ...] | None:
        """The hops from here to there, None to take those of the configuration."""
        if isinstance(self.jump, str):
            return () if self.jump.lower() == "none" else tuple(self.jump.split(","))
        return None if self.jump is None else tuple(self.jump)

    def override(self, settings: SshSettings) -> SshSettings:
        """Return the settings with what is given here in place of what they say."""
        changes: dict[str, Any] = {}
        if self.compression is not None:
            changes["compression"] = self.compression
        if self.keepalive is not None:
            changes["server_alive_interval"] = self.keepalive
        return replace(settings, **changes)


def _paths(given: Path | Sequence[Path] | None) -> tuple[str, ...]:
    """Return one name, several or none as a tuple, with ~ replaced."""
    if given is None:
        return ()
    names = [given] if isinstance(given, str | os.PathLike) else given
    return tuple(os.path.expanduser(os.fspath(name)) for name in names)
