"""Takes HOST[,HOST…] apart: every host once, in the order in which they were named.

A host may be a chain of contexts, such as bastion/sudo:root/podman:web. What cannot be one is
refused before the first host is contacted.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from remotesvc.connect.spec import Part, parse_spec
from remotesvc.core.errors import ConnectError

from .usage import UsageProblem

__all__ = ["BECOMING", "LOCAL", "Host", "parse_host", "parse_hosts", "parse_jumps"]

LOCAL = "@local"

# Parts of a chain that become another user of the host before them.
BECOMING = ("doas", "su", "sudo")

# It is one host, whatever its slashes look like.
URI = "ssh://"


@dataclass(frozen=True)
class Host:
    """One host as it was typed, and the contexts on the way to it, itself the last."""

    name: str
    parts: tuple[Part, ...]

    @property
    def is_local(self) -> bool:
        """True for what is reached without SSH from here."""
        return self.parts[0].kind != "ssh"

    @property
    def login(self) -> int:
        """The place of the last part that is a login over SSH, -1 without any."""
        return max((n for n, part in enumerate(self.parts) if part.kind == "ssh"), default=-1)

    @property
    def is_becoming(self) -> bool:
        """True when somebody becomes another user on the way."""
        return any(part.kind in BECOMING for part in self.parts)


def parse_hosts(*texts: str) -> tuple[Host, ...]:
    """Return the hosts of comma-separated lists; UsageProblem for what cannot be one."""
    names = dict.fromkeys(name.strip() for text in texts for name in text.split(","))
    names.pop("", None)
    if not names:
        raise UsageProblem("no host is named: write HOST[,HOST…], for example web1,web2")
    return tuple(map(parse_host, names))


def parse_host(name: str) -> Host:
    """Return one host; UsageProblem for what cannot be one."""
    if name.lower().startswith(URI):
        _check_destination(name)
        return Host(name, (Part("ssh", name, name),))
    first, slash, rest = name.partition("/")
    if first.startswith("@") and first != LOCAL:
        raise UsageProblem(
            f"there is no group {first}: so far only {LOCAL}, this machine, begins with @"
        )
    try:
        parts = parse_spec(f"local{slash}{rest}" if first == LOCAL else name)
    except ConnectError as error:
        raise UsageProblem(str(error)) from error
    for part in parts:
        _check_part(part)
    return Host(name, tuple(parts))


def parse_jumps(texts: Iterable[str]) -> tuple[str, ...] | None:
    """Return the jump hosts in the order of the way; None: as ssh_config says; (): none."""
    hops = [hop.strip() for text in texts for hop in text.split(",") if hop.strip()]
    if hops == ["none"]:
        return ()
    for hop in hops:
        _check_destination(hop)
    return tuple(hops) or None


def _check_part(part: Part) -> None:
    if part.kind == "ssh":
        _check_destination(part.target)
    elif part.target.startswith("-") or not part.target.isprintable():
        raise UsageProblem(f"{part.text!r}: {part.target!r} cannot be the name of anything")


def _check_destination(name: str) -> None:
    # Only here: it takes a tenth of the start, and commands for @local need none of it.
    from remotesvc.controller.ssh_config.destination import split_destination

    try:
        split_destination(name)
    except ConnectError as error:
        raise UsageProblem(str(error)) from error
