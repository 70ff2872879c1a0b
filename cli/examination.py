"""Examination: what was done and found on the way to a host, phase by phase. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from remotesvc.core.visible import visible

from .outcome import Problem

__all__ = [
    "BECOMING",
    "FIRST_CALL",
    "LOGIN",
    "STARTING",
    "Examined",
    "Finding",
    "Phase",
    "examine",
    "show_examined",
]

FIRST_CALL = "first call"

# What a login from here goes through, in this order.
LOGIN = ("resolve", "tcp", "host key", "auth", "interpreter", "bootstrap", FIRST_CALL)

# What other ways into a context have of these.
BECOMING = ("auth", "interpreter", "bootstrap", FIRST_CALL)
STARTING = ("interpreter", "bootstrap", FIRST_CALL)

WIDTH = max(map(len, LOGIN))


@dataclass(frozen=True)
class Finding:
    """What was told of one phase; `elapsed` in seconds since the attempt began."""

    phase: str
    elapsed: float
    text: str


@dataclass(frozen=True)
class Phase:
    """One phase: whether it is through, how long it took, what was found."""

    name: str
    is_through: bool
    seconds: float
    found: tuple[str, ...]

    @property
    def plain(self) -> dict[str, object]:
        """Return it as --json shows it."""
        state = "ok" if self.is_through else "failed"
        seconds = round(self.seconds, 6)
        return {"phase": self.name, "state": state, "seconds": seconds, "found": list(self.found)}


@dataclass(frozen=True)
class Examined:
    """One context on the way; `not_reached` are phases that a failure kept from beginning."""

    label: str
    phases: tuple[Phase, ...]
    not_reached: tuple[str, ...] = ()

    @property
    def plain(self) -> dict[str, object]:
        """Return it as --json shows it."""
        phases = [phase.plain for phase in self.phases]
        return {"context": self.label, "phases": phases, "not_reached": list(self.not_reached)}


def examine(
    label: str,
    findings: Sequence[Finding],
    problem: Problem | None = None,
    ended: float = 0.0,
    ahead: Sequence[str] = LOGIN,
) -> Examined:
    """Return what one context went through; a problem is where it ended, `ended` when.

    `ahead` are the phases that it would have gone through, in their order; with jump hosts some
    come more than once.
    """
    phases, before = [], 0.0
    for name, run in groupby(findings, key=lambda finding: finding.phase):
        group = list(run)
        last = group[-1].elapsed
        texts = tuple(finding.text for finding in group)
        phases.append(Phase(name, True, max(0.0, last - before), texts))
        before = last
    if problem is None:
        return Examined(label, tuple(phases))
    failed = problem.phase or FIRST_CALL
    found: tuple[str, ...] = ()
    if phases and phases[-1].name == failed:
        last_phase = phases.pop()
        found, before = last_phase.found, before - last_phase.seconds
    text = problem.text.replace(f" (phase: {failed})", "")  # it stands before it
    phases.append(Phase(failed, False, max(0.0, ended - before), (*found, text)))
    after = LOGIN[LOGIN.index(failed) + 1 :] if failed in LOGIN else ()
    return Examined(label, tuple(phases), tuple(name for name in after if name in ahead))


def show_examined(contexts: Sequence[Examined]) -> str:
    """Return the lines for people."""
    return "\n".join(line for one in contexts for line in _lines(one))


def _lines(one: Examined) -> Iterator[str]:
    yield visible(one.label)
    for phase in one.phases:
        took = f"{phase.seconds * 1000:.1f} ms" if phase.is_through else "FAILED"
        head = f"  {phase.name:<{WIDTH}} {took:>10}  "
        for text in phase.found:
            for line in text.split("\n"):
                yield f"{head}{visible(line)}".rstrip()
                head = " " * len(head)
    if one.not_reached:
        yield f"  not reached: {', '.join(one.not_reached)}"
