"""Reads the values of those ssh_config directives that remotesvc acts on.

One function per kind of value; each takes the line and raises ConnectError, quoting file and
line, for what OpenSSH would not accept. `check_values` looks at every line, also in blocks for
other hosts, as OpenSSH does. Directives that nothing here uses are not checked.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from remotesvc.controller.ssh_config.destination import split_destination
from remotesvc.controller.ssh_config.lines import ConfigLine
from remotesvc.core.errors import ConnectError

__all__ = [
    "as_address_family",
    "as_count",
    "as_files",
    "as_flag",
    "as_hops",
    "as_port",
    "as_seconds",
    "as_strictness",
    "as_text",
    "check_values",
]

_T = TypeVar("_T")

_SECONDS_PER_UNIT = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_MAX_SECONDS = 2**31 - 1  # OpenSSH keeps times in an int
_YES_NO = {"yes": True, "no": False}
_FLAGS = {**_YES_NO, "true": True, "false": False}
# PubkeyAuthentication has two more ways to say yes.
_PUBKEY_FLAGS = {**_FLAGS, "unbound": True, "host-bound": True}
_STRICTNESS = {
    "ask": "ask",
    "accept-new": "accept-new",
    "yes": "yes",
    "true": "yes",
    "no": "no",
    "off": "no",
    "false": "no",
}
_ADDRESS_FAMILIES = {"any": "any", "inet": "inet", "inet6": "inet6"}


def as_text(line: ConfigLine) -> str:
    """Return the one word of a line."""
    if len(line.words) > 1:
        raise line.problem(f"{line.keyword} takes one value", "quote it if it holds spaces")
    if not line.words[0]:
        raise line.problem(f"{line.keyword} is empty")
    return line.words[0]


def as_flag(line: ConfigLine) -> bool:
    """Return yes or no as a bool."""
    if line.keyword == "compression":
        return _choice(line, _YES_NO)
    return _choice(line, _PUBKEY_FLAGS if line.keyword == "pubkeyauthentication" else _FLAGS)


def as_strictness(line: ConfigLine) -> str:
    """Return StrictHostKeyChecking as yes, no, ask or accept-new."""
    return _choice(line, _STRICTNESS)


def as_address_family(line: ConfigLine) -> str:
    """Return any, inet or inet6."""
    return _choice(line, _ADDRESS_FAMILIES)


def as_port(line: ConfigLine) -> int:
    """Return a port number; a service name such as ssh is one too."""
    text = as_text(line)
    if text.isascii() and text.strip().lstrip("+").isdigit():
        port = int(text)
    else:
        try:
            port = socket.getservbyname(text, "tcp")
        except (OSError, UnicodeError):
            port = 0
    if not 0 < port < 65536:
        raise line.problem(f"{text!r} is not a port", "give a number from 1 to 65535")
    return port


def as_count(line: ConfigLine) -> int:
    """Return a number that is not negative."""
    text = as_text(line)
    if not (text.isascii() and text.isdigit() and int(text) <= _MAX_SECONDS):
        raise line.problem(f"{text!r} is not a number", "give a whole number")
    return int(text)


def as_seconds(line: ConfigLine) -> int | None:
    """Return a time such as `90`, `1m30s` or `2h` in seconds, None for `none`."""
    text = as_text(line)
    if text == "none":
        return None
    parts = re.findall(r"([0-9]+)([smhdw]?)", text.lower())
    seconds = sum(int(number) * _SECONDS_PER_UNIT[unit] for number, unit in parts)
    if "".join(number + unit for number, unit in parts) != text.lower() or not parts:
        raise line.problem(f"{text!r} is not a time", "write it like 30, 90s, 5m or 1h30m")
    if seconds > _MAX_SECONDS:
        raise line.problem(f"{text!r} is too long a time", "give less than 68 years")
    return seconds


def as_files(line: ConfigLine) -> tuple[str, ...]:
    """Return a list of file names, empty for `none`."""
    if not all(line.words):
        raise line.problem(f"{line.keyword} holds an empty name")
    if "none" not in [word.lower() for word in line.words]:
        return line.words
    if len(line.words) > 1:
        raise line.problem(f"{line.keyword} has none beside other names", "let none stand alone")
    return ()


def as_hops(line: ConfigLine) -> tuple[str, ...]:
    """Return the hops of a ProxyJump from here to there, empty for `none`.

    Each is `user@host:port` with what the file gives of it; an ssh:// form is written so.
    """
    text = as_text(line)
    if text.lower() == "none":
        return ()
    try:
        return tuple(_plain_hop(hop) for hop in text.split(","))
    except ConnectError as error:
        raise line.problem(str(error)) from None


def _plain_hop(hop: str) -> str:
    user, host, port = split_destination(hop)
    if not hop.lower().startswith("ssh://"):
        return hop
    name = f"[{host}]" if ":" in host else host
    before = "" if user is None else f"{user}@"
    return f"{before}{name}" if port is None else f"{before}{name}:{port}"


_READERS: Mapping[str, Callable[[ConfigLine], object]] = {
    "addressfamily": as_address_family,
    "bindaddress": as_text,
    "ciphers": as_text,
    "compression": as_flag,
    "connecttimeout": as_seconds,
    "globalknownhostsfile": as_files,
    "hashknownhosts": as_flag,
    "hostkeyalgorithms": as_text,
    "hostkeyalias": as_text,
    "hostname": as_text,
    "identitiesonly": as_flag,
    "identityagent": as_text,
    "identityfile": as_text,
    "ignoreunknown": as_text,
    "kbdinteractiveauthentication": as_flag,
    "kexalgorithms": as_text,
    "macs": as_text,
    "passwordauthentication": as_flag,
    "port": as_port,
    "preferredauthentications": as_text,
    "proxycommand": as_text,
    "proxyjump": as_hops,
    "pubkeyacceptedalgorithms": as_text,
    "pubkeyauthentication": as_flag,
    "serveralivecountmax": as_count,
    "serveraliveinterval": as_seconds,
    "stricthostkeychecking": as_strictness,
    "user": as_text,
    "userknownhostsfile": as_files,
}


def check_values(lines: Iterable[ConfigLine]) -> None:
    """Raise ConnectError for the first line whose value OpenSSH would not accept."""
    for line in lines:
        if line.keyword == "host" and not all(line.words):
            raise line.problem("Host has an empty pattern")
        reader = _READERS.get(line.keyword)
        if reader is not None:
            reader(line)


def _choice(line: ConfigLine, choices: Mapping[str, _T]) -> _T:
    text = as_text(line)
    if text.lower() not in choices:
        raise line.problem(f"{line.keyword} cannot be {text!r}", f"use {' or '.join(choices)}")
    return choices[text.lower()]
