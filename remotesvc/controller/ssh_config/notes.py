"""Tells which directives of a host a transport in this process cannot honour.

Leaving a setting out in silence would make this tool differ from ssh for reasons that nobody
can see, so each gets one sentence: what it is, where it stands, what to do. Directives that
only serve interactive use (ControlMaster, RequestTTY, EscapeChar ...) change nothing here and
get none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from remotesvc.controller.ssh_config.lines import ConfigLine

__all__ = ["notes_about"]

_OFF = frozenset({"no", "false", "none", ""})
_TAKE_OPENSSH = "use transport='openssh' where it is needed"

# keyword: its name in the manual, and what becomes of it
_NOT_HONOURED: Mapping[str, tuple[str, str]] = {
    "bindinterface": ("BindInterface", f"is not bound to; {_TAKE_OPENSSH}"),
    "certificatefile": ("CertificateFile", f"is not offered to the host; {_TAKE_OPENSSH}"),
    "checkhostip": ("CheckHostIP", f"is not done, only the name is checked; {_TAKE_OPENSSH}"),
    "dynamicforward": ("DynamicForward", f"is not set up; {_TAKE_OPENSSH}"),
    "forwardagent": ("ForwardAgent", f"is not done; {_TAKE_OPENSSH}"),
    "forwardx11": ("ForwardX11", f"is not done; {_TAKE_OPENSSH}"),
    "gssapiauthentication": ("GSSAPIAuthentication", f"is not tried; {_TAKE_OPENSSH}"),
    "hostbasedauthentication": ("HostbasedAuthentication", f"is not tried; {_TAKE_OPENSSH}"),
    "knownhostscommand": (
        "KnownHostsCommand",
        f"is not run, host keys come from files only; {_TAKE_OPENSSH}",
    ),
    "localforward": ("LocalForward", f"is not set up; {_TAKE_OPENSSH}"),
    "nohostauthenticationforlocalhost": (
        "NoHostAuthenticationForLocalhost",
        "is not followed, host keys are checked on localhost too; "
        "put them into known_hosts or use transport='openssh'",
    ),
    "permitlocalcommand": ("PermitLocalCommand", f"has no effect here; {_TAKE_OPENSSH}"),
    "pkcs11provider": ("PKCS11Provider", f"is not loaded; {_TAKE_OPENSSH}, or an ssh-agent"),
    "proxyusefdpass": (
        "ProxyUseFdpass",
        "is not supported, so its ProxyCommand will not work; use transport='openssh'",
    ),
    "remotecommand": (
        "RemoteCommand",
        "is not run, remotesvc starts its own command; take it out for this host to be sure",
    ),
    "remoteforward": ("RemoteForward", f"is not set up; {_TAKE_OPENSSH}"),
    "revokedhostkeys": (
        "RevokedHostKeys",
        "is not read; mark such keys @revoked in known_hosts or use transport='openssh'",
    ),
    "securitykeyprovider": ("SecurityKeyProvider", f"is not loaded; {_TAKE_OPENSSH}"),
    "setenv": ("SetEnv", "is not sent; give env= instead"),
    "tunnel": ("Tunnel", f"is not set up; {_TAKE_OPENSSH}"),
    "verifyhostkeydns": (
        "VerifyHostKeyDNS",
        f"is not done, host keys come from files only; {_TAKE_OPENSSH}",
    ),
}
_ALSO_OFF: Mapping[str, frozenset[str]] = {"securitykeyprovider": frozenset({"internal"})}


def notes_about(lines: Iterable[ConfigLine]) -> tuple[str, ...]:
    """Return one sentence for each directive that is on and cannot be honoured."""
    notes: dict[str, str] = {}
    for line in lines:
        if line.keyword not in _NOT_HONOURED or line.keyword in notes:
            continue
        value = " ".join(line.words)
        is_off = value.lower() in _OFF | _ALSO_OFF.get(line.keyword, frozenset())
        name, fate = _NOT_HONOURED[line.keyword]
        notes[line.keyword] = "" if is_off else f"{name} {value} ({line.where}) {fate}"
    return tuple(note for note in notes.values() if note)
