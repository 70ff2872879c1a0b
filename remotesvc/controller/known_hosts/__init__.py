"""Judges a host key by known_hosts files, with OpenSSH's verdicts (seen with its client).

- Any line for the host with that very key makes it known, whichever file it stands in.
- A key that is @revoked for the host is refused, whatever other lines say.
- Lines for the host, none with that key: changed, even when their keys are of other types.
  A connector therefore asks for the types that it knows first, see `key_types`.
- A host on another port than 22 is `[host]:port`. When no line speaks of that, lines for the
  plain name count too, but only for the better: a mismatch there leaves the host unknown.
  One rule is stricter than OpenSSH's: @revoked for the plain name holds for every port.
- @cert-authority cannot be honoured by a transport that knows no host certificates: such a
  line unlocks nothing, and the verdict names it.

With HostKeyAlias, ask for the alias with port 22. Only `remember` writes.
"""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from remotesvc.controller.known_hosts.lines import (
    AUTHORITY,
    REVOKED,
    KeyLine,
    hash_name,
    read_key_lines,
)
from remotesvc.core.errors import HostKeyError

__all__ = [
    "Changed",
    "Known",
    "KnownHosts",
    "KnownKey",
    "Revoked",
    "Unknown",
    "Verdict",
    "fingerprint",
    "name_of",
    "remember",
]

_DEFAULT_PORT = 22
_SALT_SIZE = 20
_FORBIDDEN_IN_NAME = frozenset(",*?!|#@\"'")


@dataclass(frozen=True)
class KnownKey:
    """A key that a file holds for a host; `where` is file:number."""

    key_type: str
    fingerprint: str
    file: str
    number: int

    @property
    def where(self) -> str:
        """Return file:number."""
        return f"{self.file}:{self.number}"


@dataclass(frozen=True)
class Known:
    """The host is who it should be: `key` says by which line."""

    key: KnownKey


@dataclass(frozen=True)
class Unknown:
    """No line speaks of the host; `authority` is the @cert-authority line that would."""

    authority: KnownKey | None = None


@dataclass(frozen=True)
class Changed:
    """Lines speak of the host, but of other keys: the `expected` ones."""

    expected: tuple[KnownKey, ...]


@dataclass(frozen=True)
class Revoked:
    """That very key is marked @revoked for the host by the line of `key`."""

    key: KnownKey


Verdict = Known | Unknown | Changed | Revoked


@dataclass(frozen=True)
class KnownHosts:
    """The keys of some files, and a warning for each line that could not be read."""

    lines: tuple[KeyLine, ...]
    files: tuple[str, ...]
    warnings: tuple[str, ...]

    @classmethod
    def read(cls, user_files: Iterable[str], global_files: Iterable[str] = ()) -> KnownHosts:
        """Read files; one that is missing is empty, one that cannot be read is a warning."""
        files = (*user_files, *global_files)
        lines: list[KeyLine] = []
        warnings: list[str] = []
        for file in files:
            try:
                with open(file, "rb") as stream:
                    content = stream.read()
            except FileNotFoundError:
                continue
            except OSError as error:
                warnings.append(
                    f"{file} is left out, it cannot be read: {error.strerror}; make it readable"
                )
                continue
            found, unreadable = read_key_lines(file, content)
            lines.extend(found)
            warnings.extend(unreadable)
        warnings.extend(_authority_warning(lines))
        return cls(tuple(lines), files, tuple(warnings))

    def judge(self, host: str, port: int, key_type: str, blob: bytes) -> Verdict:
        """Say whether the key that a host showed is its own.

        `blob` is the public key as it goes over the wire; `key_type` is only for the reader,
        the blob itself holds the type.
        """
        exact = self._lines_for(name_of(host, port))
        plain = exact if port == _DEFAULT_PORT else self._lines_for(host.lower())
        for line in (*exact, *plain):
            if line.marker == REVOKED and line.blob == blob:
                return Revoked(_key(line))
        expected = [line for line in exact if not line.marker]
        for line in expected or [line for line in plain if not line.marker]:
            if line.blob == blob:
                return Known(_key(line))
        if expected:
            return Changed(tuple(_key(line) for line in expected))
        authorities = (line for line in (*exact, *plain) if line.marker == AUTHORITY)
        return Unknown(next((_key(line) for line in authorities), None))

    def key_types(self, host: str, port: int) -> tuple[str, ...]:
        """Return the types of the keys known for a host, in the order of the files.

        Ask the host for these first: a host known by its ed25519 key and asked for its rsa
        one would look changed. An "ssh-rsa" key also signs with rsa-sha2-256 and -512.
        """
        lines = [line for line in self._lines_for(name_of(host, port)) if not line.marker]
        if not lines:
            lines = [line for line in self._lines_for(host.lower()) if not line.marker]
        return tuple(dict.fromkeys(line.key_type for line in lines))

    def _lines_for(self, name: str) -> tuple[KeyLine, ...]:
        return tuple(line for line in self.lines if line.is_for(name))


def name_of(host: str, port: int) -> str:
    """Return the name of a host in known_hosts: `host`, or `[host]:port` off port 22."""
    return host.lower() if port == _DEFAULT_PORT else f"[{host.lower()}]:{port}"


def fingerprint(blob: bytes) -> str:
    """Return the fingerprint of a public key as `ssh-keygen -l` prints it, `SHA256:…`."""
    digest = base64.b64encode(hashlib.sha256(blob).digest()).decode("ascii")
    return f"SHA256:{digest.rstrip('=')}"


def remember(
    path: str, host: str, port: int, key_type: str, blob: bytes, *, hashed: bool = False
) -> None:
    """Append a key to a file, which is made (mode 0600, its folder 0700) when missing.

    One write appends the line, so that lines of several programs never mix. Raises
    HostKeyError when the name cannot stand in the file, or the file cannot be written.
    """
    name = name_of(host, port)
    if not host.isprintable() or " " in host or _FORBIDDEN_IN_NAME & set(host) or not host:
        raise HostKeyError(
            f"the name {host!r} cannot stand in {path}; connect by another name or address"
        )
    if hashed:
        name = hash_name(name, os.urandom(_SALT_SIZE))
    line = f"{name} {key_type} {base64.b64encode(blob).decode('ascii')}\n"
    try:
        _append_line(path, line.encode("utf-8", "surrogateescape"))
    except OSError as error:
        raise HostKeyError(
            f"the key of {name_of(host, port)} could not be added to {path}: {error.strerror}; "
            f"make it writable, or name another file"
        ) from error


def _append_line(path: str, line: bytes) -> None:
    folder = os.path.dirname(path)
    if folder:
        os.makedirs(folder, mode=0o700, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        size = os.fstat(descriptor).st_size
        if size and os.pread(descriptor, 1, size - 1) != b"\n":
            line = b"\n" + line
        if os.write(descriptor, line) != len(line):
            raise OSError(0, "the disk is full")
    finally:
        os.close(descriptor)


def _key(line: KeyLine) -> KnownKey:
    return KnownKey(line.key_type, fingerprint(line.blob), line.file, line.number)


def _authority_warning(lines: Sequence[KeyLine]) -> tuple[str, ...]:
    first = next((line for line in lines if line.marker == AUTHORITY), None)
    if first is None:
        return ()
    return (
        f"{first.where}: {AUTHORITY} lines are not used, for host certificates cannot be checked "
        f"here; put the keys of such hosts into the file",
    )
