"""Whether a host is who it should be: the key that it showed against known_hosts and policy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ...connect.base import Attempt
from ...core.errors import ConnectError, HostKeyError
from ..known_hosts import Known, KnownHosts, Revoked, Unknown, fingerprint, remember
from ..known_hosts.text import describe
from ..ssh_config.settings import SshSettings

__all__ = ["POLICIES", "HostKeys"]

POLICIES = ("strict", "accept-new", "ignore")

# StrictHostKeyChecking -> policy; "ask" has nobody to ask, so it is strict.
FROM_CONFIG = {"yes": "strict", "ask": "strict", "accept-new": "accept-new", "no": "ignore"}

# One key serves several signature algorithms (RFC 8332).
SAME_KEY = {"rsa-sha2-512": "ssh-rsa", "rsa-sha2-256": "ssh-rsa"}


class Key(Protocol):
    """A public host key."""

    def get_name(self) -> str:
        """Return its type."""

    def asbytes(self) -> bytes:
        """Return its blob."""


@dataclass(frozen=True)
class HostKeys:
    """The keys known for one host, and what to do about one that is not."""

    name: str
    port: int
    policy: str
    known: KnownHosts
    user_files: tuple[str, ...]
    is_hashed: bool
    override_policy: str | None
    override_files: tuple[str, ...]

    @classmethod
    def read(cls, settings: SshSettings, files: tuple[str, ...], policy: str | None) -> HostKeys:
        """Read known_hosts for a host; `files` and `policy`, where given, override its settings.

        Raises ConnectError for a policy that does not exist.
        """
        if policy is not None and policy not in POLICIES:
            text = f"host_key_policy {policy!r}: it is one of {', '.join(POLICIES)}"
            raise ConnectError(text, "host key")
        user_files = files or settings.user_known_hosts_files
        global_files = () if files else settings.global_known_hosts_files
        alias = settings.host_key_alias
        return cls(
            alias or settings.hostname,
            22 if alias else settings.port,
            policy or FROM_CONFIG[settings.strict_host_key_checking],
            KnownHosts.read(user_files, global_files),
            user_files,
            settings.hash_known_hosts,
            policy,
            files,
        )

    def for_settings(self, settings: SshSettings) -> HostKeys:
        """Return the same rules for another host on the way."""
        return self.read(settings, self.override_files, self.override_policy)

    def sort(self, algorithms: Sequence[str]) -> tuple[str, ...]:
        """Put the algorithms of known keys first: a host has several, we know one of them."""
        types = self.known.key_types(self.name, self.port)
        return tuple(sorted(algorithms, key=lambda name: SAME_KEY.get(name, name) not in types))

    def check(self, key: Key, attempt: Attempt) -> None:
        """Accept the key that the host showed, or raise HostKeyError with the way out."""
        kind, blob = key.get_name(), key.asbytes()
        verdict = self.known.judge(self.name, self.port, kind, blob)
        files, shown = ", ".join(self.known.files), fingerprint(blob)
        attempt.note("host key", f"policy {self.policy}, known_hosts: {files or 'no file'}")
        attempt.note("host key", f"it showed {kind} {shown}")
        if isinstance(verdict, Known):
            attempt.note("host key", f"known by {verdict.key.where}")
            return
        if not isinstance(verdict, Revoked):
            if self.policy == "ignore":
                return
            if self.policy == "accept-new" and isinstance(verdict, Unknown):
                self._remember(kind, blob, attempt)
                return
        text = describe(verdict, self.name, self.port, kind, blob, self.known.files)
        warnings = "".join(f"\n{warning}" for warning in self.known.warnings)
        raise HostKeyError(f"{attempt.where}: {text}{warnings}", None, attempt.elapsed)

    def _remember(self, kind: str, blob: bytes, attempt: Attempt) -> None:
        path = self.user_files[0] if self.user_files else None
        if path is None:
            return
        try:
            remember(path, self.name, self.port, kind, blob, hashed=self.is_hashed)
        except HostKeyError as error:
            raise HostKeyError(f"{attempt.where}: {error}", None, attempt.elapsed) from error
