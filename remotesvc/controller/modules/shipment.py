"""Shipment: what has been granted and sent to each context.

Only this file changes grants. Push, request and relay ask the same pure function (grants.py), with
the grants of the very context that the modules are for.

What is marked as sent is on its way, in order, before any later call: sending and marking happen
under one lock.
"""

import os
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from ...bootstrap.seed import PAYLOAD, PROBE, get_payload, get_probe
from ...core.errors import MessageTooLarge, RefusedError
from ...core.fetch import pack_records
from ...core.finder import MISSING, REFUSED
from ...core.wire import FRAGMENT_SIZE
from .bundles import bundle_of, bundles_for
from .carrier import Carrier, Record, is_content
from .connector_parts import parts_of
from .found import Missing, Module, NotOurs
from .grants import Grants, ModulePolicy, is_toolkit
from .locate import Locator
from .main_module import MainSource, TrueName, main_source
from .origin import is_stdlib_name
from .related import closure, granted_by

if TYPE_CHECKING:
    from ...core.switch import Switch

__all__ = ["Record", "Shipment"]


class _Parcel:
    """What one seed brings along: its closure, what that grants, what it imports in vain.

    `missing` are top-level names that the closure imports and nobody here has: optional ones,
    mostly. The host is told, else it would ask, once for each.
    """

    def __init__(
        self, modules: tuple[Module, ...], roots: frozenset[str], missing: tuple[str, ...]
    ) -> None:
        self.modules = modules
        self.roots = roots
        self.missing = missing
        self._stamps = self._read_stamps()

    def is_current(self) -> bool:
        """Tell whether the files are still those that were read."""
        return self._stamps == self._read_stamps()

    def _read_stamps(self) -> list[tuple[int, int]]:
        return [_stamp(module.path) for module in self.modules]


class _State:
    """One context: its grants, and the names that are over there."""

    def __init__(self, policy: ModulePolicy) -> None:
        self.grants = Grants(frozenset(), policy)
        self.sent: set[str] = set()
        self.missing: set[str] = set()
        self.seeds: set[str] = set()


