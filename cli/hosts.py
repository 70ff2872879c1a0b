"""Takes HOST[,HOST…] apart: every host once, in the order in which they were named.

What cannot be a host is refused before the first one is contacted.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from remotesvc.controller.ssh_config.destination import split_destination
from remotesvc.core.errors import ConnectError

from .usage import UsageProblem

__all__ = ["LOCAL", "Host", "parse_hosts", "parse_jumps"]

LOCAL = "@local"


@dataclass(frozen=True)
class Host:
    """One host as it was typed: a destination for SSH, or this very machine."""

    name: str

    @property
    def is_local(self) -> bool:
        """True for a child on this machine, started without SSH."""
        return self.name == LOCAL


def parse_hosts(text: str) -> tuple[Host, ...]:
    """Return the hosts of a comma-separated list; UsageProblem for what cannot be one."""
    names = dict.fromkeys(name.strip() for name in text.split(","))
    names.pop("", None)
    if not names:
        raise UsageProblem("no host is named: write HOST[,HOST…], for example web1,web2")
    for name in names:
        _check(name)
    return tuple(map(Host, names))


def parse_jumps(texts: Iterable[str]) -> tuple[str, ...] | None:
    """Return the jump hosts in the order of the way; None: as ssh_config says; (): none."""
    hops = [hop.strip() for text in texts for hop in text.split(",") if hop.strip()]
    if hops == ["none"]:
        return ()
    for hop in hops:
        _check_destination(hop)
    return tuple(hops) or None


def _check(name: str) -> None:
    if name == LOCAL:
        return
    if name.startswith("@"):
        raise UsageProblem(
            f"there is no group {name}: so far only {LOCAL}, this machine, begins with @"
        )
    _check_destination(name)


def _check_destination(name: str) -> None:
    try:
        split_destination(name)
    except ConnectError as error:
        raise UsageProblem(str(error)) from error
