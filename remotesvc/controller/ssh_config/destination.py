"""Takes a destination such as `user@host:port` apart, and refuses names that are traps.

A name ends up in the argument list of ssh and, by `%h` and `%r`, in the shell line of a
ProxyCommand. What could be read there as an option or as shell syntax is refused here, before
anything runs: the same characters that OpenSSH refuses on its own command line.
"""

from __future__ import annotations

import ipaddress
from typing import NamedTuple
from urllib.parse import unquote

from remotesvc.core.errors import ConnectError

__all__ = ["Destination", "check_host", "check_user", "split_destination"]

_SCHEME = "ssh://"
_FORBIDDEN_IN_HOST = frozenset("'`\"$\\;&<>|(){},@/")
_FORBIDDEN_IN_USER = frozenset("'`\";&<>|(){}")
_FORM = "write it as host, user@host, user@host:port, user@[ipv6]:port or ssh://user@host:port"


class Destination(NamedTuple):
    """Who to be, where, and on which port; None where the text does not say."""

    user: str | None
    host: str
    port: int | None


def split_destination(text: str) -> Destination:
    """Return (user, host, port) of `user@host:port`, `ssh://…`, `[::1]:22` or `::1`.

    The host comes without brackets. An IPv6 literal without brackets is a host, never host and
    port. Raises ConnectError (phase resolve) for anything else, and for names that
    `check_host` and `check_user` refuse.
    """
    rest = text
    is_uri = text.lower().startswith(_SCHEME)
    if is_uri:
        rest = text[len(_SCHEME) :].removesuffix("/")
    user, at, host_text = rest.rpartition("@")
    if at and not user:
        raise _error(text, "has an empty user")
    host, port = _split_port(text, host_text)
    if is_uri:
        user = unquote(user.partition(";")[0])
    return Destination(check_user(user) if at else None, check_host(host), port)


def check_host(host: str) -> str:
    """Return the host as it came; raise ConnectError when it is no name and no address."""
    if not host:
        raise _error(host, "is empty")
    if host.startswith("-"):
        raise _error(host, "begins with a dash: ssh would read it as an option")
    _refuse(host, _FORBIDDEN_IN_HOST)
    if any(character.isspace() for character in host):
        raise _error(host, "holds white space")
    return host


def check_user(user: str) -> str:
    """Return the user name as it came; raise ConnectError when it could be read as syntax."""
    if not user:
        raise _error(user, "has an empty user")
    if user.startswith("-") or " -" in user or user.endswith("\\"):
        raise _error(user, "is a user name that ssh would read as an option")
    _refuse(user, _FORBIDDEN_IN_USER)
    return user


def _refuse(name: str, forbidden: frozenset[str]) -> None:
    for character in name:
        if character in forbidden or not character.isprintable():
            raise _error(name, f"holds {character!r}, which no name may hold")


def _split_port(text: str, rest: str) -> tuple[str, int | None]:
    if rest.startswith("["):
        host, bracket, tail = rest[1:].partition("]")
        if not bracket or (tail and not tail.startswith(":")):
            raise _error(text, "has unbalanced brackets")
        _check_address(text, host)
        return host, _port(text, tail[1:]) if tail else None
    if rest.count(":") > 1:
        _check_address(text, rest)
        return rest, None
    host, colon, tail = rest.partition(":")
    return host, _port(text, tail) if colon else None


def _check_address(text: str, host: str) -> None:
    try:
        ipaddress.IPv6Address(host)
    except ValueError as error:
        raise _error(text, f"holds no valid IPv6 address ({error})") from None


def _port(text: str, digits: str) -> int:
    if digits.isascii() and digits.isdigit() and len(digits) <= 5 and 0 < int(digits) < 65536:
        return int(digits)
    raise _error(text, f"has the port {digits!r}, which is not a number from 1 to 65535")


def _error(text: str, problem: str) -> ConnectError:
    return ConnectError(f"the destination {text!r} {problem}; {_FORM}", phase="resolve")
