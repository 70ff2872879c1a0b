"""Decides which modules a host may have: one pure function for request, push and relay.

A host is given the top-level packages of what was sent to it and of what that imports, minus
`deny`, plus `allow`. Patterns are dotted prefixes: "app.secrets" names that module and all
below it. The rules, first match first:

1. The parts of remotesvc that run in children are always given: they are the toolkit itself.
2. `deny` refuses.
3. `allow` and the granted roots give; so that `app.tools` can be imported when only that was
   given, they also give the package `app` above it: its own file, not its other modules.
4. Everything else is refused, with the sentence that the import error over there will show.
"""

import sys
from collections.abc import Iterable
from dataclasses import dataclass, field

__all__ = ["Grants", "ModulePolicy", "Verdict", "covers", "decide", "is_toolkit", "roots_of"]

# What a child pulls of remotesvc when first used. The rest runs only where the program starts,
# and its third-party imports would fail over there.
_TOOLKIT_MODULES = frozenset(
    {
        "remotesvc",
        "remotesvc.bootstrap",
        "remotesvc.bootstrap.command",
        "remotesvc.bootstrap.handshake",
        "remotesvc.bootstrap.info",
        "remotesvc.bootstrap.seed",
        "remotesvc.branch",
        "remotesvc.current",
        "remotesvc.homes",
        "remotesvc.program",
    }
)
_TOOLKIT_PREFIXES = (
    "remotesvc.bootstrap.child",
    "remotesvc.channel",
    "remotesvc.connect",
    "remotesvc.core",
    "remotesvc.files",
    "remotesvc.router",
    "remotesvc.service",
    "remotesvc.types",
)


@dataclass(frozen=True)
class ModulePolicy:
    """What hosts may have besides what the sent code imports (`allow`), and never (`deny`).

    Each entry is a dotted prefix and names that module and all below it. `deny` wins over
    `allow` and over what is sent.
    """

    allow: Iterable[str] = ()
    deny: Iterable[str] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "allow", _checked("allow", self.allow))
        object.__setattr__(self, "deny", _checked("deny", self.deny))


@dataclass(frozen=True)
class Verdict:
    """The answer for one module; `reason` is a sentence, shown when the answer is no."""

    allowed: bool
    reason: str


@dataclass(frozen=True)
class Grants:
    """What one context was given so far: replaced, not changed, when more is sent to it."""

    roots: frozenset[str] = frozenset()
    policy: ModulePolicy = field(default_factory=ModulePolicy)

    def plus(self, roots: Iterable[str]) -> "Grants":
        """Give the grants after more roots were sent."""
        return Grants(self.roots.union(roots), self.policy)

    def decide(self, name: str) -> Verdict:
        """Decide for one module; see the rules of this file."""
        return decide(name, self.roots, self.policy)

    def decide_resource(self, package: str, relative: str) -> Verdict:
        """Decide for one data file or folder of a package.

        Refused where a module of that name would be: `app/secrets.py` and all in
        `app/secrets/` are no way around a denied `app.secrets`. Hidden files (`.env`, `.git`) lie
        beside the code, and were meant for nobody over there.
        """
        verdict = self.decide(package)
        name = package
        for part in filter(None, relative.split("/")):
            if verdict.allowed and part.startswith("."):
                verdict = Verdict(False, _hidden(package, part))
            name = f"{name}.{part.partition('.')[0]}"
            if verdict.allowed:
                verdict = self.decide(name)
        return verdict


def decide(name: str, granted_roots: frozenset[str], policy: ModulePolicy) -> Verdict:
    """Decide whether a context with these roots may have the module `name`."""
    if is_toolkit(name):
        return Verdict(True, f"module {name!r} is part of remotesvc")
    for prefix in policy.deny:
        if covers(prefix, name):
            return Verdict(False, _denied(name, prefix))
    if any(covers(prefix, name) or covers(name, prefix) for prefix in policy.allow):
        return Verdict(True, f"module {name!r} is allowed by the ModulePolicy")
    # Importing remotesvc is no reason to be given all of it: only dotted roots count there.
    roots = granted_roots - {"remotesvc"}
    if any(covers(root, name) or covers(name, root) for root in roots):
        return Verdict(True, f"module {name!r} belongs to what was sent")
    return Verdict(False, _not_granted(name))


def roots_of(sent: Iterable[str], imported: Iterable[str] = ()) -> frozenset[str]:
    """Give the roots that sending modules grants, with the names that their sources import.

    The root of a module is its top-level package. Of remotesvc only what is sent by name
    counts, by its first three parts (`remotesvc.testing.demo_app`).
    """
    roots = {_root_of(name) for name in sent if not is_toolkit(name)}
    tops = {name.partition(".")[0] for name in imported}
    return frozenset(roots | tops) - sys.stdlib_module_names - {"remotesvc"}


def is_toolkit(name: str) -> bool:
    """Tell whether a module is a part of remotesvc that runs in children."""
    if name in _TOOLKIT_MODULES:
        return True
    return any(covers(prefix, name) for prefix in _TOOLKIT_PREFIXES)


def covers(prefix: str, name: str) -> bool:
    """Tell whether a dotted prefix names a module or one above it."""
    return name == prefix or name.startswith(prefix + ".")


def _root_of(name: str) -> str:
    parts = name.split(".")
    return ".".join(parts[:3]) if parts[0] == "remotesvc" else parts[0]


def _checked(option: str, patterns: Iterable[str]) -> tuple[str, ...]:
    if isinstance(patterns, str):
        raise TypeError(f"ModulePolicy({option}=...) takes a list: write [{patterns!r}]")
    checked = tuple(patterns)
    for pattern in checked:
        if not all(part.isidentifier() for part in pattern.split(".")):
            raise ValueError(
                f"{pattern!r} in ModulePolicy({option}=...) is no module name: write 'app' "
                "for the module app and all below it; there are no wildcards"
            )
    return checked


def _denied(name: str, prefix: str) -> str:
    return f"module {name!r} is denied to hosts by ModulePolicy(deny=[{prefix!r}])"


def _hidden(package: str, part: str) -> str:
    return f"{part!r} in package {package!r} is hidden, and such files are not given to hosts"


def _not_granted(name: str) -> str:
    if covers("remotesvc", name):
        return f"module {name!r} runs only where the program starts, not on hosts"
    top = name.partition(".")[0]
    return (
        f"module {name!r} was not granted to this host: it is not imported by anything sent "
        f"to it; allow it with Router(modules=ModulePolicy(allow=[{top!r}]))"
    )
