"""Says in words what a verdict on a host key means and which command mends it.

A reader has to decide something about trust here: the text gives what was expected, what came,
from which file and line, and never a command that trusts a key unseen without saying so.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence

from remotesvc.controller.known_hosts import (
    Changed,
    Known,
    KnownKey,
    Revoked,
    Unknown,
    Verdict,
    fingerprint,
    name_of,
)

__all__ = ["describe"]

_NOWHERE = "~/.ssh/known_hosts"


def describe(
    verdict: Verdict, host: str, port: int, key_type: str, blob: bytes, files: Sequence[str]
) -> str:
    """Return the text for a verdict; `files` are those that were looked through."""
    shown = f"{key_type} {fingerprint(blob)}"
    name = name_of(host, port)
    if isinstance(verdict, Known):
        return f"{name} showed the key {shown}, as {verdict.key.where} says"
    if isinstance(verdict, Revoked):
        return (
            f"{name} showed the key {shown}, which {verdict.key.where} marks as revoked: "
            f"somebody else may hold it; do not connect, give the host a new key"
        )
    if isinstance(verdict, Changed):
        return _describe_changed(verdict, name, shown)
    return _describe_unknown(verdict, host, port, shown, files)


def _describe_changed(verdict: Changed, name: str, shown: str) -> str:
    expected = "\n".join(f"  expected: {_line(key)}" for key in verdict.expected)
    files = dict.fromkeys(key.file for key in verdict.expected)
    commands = "\n".join(
        f"  ssh-keygen -R {shlex.quote(name)} -f {shlex.quote(file)}" for file in files
    )
    return (
        f"the key of {name} has changed: the host was set up anew, or somebody is in between\n"
        f"{expected}\n"
        f"  it showed: {shown}\n"
        f"if the new fingerprint is right (ask whoever runs the host), forget the old key with\n"
        f"{commands}\n"
        f"then run again with --host-key-policy accept-new"
    )


def _describe_unknown(
    verdict: Unknown, host: str, port: int, shown: str, files: Sequence[str]
) -> str:
    name = name_of(host, port)
    searched = ", ".join(files) or "none, for no file is configured"
    scan = f"ssh-keyscan -p {port} {shlex.quote(host)} >> {_target(files)}"
    authority = ""
    if verdict.authority is not None:
        authority = (
            f"\n{verdict.authority.where} trusts a certificate authority for it, which cannot be "
            f"checked here: add the key itself"
        )
    return (
        f"the key of {name} is not known\n"
        f"  it showed: {shown}\n"
        f"  looked in: {searched}{authority}\n"
        f"compare the fingerprint with `ssh-keygen -lf` on the host itself, then add it with\n"
        f"  {_make_folder(files)}{scan}\n"
        f"or trust the first key that comes with --host-key-policy accept-new"
    )


def _target(files: Sequence[str]) -> str:
    return shlex.quote(files[0]) if files else _NOWHERE


def _make_folder(files: Sequence[str]) -> str:
    """Return the command before, if the folder that the key is to go to has yet to be made."""
    folder = os.path.dirname(files[0] if files else _NOWHERE)
    if not folder or os.path.isdir(os.path.expanduser(folder)):
        return ""
    return f"mkdir -p -m 700 {shlex.quote(folder) if files else folder} && "


def _line(key: KnownKey) -> str:
    return f"{key.key_type} {key.fingerprint} ({key.where})"
