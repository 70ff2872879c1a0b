"""The options of the commands as data, and as the library's own names for them."""

from dataclasses import dataclass
from typing import Any

__all__ = ["ConnectOptions", "RunOptions"]


@dataclass(frozen=True)
class ConnectOptions:
    """How hosts are reached; what is None is left to ssh_config."""

    ssh_config: str | None = None
    user: str | None = None
    port: int | None = None
    identity: tuple[str, ...] = ()
    known_hosts: tuple[str, ...] = ()
    host_key_policy: str | None = None
    jump: tuple[str, ...] | None = None
    python: tuple[str, ...] = ()
    connect_timeout: float | None = None
    retries: int = 0

    def for_local(self) -> dict[str, Any]:
        """Return the keywords of Router.local()."""
        keywords = {
            "python_path": _one_or_all(self.python),
            "connect_timeout": self.connect_timeout,
        }
        return {name: value for name, value in keywords.items() if value is not None}

    def for_ssh(self) -> dict[str, Any]:
        """Return the keywords of Router.ssh()."""
        keywords = {
            "config_file": self.ssh_config,
            "username": self.user,
            "port": self.port,
            "identity_file": self.identity or None,
            "known_hosts": self.known_hosts or None,
            "host_key_policy": self.host_key_policy,
            "jump": self.jump,
            "retries": self.retries or None,
        }
        given = {name: value for name, value in keywords.items() if value is not None}
        return {**given, **self.for_local()}


@dataclass(frozen=True)
class RunOptions:
    """What is asked of the command itself."""

    timeout: float | None = None
    forks: int = 20
    is_json: bool = False
    is_text: bool = False
    is_dry: bool = False
    verbose: int = 0


def _one_or_all(paths: tuple[str, ...]) -> str | tuple[str, ...] | None:
    """Return one path alone: then it is started as it is, and no other is tried."""
    if not paths:
        return None
    return paths[0] if len(paths) == 1 else paths
