"""Shipment: what has been granted and sent to each context.

Only this file changes grants. Push, request and relay ask the same pure function (grants.py), with
the grants of the very context that the modules are for.
"""

import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ...core.authority import LOAD_MODULE
from ...core.fetch import pack_records
from ...core.finder import MISSING, REFUSED
from ...core.wire import RAW
from .found import Module, NotOurs
from .grants import Grants, ModulePolicy
from .locate import Locator
from .main_module import MainSource, TrueName, main_source
from .related import closure, granted_by

if TYPE_CHECKING:
    from ...core.switch import Switch

__all__ = ["Record", "Shipment"]

# name, kind, file name, source or reason, names of the submodules
Record = tuple[str, str, str, Any, tuple[str, ...] | None]


class _Parcel:
    """What one seed brings along: its closure, and what that grants."""

    def __init__(self, modules: tuple[Module, ...], roots: frozenset[str]) -> None:
        self.modules = modules
        self.roots = roots


class _State:
    """One context: its grants, and the names that are over there."""

    def __init__(self, policy: ModulePolicy) -> None:
        self.grants = Grants(frozenset(), policy)
        self.sent: set[str] = set()
        self.seeds: set[str] = set()


class Shipment:
    """Sends modules ahead of the calls that need them, and answers what is asked for."""

    def __init__(self, switch: "Switch", policy: ModulePolicy | None) -> None:
        self._switch = switch
        self._policy = policy or ModulePolicy()
        self.locator = Locator()
        self._states: dict[int, _State] = {}
        self._parcels: dict[str, _Parcel] = {}
        self._main: MainSource | None = None
        self._lock = threading.RLock()

    def main(self) -> MainSource:
        """Return how the main program of this process travels, found out once."""
        with self._lock:
            if self._main is None:
                self._main = main_source()
            return self._main

    def push(self, context_id: int, seed: str) -> None:
        """Grant a context what `seed` imports, and send what it does not have yet.

        Modules that cannot be read, or are not ours, are left to the import over there.
        """
        with self._lock:
            state = self._state(context_id)
            if seed in state.seeds:
                return
            parcel = self._parcel(seed)
            state.grants = state.grants.plus(parcel.roots)
            records = self._new_records(state, parcel.modules)
            if records:
                # Under the lock: a second thread's call may not overtake what it needs.
                self._switch.send(context_id, LOAD_MODULE, RAW, pack_records(records))
            state.sent.update(record[0] for record in records)
            state.seeds.add(seed)

    def push_installed(self, context_id: int, names: Iterable[str]) -> None:
        """Send installed modules of ours that a pickle needs, once."""
        with self._lock:
            state = self._state(context_id)
            found = [self.locator.find(name) for name in names if name not in state.sent]
            modules = [module for module in found if isinstance(module, Module)]
            state.grants = state.grants.plus(frozenset(module.name for module in modules))
            records = self._new_records(state, modules)
            if records:
                self._switch.send(context_id, LOAD_MODULE, RAW, pack_records(records))
                state.sent.update(record[0] for record in records)

    def answer(self, context_id: int, name: str) -> tuple[list[Record], str | None]:
        """Return the records for a request, and the reason if it was refused."""
        with self._lock:
            state = self._state(context_id)
            verdict = state.grants.decide(name)
            if not verdict.allowed:
                return [(name, REFUSED, "", verdict.reason, None)], verdict.reason
            found = self.locator.find(name)
            if isinstance(found, NotOurs) and found.origin == "compiled":
                return [(name, REFUSED, "", found.reason, None)], None
            if not isinstance(found, Module):
                return [(name, MISSING, "", found.reason, None)], None
            if found.origin == "installed":
                state.grants = state.grants.plus(granted_by(self.locator, [], [found]))
            return self._with_closure(state, found), None

    def resource(self, context_id: int, package: str, relative: str) -> tuple[bytes | None, str]:
        """Return the bytes of a file in a package, or None and the reason."""
        with self._lock:
            grants = self._state(context_id).grants
        verdict = grants.decide_resource(package, relative)
        if not verdict.allowed:
            return None, verdict.reason
        data = self.locator.data(package, relative)
        return data, f"there is no file {relative!r} in package {package}"

    def listing(self, context_id: int, package: str, relative: str) -> list[tuple[str, bool]]:
        """Return (name, whether it is a folder) for a folder of a package; [] if refused."""
        with self._lock:
            grants = self._state(context_id).grants
        if not grants.decide_resource(package, relative or "__init__.py").allowed:
            return []
        entries = self.locator.listing(package, relative) or ()
        return [(entry.name, entry.is_dir) for entry in entries]

    def forget(self, ids: set[int]) -> None:
        """Drop the state of lost contexts; their ids are never used again."""
        with self._lock:
            for context_id in ids:
                self._states.pop(context_id, None)

    def _state(self, context_id: int) -> _State:
        return self._states.setdefault(context_id, _State(self._policy))

    def _parcel(self, seed: str) -> _Parcel:
        """Return the closure of a seed, worked out once per router."""
        parcel = self._parcels.get(seed)
        if parcel is None:
            seeds: list[str | Module] = [seed]
            if seed == "__main__":
                main = self.main()
                seeds = [main] if isinstance(main, Module) else []
                seeds += [main.name] if isinstance(main, TrueName) else []
            modules = closure(self.locator, seeds, self._policy.deny)
            parcel = _Parcel(modules, granted_by(self.locator, seeds, modules))
            self._parcels[seed] = parcel
        return parcel

    def _with_closure(self, state: _State, module: Module) -> list[Record]:
        related: tuple[Module, ...] = ()
        if module.origin == "own":
            related = closure(self.locator, [module], self._policy.deny)
        others = [other for other in related if other.name != module.name]
        records = [self._record(module), *self._new_records(state, others)]
        state.sent.update(record[0] for record in records)
        return records

    def _new_records(self, state: _State, modules: Iterable[Module]) -> list[Record]:
        return [
            self._record(module)
            for module in modules
            if module.name not in state.sent
            and (module.name == "__main__" or state.grants.decide(module.name).allowed)
        ]

    def _record(self, module: Module) -> Record:
        submodules = None
        if module.is_package:
            submodules = tuple(sorted(self.locator.submodules(module.name)))
        return (module.name, module.kind, module.path, module.source, submodules)
