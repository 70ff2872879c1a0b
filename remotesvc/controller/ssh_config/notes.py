"""Tells which directives of a host a transport in this process cannot honour.

Leaving a setting out in silence would make this tool differ from ssh for reasons that nobody
can see, so each gets one sentence: what it is, where it stands, what to do. Directives that
only serve interactive use (ControlMaster, RequestTTY, EscapeChar ...) change nothing here and
get none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from remotesvc.controller.ssh_config.lines import ConfigLine

__all__ = ["login_notes_about", "notes_about"]

_OFF = frozenset({"no", "false", "none", ""})
_ONLY_SSH = "only the ssh program can do that"

# keyword: its name in the manual, and what becomes of it
_NOT_HONOURED: Mapping[str, tuple[str, str]] = {
    "bindinterface": ("BindInterface", f"is not bound to; {_ONLY_SSH}"),
    "certificatefile": ("CertificateFile", f"is not offered to the host; {_ONLY_SSH}"),
    "checkhostip": ("CheckHostIP", f"is not done, only the name is checked; {_ONLY_SSH}"),
    "dynamicforward": ("DynamicForward", f"is not set up; {_ONLY_SSH}"),
    "forwardagent": ("ForwardAgent", f"is not done; {_ONLY_SSH}"),
    "forwardx11": ("ForwardX11", f"is not done; {_ONLY_SSH}"),
    "gssapiauthentication": ("GSSAPIAuthentication", f"is not tried; {_ONLY_SSH}"),
    "hostbasedauthentication": ("HostbasedAuthentication", f"is not tried; {_ONLY_SSH}"),
    "knownhostscommand": (
        "KnownHostsCommand",
        f"is not run, host keys come from files only; {_ONLY_SSH}",
    ),
    "localforward": ("LocalForward", f"is not set up; {_ONLY_SSH}"),
    "nohostauthenticationforlocalhost": (
        "NoHostAuthenticationForLocalhost",
        "is not followed, host keys are checked on localhost too; put them into known_hosts",
    ),
    "permitlocalcommand": ("PermitLocalCommand", f"has no effect here; {_ONLY_SSH}"),
    "pkcs11provider": ("PKCS11Provider", f"is not loaded; {_ONLY_SSH}, or an ssh-agent"),
    "proxyusefdpass": (
        "ProxyUseFdpass",
        "is not supported, so its ProxyCommand will not work; make it pass bytes on",
    ),
    "remotecommand": (
        "RemoteCommand",
        "is not run, remotesvc starts its own command; take it out for this host to be sure",
    ),
    "remoteforward": ("RemoteForward", f"is not set up; {_ONLY_SSH}"),
    "revokedhostkeys": (
        "RevokedHostKeys",
        "is not read; mark such keys @revoked in known_hosts",
    ),
    "securitykeyprovider": ("SecurityKeyProvider", f"is not loaded; {_ONLY_SSH}"),
    "setenv": ("SetEnv", "is not sent; give env= instead"),
    "tunnel": ("Tunnel", f"is not set up; {_ONLY_SSH}"),
    "verifyhostkeydns": (
        "VerifyHostKeyDNS",
        f"is not done, host keys come from files only; {_ONLY_SSH}",
    ),
}
# Ways to log in: they matter to whom is not let in, and to nobody else. Some distributions turn
# one of them on for everybody.
_LOGIN = frozenset(
    {
        "certificatefile",
        "gssapiauthentication",
        "hostbasedauthentication",
        "pkcs11provider",
        "securitykeyprovider",
    }
)
_ALSO_OFF: Mapping[str, frozenset[str]] = {"securitykeyprovider": frozenset({"internal"})}


def notes_about(lines: Iterable[ConfigLine]) -> tuple[str, ...]:
    """Return one sentence for each directive that is on and cannot be honoured, logins apart."""
    return _notes(lines, frozenset(_NOT_HONOURED) - _LOGIN)


def login_notes_about(lines: Iterable[ConfigLine]) -> tuple[str, ...]:
    """Return one sentence for each way to log in that is on and cannot be tried."""
    return _notes(lines, _LOGIN)


def _notes(lines: Iterable[ConfigLine], keywords: frozenset[str]) -> tuple[str, ...]:
    notes: dict[str, str] = {}
    for line in lines:
        if line.keyword not in keywords or line.keyword in notes:
            continue
        value = " ".join(line.words)
        is_off = value.lower() in _OFF | _ALSO_OFF.get(line.keyword, frozenset())
        name, fate = _NOT_HONOURED[line.keyword]
        notes[line.keyword] = "" if is_off else f"{name} {value} ({line.where}) {fate}"
    return tuple(note for note in notes.values() if note)
