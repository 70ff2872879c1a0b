"""The options of the commands as data, and as the library's own names for them."""

from dataclasses import dataclass
from typing import Any

from remotesvc.connect.spec import Part

from .hosts import Host

__all__ = ["Become", "ConnectOptions", "RunOptions"]


@dataclass(frozen=True)
class Become:
    """Another user to become on the host, and by which program."""

    user: str
    method: str = "sudo"

    @property
    def part(self) -> Part:
        """What it is as a part of a chain."""
        return Part(self.method, self.user, f"{self.method}:{self.user}")


@dataclass(frozen=True)
class ConnectOptions:
    """How hosts are reached; what is None is left to ssh_config.

    Files, `jump` and `transport` are for the login that starts on this machine: that to `via`,
    where there is one. `user`, `port` and the password that is asked for are the host's own.
    """

    ssh_config: str | None = None
    user: str | None = None
    port: int | None = None
    identity: tuple[str, ...] = ()
    known_hosts: tuple[str, ...] = ()
    host_key_policy: str | None = None
    jump: tuple[str, ...] | None = None
    via: Host | None = None
    transport: str | None = None
    is_asking_pass: bool = False
    become: Become | None = None
    is_asking_become_pass: bool = False
    python: tuple[str, ...] = ()
    connect_timeout: float | None = None
    retries: int = 0

    def for_python(self) -> dict[str, Any]:
        """Return the keywords that say which Python is started on the host."""
        return _given(python_path=_one_or_all(self.python))

    def for_ssh(self, *, is_from_here: bool, is_host: bool) -> dict[str, Any]:
        """Return the keywords of Router.ssh() for one login on the way."""
        keywords = _given(host_key_policy=self.host_key_policy, retries=self.retries or None)
        if is_from_here:
            keywords |= _given(
                config_file=self.ssh_config,
                identity_file=self.identity or None,
                known_hosts=self.known_hosts or None,
                jump=self.jump,
                transport=self.transport,
            )
        if is_host:
            keywords |= _given(username=self.user, port=self.port)
        return keywords


@dataclass(frozen=True)
class RunOptions:
    """What is asked of the command itself."""

    timeout: float | None = None
    forks: int = 20
    is_json: bool = False
    is_text: bool = False
    is_dry: bool = False
    verbose: int = 0


def _given(**keywords: Any) -> dict[str, Any]:
    return {name: value for name, value in keywords.items() if value is not None}


def _one_or_all(paths: tuple[str, ...]) -> str | tuple[str, ...] | None:
    """Return one path alone: then it is started as it is, and no other is tried."""
    if not paths:
        return None
    return paths[0] if len(paths) == 1 else paths
