"""The command line of OpenSSH's ssh: options as words, names of hosts, its last words. Pure."""

import os
import re

from ..core.errors import AuthenticationError, ConnectError, HostKeyError, ResolveError
from .retry import AWAY, BUSY, FINAL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import List, Optional, Sequence, Tuple, Type, Union

    Path = Union[None, str, Sequence[str]]

__all__ = ["CLUES", "POLICIES", "failure_of", "options_argv", "split_destination"]

# host_key_policy -> StrictHostKeyChecking. Nobody is there to be asked.
POLICIES = {"strict": "yes", "accept-new": "accept-new", "ignore": "no"}

_KEY = "its key is unknown, or another one than it was: compare it, and mend known_hosts"
_CHANGED = "its key is another one than known_hosts has: do not log in before you know why"
_LOGIN = "we were not let in: check the user name, or give a key, an agent, password= or prompts="
_KEYS = "too many keys were offered: give identity_file="
_PORT = "nothing listens there: is it the right port, and does sshd run?"
_WAY = "there is no way to the host"

# What ssh says before it ends with 255; it speaks no language but English.
CLUES: "Tuple[Tuple[str, Type[ConnectError], str], ...]" = (
    ("remote host identification has changed", HostKeyError, _CHANGED),
    ("host key verification failed", HostKeyError, _KEY),
    ("could not resolve hostname", ResolveError, "the name has no address: is it right?"),
    ("too many authentication failures", AuthenticationError, _KEYS),
    ("permission denied", AuthenticationError, _LOGIN),
    ("connection refused", ConnectError, _PORT),
    ("timed out", ConnectError, "the host does not answer"),
    ("no route to host", ConnectError, _WAY),
    ("network is unreachable", ConnectError, _WAY),
    ("bad configuration option", ConnectError, "ssh does not understand its configuration"),
)


# What ssh says, at the beginning of a line, of a connection that came to no greeting; the first
# that fits decides, for behind a jump host both programs speak.
FAILURES: "Tuple[Tuple[str, str], ...]" = (
    # Whoever said no, here or on the way, is not asked again: that might lock the account.
    (r"([^\n]*: )?Permission denied|Host key verification failed|[^\n]*Too many auth", FINAL),
    (r"channel \d+: open failed: connect failed: ", AWAY),
    (r"ssh: connect to host ", AWAY),
    (r"ssh: Could not resolve hostname ", AWAY),
    (r"Connection timed out during banner exchange", AWAY),
    (r"(kex|ssh)_exchange_identification: .*Not allowed at this time", FINAL),
    (r"(kex|ssh)_exchange_identification: .*(closed by remote host|reset by peer)", BUSY),
)


def failure_of(stderr: "str") -> "str":
    """Return the kind of failure (retry.py) of an ssh that said this and ended with 255."""
    for pattern, failure in FAILURES:
        if re.search("^" + pattern, stderr, re.MULTILINE):
            return failure
    return FINAL


def options_argv(  # long: one keyword for each option
    username: "Optional[str]" = None,
    port: "Optional[int]" = None,
    config_file: "Optional[str]" = None,
    identity_file: "Path" = None,
    has_password: "bool" = False,
    known_hosts: "Path" = None,
    host_key_policy: "Optional[str]" = None,
    jump: "Path" = None,
    compression: "Optional[bool]" = None,
    keepalive: "Optional[int]" = None,
) -> "List[str]":
    """Return the options as ssh takes them; ValueError for a policy that does not exist."""
    words: "List[str]" = []
    if config_file is not None:
        words += ["-F", _path(config_file)]
    if username is not None:
        words += ["-l", username]
    if port is not None:
        words += ["-p", str(port)]
    for path in _paths(identity_file):
        words += ["-i", path]
    if identity_file is not None or has_password:
        # Each key that is offered counts as an attempt.
        words += ["-o", "IdentitiesOnly=yes"]
    if known_hosts is not None:
        files = " ".join('"%s"' % path for path in _paths(known_hosts))
        words += ["-o", "UserKnownHostsFile=" + files, "-o", "GlobalKnownHostsFile=none"]
    if host_key_policy is not None:
        if host_key_policy not in POLICIES:
            known = ", ".join(sorted(POLICIES))
            raise ValueError("host_key_policy=%r: it is one of %s" % (host_key_policy, known))
        words += ["-o", "StrictHostKeyChecking=" + POLICIES[host_key_policy]]
    if jump is not None:
        hops = jump if isinstance(jump, str) else ",".join(jump)
        words += ["-o", "ProxyJump=" + (hops or "none")]
    if compression is not None:
        words += ["-o", "Compression=" + ("yes" if compression else "no")]
    if keepalive is not None:
        words += ["-o", "ServerAliveInterval=%d" % keepalive]
    return words


def split_destination(host: "str") -> "Tuple[str, List[str]]":
    """Return what ssh takes for a host, and the words for a port that stood in it.

    Beside what ssh itself takes: user@host:port and [address]:port. ValueError for no host.
    """
    user, at, place = host.rpartition("@")
    if host.startswith("-") or not place or place.startswith("-"):
        raise ValueError("host=%r: it is a name, an address or user@host:port" % (host,))
    if "://" in host:
        return host, []
    name, colon, port = place.rpartition(":")
    if place.startswith("[") and place.endswith("]"):
        return user + at + place[1:-1], []
    is_bracketed = name.startswith("[") and name.endswith("]")
    if not colon or not port.isdigit() or not (is_bracketed or ":" not in name):
        return host, []
    return user + at + (name[1:-1] if is_bracketed else name), ["-p", port]


def _paths(given: "Path") -> "List[str]":
    if given is None:
        return []
    return [_path(name) for name in ([given] if isinstance(given, (str, os.PathLike)) else given)]


def _path(name: "str") -> "str":
    return os.path.expanduser(os.fspath(name))
