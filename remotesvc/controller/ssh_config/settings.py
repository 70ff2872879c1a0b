"""Turns the ssh_config lines that apply to one host into its settings, defaults included.

Only this file knows OpenSSH's defaults, and which of ProxyJump and ProxyCommand wins. It reads
no file; it looks at the disk only for which of the default keys exist.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Sequence
from dataclasses import dataclass

from remotesvc.controller.ssh_config.destination import split_destination
from remotesvc.controller.ssh_config.lines import ConfigLine
from remotesvc.controller.ssh_config.notes import login_notes_about, notes_about
from remotesvc.controller.ssh_config.select import Viewpoint
from remotesvc.controller.ssh_config.tokens import TokenTable
from remotesvc.controller.ssh_config.values import (
    as_address_family,
    as_count,
    as_files,
    as_flag,
    as_hops,
    as_port,
    as_seconds,
    as_strictness,
    as_text,
)

__all__ = ["SshSettings", "interpret"]

_DEFAULT_PORT = 22
_DEFAULT_IDENTITIES = ("id_rsa", "id_ecdsa", "id_ecdsa_sk", "id_ed25519", "id_ed25519_sk")
_USER_KNOWN_HOSTS = ("~/.ssh/known_hosts", "~/.ssh/known_hosts2")
_GLOBAL_KNOWN_HOSTS = ("/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2")
_SWITCHES = {
    "publickey": "pubkeyauthentication",
    "keyboard-interactive": "kbdinteractiveauthentication",
    "password": "passwordauthentication",
}


@dataclass(frozen=True)
class SshSettings:
    """Everything that the configuration says about one host; file names are expanded.

    `identity_files` are those that the files name, in order, whether or not they exist
    (`has_explicit_identities`), else OpenSSH's default ones that exist. `identity_agent` is
    the socket of the agent to ask, None for none. `authentications` are the methods allowed,
    best first. `proxy_jump` lists the hops from here to there; at most one of it and
    `proxy_command` is set. The algorithm fields hold the text as written, "" for no wish; see
    `algorithms.pick_algorithms`. `notes` are sentences about what cannot be honoured,
    `login_notes` those about ways to log in: they matter when nothing else lets us in.
    """

    hostname: str
    user: str
    port: int
    identity_files: tuple[str, ...]
    has_explicit_identities: bool
    identities_only: bool
    identity_agent: str | None
    authentications: tuple[str, ...]
    proxy_jump: tuple[str, ...]
    proxy_command: str | None
    user_known_hosts_files: tuple[str, ...]
    global_known_hosts_files: tuple[str, ...]
    strict_host_key_checking: str
    host_key_alias: str | None
    hash_known_hosts: bool
    connect_timeout: int | None
    connection_attempts: int
    server_alive_interval: int
    server_alive_count_max: int
    compression: bool
    address_family: str
    bind_address: str | None
    kex_algorithms: str
    host_key_algorithms: str
    ciphers: str
    macs: str
    pubkey_algorithms: str
    notes: tuple[str, ...]
    login_notes: tuple[str, ...]


def interpret(lines: Sequence[ConfigLine], viewpoint: Viewpoint, port: int | None) -> SshSettings:
    """Return the settings; of each keyword the first line counts, the caller's word before all.

    Raises ConnectError for a value or token that OpenSSH would not accept, and when the last
    hop of ProxyJump is the host itself.
    """
    return _Interpreter(lines, viewpoint, port).settings()


class _Interpreter:
    """Turns the lines that apply to one host into its settings."""

    def __init__(
        self, lines: Sequence[ConfigLine], viewpoint: Viewpoint, port: int | None
    ) -> None:
        self._lines = lines
        self._viewpoint = viewpoint
        self._port = port
        self._jump, self._command = self._choose_proxy()

    def settings(self) -> SshSettings:
        tokens = self._tokens()
        explicit, identities = self._identities(tokens)
        alive = self._first("serveraliveinterval")
        count = self._first("serveralivecountmax")
        strictness = self._first("stricthostkeychecking")
        timeout = self._first("connecttimeout")
        family = self._first("addressfamily")
        return SshSettings(
            hostname=tokens.values["h"],
            user=tokens.values["r"],
            port=int(tokens.values["p"]),
            identity_files=identities,
            has_explicit_identities=explicit,
            identities_only=self._flag("identitiesonly", False),
            identity_agent=self._agent(tokens),
            authentications=self._authentications(),
            proxy_jump=self._hops(tokens),
            proxy_command=self._proxy_command(tokens),
            user_known_hosts_files=self._files("userknownhostsfile", _USER_KNOWN_HOSTS, tokens),
            global_known_hosts_files=self._files("globalknownhostsfile", _GLOBAL_KNOWN_HOSTS),
            strict_host_key_checking="ask" if strictness is None else as_strictness(strictness),
            host_key_alias=self._alias(),
            hash_known_hosts=self._flag("hashknownhosts", False),
            # As in ssh, no time at all is no limit.
            connect_timeout=(as_seconds(timeout) or None) if timeout is not None else None,
            connection_attempts=self._attempts(),
            server_alive_interval=(as_seconds(alive) or 0) if alive is not None else 0,
            server_alive_count_max=3 if count is None else as_count(count),
            compression=self._flag("compression", False),
            address_family="any" if family is None else as_address_family(family),
            bind_address=self._text("bindaddress"),
            kex_algorithms=self._text("kexalgorithms") or "",
            host_key_algorithms=self._text("hostkeyalgorithms") or "",
            ciphers=self._text("ciphers") or "",
            macs=self._text("macs") or "",
            pubkey_algorithms=self._text("pubkeyacceptedalgorithms") or "",
            notes=notes_about(self._lines),
            login_notes=login_notes_about(self._lines),
        )

    def _first(self, keyword: str) -> ConfigLine | None:
        return next((line for line in self._lines if line.keyword == keyword), None)

    def _text(self, keyword: str) -> str | None:
        line = self._first(keyword)
        return None if line is None else as_text(line)

    def _flag(self, keyword: str, default: bool) -> bool:
        line = self._first(keyword)
        return default if line is None else as_flag(line)

    def _attempts(self) -> int:
        line = self._first("connectionattempts")
        count = 1 if line is None else as_count(line)
        if line is not None and not count:
            raise line.problem("'0' is no number of attempts", "give 1 or more")
        return count

    def _alias(self) -> str | None:
        alias = self._text("hostkeyalias")
        return None if alias is None else alias.lower()

    def _tokens(self) -> TokenTable:
        port = self._first("port")
        file_port = _DEFAULT_PORT if port is None else as_port(port)
        jump = "" if self._jump is None else ",".join(as_hops(self._jump))
        return TokenTable.build(
            typed_host=self._viewpoint.host,
            host=self._hostname(),
            port=file_port if self._port is None else self._port,
            user=self._viewpoint.user or self._text("user") or self._viewpoint.local_user,
            alias=self._alias(),
            jump=jump,
        )

    def _hostname(self) -> str:
        line = self._first("hostname")
        host = self._viewpoint.host
        if line is not None:
            host = TokenTable({"%": "%", "h": host}).expand_command(as_text(line), line)
        try:
            ipaddress.ip_address(host)
        except ValueError:
            return host.lower()
        return host

    def _identities(self, tokens: TokenTable) -> tuple[bool, tuple[str, ...]]:
        lines = [line for line in self._lines if line.keyword == "identityfile"]
        if not lines:
            paths = (os.path.expanduser(f"~/.ssh/{name}") for name in _DEFAULT_IDENTITIES)
            return False, tuple(path for path in paths if os.path.exists(path))
        named = (line for line in lines if as_text(line).lower() != "none")
        return True, tuple(
            dict.fromkeys(tokens.expand_path(as_text(line), line) for line in named)
        )

    def _agent(self, tokens: TokenTable) -> str | None:
        line = self._first("identityagent")
        if line is None:
            return os.environ.get("SSH_AUTH_SOCK") or None
        text = as_text(line)
        if text.lower() == "none":
            return None
        if text == "SSH_AUTH_SOCK":
            return os.environ.get(text) or None
        if text.startswith("$") and not text.startswith("${"):
            return os.environ.get(text[1:]) or None
        return tokens.expand_path(text, line)

    def _authentications(self) -> tuple[str, ...]:
        wish = self._text("preferredauthentications")
        names = tuple(_SWITCHES) if wish is None else wish.split(",")
        return tuple(
            dict.fromkeys(
                name for name in names if name in _SWITCHES and self._flag(_SWITCHES[name], True)
            )
        )

    def _files(
        self, keyword: str, default: tuple[str, ...], tokens: TokenTable | None = None
    ) -> tuple[str, ...]:
        line = self._first(keyword)
        if line is None:
            return tuple(os.path.expanduser(name) for name in default)
        names = as_files(line)
        # OpenSSH takes the names of GlobalKnownHostsFile as they stand.
        return names if tokens is None else tuple(tokens.expand_path(n, line) for n in names)

    def _choose_proxy(self) -> tuple[ConfigLine | None, ConfigLine | None]:
        jump: ConfigLine | None = None
        command: ConfigLine | None = None
        for line in self._lines:
            if line.keyword == "proxyjump" and jump is None and command is None:
                jump = line
            elif line.keyword == "proxycommand" and command is None:
                # "ProxyJump none" bars later jumps, but leaves room for a command.
                command = line if jump is None or not as_hops(jump) else None
        return jump, command

    def _hops(self, tokens: TokenTable) -> tuple[str, ...]:
        if self._jump is None:
            return ()
        line = self._jump
        hops = tuple(tokens.expand_command(hop, line) for hop in as_hops(line))
        if hops:
            last = split_destination(hops[-1])
            user, port = last.user or tokens.values["r"], last.port or _DEFAULT_PORT
            here = (tokens.values["h"], tokens.values["r"], int(tokens.values["p"]))
            if (last.host, user, port) == here:
                raise line.problem(
                    f"the way to {last.host} leads through {last.host} itself",
                    f"put 'Host {last.host}' with 'ProxyJump none' before that line",
                )
        return hops

    def _proxy_command(self, tokens: TokenTable) -> str | None:
        line = self._command
        if line is None or as_text(line).lower() == "none":
            return None
        return tokens.expand_command(as_text(line), line)
