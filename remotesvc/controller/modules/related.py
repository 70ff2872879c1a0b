"""Collects the modules that travel with a call: what was sent, and what that will import.

Own source only, transitively. What is left out for its size is no loss: the host asks for it.
"""

from collections import deque
from collections.abc import Iterable

from remotesvc.controller.modules.found import Module
from remotesvc.controller.modules.grants import covers, is_toolkit, roots_of
from remotesvc.controller.modules.imports import imports_of, prefixes
from remotesvc.controller.modules.locate import Locator

__all__ = ["MAX_CLOSURE_BYTES", "MAX_CLOSURE_MODULES", "closure", "granted_by", "imports_of"]

# A program of 2,000 own modules or 16 MiB of source is larger than any that was met; sending
# all of a larger one ahead would delay its first call more than the questions do.
MAX_CLOSURE_MODULES = 2_000
MAX_CLOSURE_BYTES = 16 * 1024 * 1024


def closure(
    locator: Locator,
    seeds: Iterable[str | Module],
    deny: Iterable[str] = (),
    installed: str = "",
) -> tuple[Module, ...]:
    """Collect the seeds and what they import, transitively: own source, each module once.

    `installed` is a top-level package whose modules count as own here: the host lacks it.

    Seeds are names, or modules that no name finds (a main program cut at its guard). Packages
    come before what is in them; the order is the same every time. The parts of remotesvc that
    children run are left out: children have their own way to them. Bounded by
    MAX_CLOSURE_MODULES and MAX_CLOSURE_BYTES.
    """
    seeds = list(seeds)
    walk = _Walk(locator, tuple(deny), roots_of(_names(seeds)), installed)
    for seed in seeds:
        if isinstance(seed, Module):
            walk.take(seed)
        else:
            walk.pending.append(seed)
    walk.run()
    return tuple(walk.taken.values())


def granted_by(
    locator: Locator, seeds: Iterable[str | Module], modules: Iterable[Module] = ()
) -> frozenset[str]:
    """Give the roots that are granted by sending seeds, and these modules because of them.

    For a module that is served later, on request, the seeds are empty: what it imports is
    granted from then on.
    """
    imported = {name for module in modules for name in (module.name, *locator.imports(module))}
    return roots_of(_names(seeds), imported)


def _names(seeds: Iterable[str | Module]) -> list[str]:
    return [seed if isinstance(seed, str) else seed.name for seed in seeds]


class _Walk:
    """One walk over the imports; `taken` keeps the order in which modules were found."""

    def __init__(
        self, locator: Locator, deny: tuple[str, ...], roots: frozenset[str], installed: str
    ) -> None:
        self.taken: dict[str, Module] = {}
        self.pending: deque[str] = deque()
        self._locator = locator
        self._deny = deny
        self._roots = roots
        self._installed = installed
        self._seen: set[str] = set()
        self._room = MAX_CLOSURE_BYTES

    def run(self) -> None:
        while self.pending and self._has_room():
            for name in prefixes(self.pending.popleft()):
                self._visit(name)

    def take(self, module: Module) -> None:
        """Add a module that fits, and put what it imports in the queue."""
        self._seen.add(module.name)
        if len(module.source) > self._room or not self._has_room():
            return
        self.taken[module.name] = module
        self._room -= len(module.source)
        self.pending.extend(sorted(self._locator.imports(module)))

    def _visit(self, name: str) -> None:
        if name in self._seen or self._is_left_out(name):
            return
        self._seen.add(name)
        found = self._locator.find(name)
        if isinstance(found, Module) and self._is_wanted(found):
            self.take(found)

    def _is_wanted(self, module: Module) -> bool:
        if module.origin == "own":
            return True
        return bool(self._installed) and covers(self._installed, module.name)

    def _is_left_out(self, name: str) -> bool:
        if is_toolkit(name) or any(covers(prefix, name) for prefix in self._deny):
            return True
        if covers("remotesvc", name):
            # Only what was sent by name, and the packages above it.
            return not any(covers(root, name) or covers(name, root) for root in self._roots)
        # `from a import b`, where `a` is a plain module: nothing can be beneath it.
        above = self.taken.get(name.rpartition(".")[0])
        return above is not None and not above.is_package

    def _has_room(self) -> bool:
        return len(self.taken) < MAX_CLOSURE_MODULES and self._room > 0
