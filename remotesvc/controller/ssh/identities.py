"""The keys to log in with: what an agent holds and what lies in files, in OpenSSH's order.

First the agent's keys that identity files name, then its others, then the files whose key the
agent does not hold. Nothing is sent from here; what could not be used leaves a note.
"""

import base64
import os
import socket
import stat
import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import paramiko
from cryptography.exceptions import UnsupportedAlgorithm
from paramiko.agent import AgentSSH
from paramiko.pkey import UnknownKeyType

from ...connect.base import Attempt
from ...core.visible import visible
from .tcp import shut_down

__all__ = ["Identities", "Identity", "Passphrase", "public_blob"]

# That of all key files, or who is asked for that of one; "" if nobody knows it.
Passphrase = str | Callable[[str], str]

# A key file is some kilobytes; a file that is larger is something else.
KEY_FILE_LIMIT = 256 * 1024

OPENSSH_HEAD = b"-----BEGIN OPENSSH PRIVATE KEY-----"
OPENSSH_MAGIC = b"openssh-key-v1\0"

# What loading a file raises that holds no key, or one of a kind that paramiko does not know.
UNUSABLE = (UnknownKeyType, UnsupportedAlgorithm, TypeError, ValueError, paramiko.SSHException)

# What the agent says may be anything; a list of keys is short and they come at once.
AGENT_TIMEOUT = 10.0


@dataclass(frozen=True)
class Identity:
    """One key to offer, and what to call it in an error."""

    name: str
    key: paramiko.PKey


@dataclass(frozen=True)
class Identities:
    """Where keys may come from; `notes` collects why some could not be used.

    is_named: whether the user named the files, so that a missing one is worth a note. only_files:
    of the agent's keys, use those that the files name.
    """

    files: tuple[str, ...]
    is_named: bool
    only_files: bool
    agent_path: str | None
    passphrase: Passphrase | None = field(repr=False)
    notes: list[str]

    @contextmanager
    def offered(self, attempt: Attempt) -> Iterator[Iterator[Identity]]:
        """Give all keys, one by one, best first; the agent is held while they are used.

        It may ask somebody before it signs, who has all the time that is left.
        """
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            attempt.cut_by(lambda: shut_down(connection))
            connection.settimeout(min(AGENT_TIMEOUT, attempt.left))
            keys = self._ask_agent(connection)
            connection.settimeout(attempt.left)
            yield self._offered(keys)

    def _offered(self, agent: dict[bytes, paramiko.PKey]) -> Iterator[Identity]:
        blobs = {path: public_blob(path) for path in self.files} if agent else {}
        held = [blob for blob in blobs.values() if blob in agent]
        others = [] if self.only_files else [blob for blob in agent if blob not in held]
        for blob in dict.fromkeys((*held, *others)):
            key = agent[blob]
            comment = visible(getattr(key, "comment", ""))
            yield Identity(f"agent key {key.get_name()} {comment}".strip(), key)
        for path in self.files:
            if blobs.get(path) in agent:
                continue
            loaded = self._load(path)
            if loaded is not None:
                yield Identity(f"key {path} ({loaded.get_name()})", loaded)

    def _ask_agent(self, connection: socket.socket) -> dict[bytes, paramiko.PKey]:
        """Return the agent's keys by their public blobs."""
        path = self.agent_path
        connect = getattr(AgentSSH, "_connect", None)
        if path is None or connect is None:
            return {}
        agent = AgentSSH()
        try:
            if not stat.S_ISSOCK(os.stat(path).st_mode):
                raise OSError(0, "it is no socket")
            connection.connect(path)
            connect(agent, connection)
        except (OSError, ValueError, struct.error, paramiko.SSHException) as error:
            reason = getattr(error, "strerror", None) or error
            self.notes.append(f"the agent at {path} did not answer: {reason}")
            return {}
        return {bytes(key.blob): key for key in agent.get_keys()}

    def _load(self, path: str) -> paramiko.PKey | None:
        """Return the key of a file, or leave a note and return None."""
        try:
            if _is_encrypted(_read(path)):
                return self._decrypt(path)
            return paramiko.PKey.from_path(path)
        except FileNotFoundError:
            if self.is_named:
                self.notes.append(f"there is no identity file {path}")
        except OSError as error:
            self.notes.append(f"identity file {path} cannot be read: {error.strerror}")
        except UNUSABLE:
            text = "holds no private key of a kind that can be used here"
            if _blob_of_public(_read(path)) is not None:
                text = "holds a public key, and no agent here has its private half"
            self.notes.append(f"identity file {path} {text}")
        return None

    def _decrypt(self, path: str) -> paramiko.PKey | None:
        given = self.passphrase
        passphrase = given(path) if callable(given) else given
        if not passphrase:
            hint = "give passphrase=, or add it to the agent with ssh-add"
            self.notes.append(f"identity file {path} needs a passphrase: {hint}")
            return None
        try:
            return paramiko.PKey.from_path(path, passphrase.encode())
        except (TypeError, ValueError):
            self.notes.append(f"identity file {path}: the passphrase is wrong")
            return None


def public_blob(path: str) -> bytes | None:
    """Return the public key of an identity file, without any passphrase; None if not to be had.

    It stands in the file itself (a public key, or OpenSSH's own format for private ones), else
    in the file beside it that ends in .pub.
    """
    for name in (path, path + ".pub"):
        content = _read(name)
        blob = _blob_of_private(content) if content.startswith(OPENSSH_HEAD) else None
        blob = blob or _blob_of_public(content)
        if blob is not None:
            return blob
    return None


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as stream:
            return stream.read(KEY_FILE_LIMIT)
    except OSError:
        return b""


def _blob_of_public(content: bytes) -> bytes | None:
    words: Sequence[bytes] = content.split(None, 2)
    if len(words) < 2:
        return None
    try:
        blob = base64.b64decode(words[1], validate=True)
    except ValueError:
        return None
    kind = words[0]
    return blob if blob.startswith(struct.pack(">I", len(kind)) + kind) else None


def _blob_of_private(content: bytes) -> bytes | None:
    strings = _openssh_strings(content)
    return strings[-1] if strings else None


def _is_encrypted(content: bytes) -> bool:
    """Tell whether a private key needs a passphrase, in any of the formats that there are."""
    strings = _openssh_strings(content)
    return strings[0] != b"none" if strings else b"ENCRYPTED" in content


def _openssh_strings(content: bytes) -> list[bytes]:
    """Return cipher, kdf, its options and public key of a file as PROTOCOL.key describes it."""
    try:
        data = base64.b64decode(b"".join(content.split(b"-----")[2].split()))
        if not data.startswith(OPENSSH_MAGIC):
            return []
        at = len(OPENSSH_MAGIC)
        strings: list[bytes] = []
        for _ in range(4):
            # The number of keys, always 1, stands before the last one.
            at += 4 * (len(strings) == 3)
            (size,) = struct.unpack_from(">I", data, at)
            at += 4 + size
            strings.append(data[at - size : at])
        return strings
    except (IndexError, ValueError, struct.error):
        return []