class Shipment:
    """Sends modules ahead of the calls that need them, and answers what is asked for."""

    def __init__(self, switch: "Switch", policy: ModulePolicy | None) -> None:
        self._switch = switch
        self._policy = policy or ModulePolicy()
        self.locator = Locator()
        self._carrier = Carrier(switch)
        self._states: dict[int, _State] = {}
        self._parcels: dict[str, _Parcel] = {}
        self._connectors: dict[str, tuple[str, ...]] = {}
        self._main: MainSource | None = None
        self._lock = threading.RLock()

    def main(self) -> MainSource:
        """Return how the main program of this process travels, found out once."""
        with self._lock:
            if self._main is None:
                self._main = main_source()
            return self._main

    def module_of(self, name: str) -> str:
        """Return the longest beginning of a dotted name that is a module; "" if none is."""
        module = name.rpartition(".")[0]
        with self._lock:
            while module and module != "__main__":
                if isinstance(self.locator.find(module), Module):
                    break
                module = module.rpartition(".")[0]
        return module

    def push(self, context_id: int, seed: str) -> None:
        """Grant a context what `seed` imports, and send what it does not have yet.

        Modules that cannot be read, or are not ours, are left to the import over there.
        """
        known = self._states.get(context_id)
        if known is not None and seed in known.seeds:
            return  # noted once it was on its way; the lock may be held for another's request
        with self._lock:
            state = self._state(context_id)
            if seed in state.seeds:
                return
            parcel = self._parcel(seed)
            state.grants = state.grants.plus(parcel.roots)
            records = self._new_records(state, parcel.modules)
            missing = [name for name in parcel.missing if name not in state.missing]
            # Under the lock: a second thread's call may not overtake what it needs.
            self._send(context_id, records + [_missing(name) for name in missing])
            state.sent.update(record[0] for record in records)
            state.missing.update(missing)
            state.seeds.add(seed)

    def push_installed(self, context_id: int, names: Sequence[str]) -> None:
        """Send modules that a pickle, or an option of a call, needs over there, once."""
        known = self._states.get(context_id)
        if known is not None and known.sent.issuperset(names):
            return
        with self._lock:
            state = self._state(context_id)
            found = [self.locator.find(name) for name in names if name not in state.sent]
            modules = [module for module in found if isinstance(module, Module)]
            state.grants = state.grants.plus(frozenset(module.name for module in modules))
            records = self._new_records(state, modules)
            self._send(context_id, records)
            state.sent.update(record[0] for record in records)

    def push_connector(self, context_id: int, connector: str) -> None:
        """Send what a context needs to open another one by a connector, once."""
        with self._lock:
            parts = self._connectors.get(connector)
            if parts is None:
                parts = self._connectors[connector] = parts_of(self.locator, connector)
        self.push_installed(context_id, parts)
        if not is_toolkit(connector):
            self.push(context_id, connector)

    def answer(
        self,
        context_id: int,
        name: str,
        reply: Callable[[bytes], object],
        asker: int | None = None,
        is_whole: bool = True,
    ) -> str | None:
        """Give `reply` the packed records for a request; return the reason if it was refused.

        asker: a relay on the way to the context, if not that itself; is_whole: it lacks them all.
        """
        asker = context_id if asker is None else asker
        with self._lock:
            state = self._state(context_id)
            records, refusal = self._records_for(state, name)
            payload = self._carrier.pack_answer(asker, context_id, records, is_whole)
            try:
                reply(payload)
            except MessageTooLarge:
                raise self._too_large(records, len(payload)) from None
            if len(payload) <= FRAGMENT_SIZE:
                # A longer reply may be overtaken by a call; what it brings is sent again then.
                state.sent.update(record[0] for record in records if is_content(record))
            if len(payload) <= FRAGMENT_SIZE or asker != context_id:
                # A relay that has not got it yet will say so.
                self._carrier.note(asker, context_id, records)
            return refusal

    def _records_for(self, state: _State, name: str) -> tuple[list[Record], str | None]:
        if is_stdlib_name(name):
            return [_missing(name)], None  # a newer Python's, which the host does not have
        verdict = state.grants.decide(name)
        if not verdict.allowed:
            return [(name, REFUSED, "", verdict.reason, None)], verdict.reason
        found = self.locator.find(name)
        if isinstance(found, NotOurs) and found.origin == "compiled":
            return [(name, REFUSED, "", found.reason, None)], None
        if not isinstance(found, Module):
            return [(name, MISSING, "", found.reason, None)], None
        return self._with_closure(state, found), None

    def resource(self, context_id: int, package: str, relative: str) -> bytes:
        """Return the bytes of a file in a package.

        Raises RefusedError when it was not granted, FileNotFoundError when there is none.
        """
        if (package, relative) == PAYLOAD:
            return get_payload()
        if (package, relative) == PROBE:
            return get_probe().encode("ascii")
        self._check_resource(context_id, package, relative)
        data = self.locator.data(package, relative)
        if data is None:
            raise FileNotFoundError(f"there is no file {relative!r} in package {package}")
        return data

    def listing(self, context_id: int, package: str, relative: str) -> list[tuple[str, bool]]:
        """Return (name, whether it is a folder) for a folder of a package; raises likewise."""
        self._check_resource(context_id, package, relative)
        entries = self.locator.listing(package, relative)
        if entries is None:
            raise FileNotFoundError(f"there is no folder {relative!r} in package {package}")
        return [(entry.name, entry.is_dir) for entry in entries]

    def _check_resource(self, context_id: int, package: str, relative: str) -> None:
        with self._lock:
            grants = self._state(context_id).grants
        verdict = grants.decide_resource(package, relative)
        if not verdict.allowed:
            raise RefusedError(verdict.reason)

    def forget(self, ids: set[int]) -> None:
        """Drop the state of lost contexts; their ids are never used again."""
        with self._lock:
            for context_id in ids:
                self._states.pop(context_id, None)
            self._carrier.forget(ids)

    def _state(self, context_id: int) -> _State:
        state = self._states.get(context_id)
        if state is None:
            state = _State(self._policy)
            if context_id in self._switch.routes:
                self._states[context_id] = state  # else it is lost, and nobody forgets it again
        return state

    def _parcel(self, seed: str) -> _Parcel:
        """Return the closure of a seed, worked out once per router and state of the files."""
        parcel = self._parcels.get(seed)
        if parcel is None or not parcel.is_current():
            seeds: list[str | Module] = [seed]
            if seed == "__main__":
                main = self.main()
                seeds = [main] if isinstance(main, Module) else []
                seeds += [main.name] if isinstance(main, TrueName) else []
            modules = closure(self.locator, seeds, self._policy.deny)
            roots = granted_by(self.locator, seeds, modules)
            missing = self._missing_from(modules)
            parcel = _Parcel(modules + self._parts_for(seed, modules), roots, missing)
            self._parcels[seed] = parcel
        return parcel

    def _parts_for(self, seed: str, modules: Iterable[Module]) -> tuple[Module, ...]:
        """Return parts of remotesvc that these modules need over there."""
        imported = {name for module in modules for name in self.locator.imports(module)}
        found = [self.locator.find(name) for name in bundles_for(seed, imported)]
        return tuple(module for module in found if isinstance(module, Module))

    def _missing_from(self, modules: Iterable[Module]) -> tuple[str, ...]:
        imported = {name for module in modules for name in self.locator.imports(module)}
        tops = sorted(name for name in imported if "." not in name and not is_stdlib_name(name))
        return tuple(name for name in tops if isinstance(self.locator.find(name), Missing))

    def _send(self, context_id: int, records: list[Record]) -> None:
        if not records:
            return
        try:
            self._carrier.send(context_id, records)
        except MessageTooLarge:
            size = len(pack_records(records))
            raise self._too_large(records, size) from None

    def _too_large(self, records: list[Record], size: int) -> MessageTooLarge:
        largest = max(records, key=lambda record: len(record[3]))[0]
        return MessageTooLarge(
            f"the modules to send take {size} bytes, {largest} most of all, and at most "
            f"{self._switch.max_message_size} may be sent: install them on the host, or give "
            "Router() a larger max_message_size"
        )

    def _with_closure(self, state: _State, module: Module) -> list[Record]:
        """Return a module that was asked for, and what it imports and is not over there."""
        if is_toolkit(module.name):
            parts = [self.locator.find(name) for name in bundle_of(module.name)]
            others = [one for one in parts if isinstance(one, Module) and one.name != module.name]
            return [self._record(module), *self._new_records(state, others)]
        if module.name in state.sent:
            # What it imports went along then. Who asks again and again costs no walk each time.
            return [self._record(module)]
        installed = module.name.partition(".")[0] if module.origin == "installed" else ""
        related = closure(self.locator, [module], self._policy.deny, installed)
        if installed:
            # The host lacks it, and may lack what it needs in turn.
            state.grants = state.grants.plus(granted_by(self.locator, [], related))
        others = [other for other in related if other.name != module.name]
        return [self._record(module), *self._new_records(state, others)]

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
        # Of our own parts not where they are installed: every child may ask for them.
        path = _own_path(module) if is_toolkit(module.name) else module.path
        return (module.name, module.kind, path, module.source, submodules)


def _own_path(module: Module) -> str:
    """Return the file name that a part of remotesvc has in the payload, too."""
    return module.name.replace(".", "/") + ("/__init__.py" if module.is_package else ".py")


def _missing(name: str) -> Record:
    return (name, MISSING, "", "", None)


def _stamp(path: str) -> tuple[int, int]:
    """Return what changes when a file does; the same for all that are no files."""
    try:
        status = os.stat(path)
    except OSError:
        return (0, 0)
    return (status.st_mtime_ns, status.st_size)
