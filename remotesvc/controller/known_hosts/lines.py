"""Takes known_hosts files apart into lines, as sshd(8) describes the format.

A line is `[@marker] names type base64 [comment]`. What cannot be read becomes a warning with
file and number: it unlocks nothing, and it hides none of the other lines.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import struct
from dataclasses import dataclass

from remotesvc.controller.ssh_config.patterns import is_match_in_list

__all__ = ["KeyLine", "hash_name", "read_key_lines"]

AUTHORITY = "@cert-authority"
REVOKED = "@revoked"

_MARKERS = frozenset({AUTHORITY, REVOKED})
_HASH_PREFIX = "|1|"
_SHA1_SIZE = 20


@dataclass(frozen=True)
class KeyLine:
    """One key and the names that it stands for; `where` is file:number."""

    file: str
    number: int
    marker: str
    names: str
    key_type: str
    blob: bytes

    @property
    def where(self) -> str:
        """Return file:number."""
        return f"{self.file}:{self.number}"

    def is_for(self, name: str) -> bool:
        """Say whether the line speaks of a name, `host` or `[host]:port` in lower case."""
        if self.names.startswith("|"):
            salt, _ = _split_hash(self.names)
            # Not a secret on either side: the comparison may take as long as it takes.
            return hash_name(name, salt) == self.names
        return is_match_in_list(name, self.names.lower().split(","))


def hash_name(name: str, salt: bytes) -> str:
    """Return a name in the hashed form of HashKnownHosts."""
    digest = hmac.digest(salt, name.encode("utf-8", "surrogateescape"), "sha1")
    return f"{_HASH_PREFIX}{_encode(salt)}|{_encode(digest)}"


def read_key_lines(file: str, content: bytes) -> tuple[tuple[KeyLine, ...], tuple[str, ...]]:
    """Return the keys of a file and one warning for each line that cannot be read."""
    lines: list[KeyLine] = []
    warnings: list[str] = []
    text = content.decode("utf-8", "surrogateescape")
    for number, line in enumerate(text.split("\n"), 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        try:
            lines.append(_read_line(file, number, words))
        except ValueError as error:
            warnings.append(f"{file}:{number} is left out: {error}; correct or remove that line")
    return tuple(lines), tuple(warnings)


def _read_line(file: str, number: int, words: list[str]) -> KeyLine:
    marker = ""
    if words[0].startswith("@"):
        marker = words.pop(0)
        if marker not in _MARKERS:
            raise ValueError(f"the marker {marker!r} is unknown")
    if len(words) < 3:
        raise ValueError("names, key type and key are expected")
    names, key_type, key = words[:3]
    if names.startswith("|"):
        _split_hash(names)
    return KeyLine(file, number, marker, names, key_type, _read_key(key_type, key))


def _read_key(key_type: str, key: str) -> bytes:
    try:
        blob = base64.b64decode(key, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError(f"the key is no base64 ({error})") from None
    size = struct.unpack_from(">I", blob)[0] if len(blob) >= 4 else 0
    inner = blob[4 : 4 + size]
    if inner != key_type.encode("utf-8", "surrogateescape") or len(blob) <= 4 + size:
        raise ValueError(f"it is no key of type {key_type!r}")
    return blob


def _split_hash(names: str) -> tuple[bytes, bytes]:
    parts = names.split("|")
    if not names.startswith(_HASH_PREFIX) or len(parts) != 4:
        raise ValueError("the hashed name is malformed")
    try:
        salt, digest = (base64.b64decode(part, validate=True) for part in parts[2:])
    except (binascii.Error, ValueError):
        raise ValueError("the hashed name is no base64") from None
    if len(salt) != _SHA1_SIZE or len(digest) != _SHA1_SIZE:
        raise ValueError("the hashed name has a wrong length")
    return salt, digest


def _encode(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
