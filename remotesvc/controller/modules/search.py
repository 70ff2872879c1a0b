"""Finds the spec of a module without importing anything, not even its parent packages.

`importlib.util.find_spec` imports the parents, and `PathFinder` needs the parents of a nested
namespace package in `sys.modules`; so the path is searched here, level by level, as PEP 420
describes it. Other finders on `sys.meta_path` (editable installs live there) are asked as the
import system asks them. `sys.path` and `sys.meta_path` are read at each call.
"""

import os
import pkgutil
import sys
from collections.abc import Iterable, Sequence
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

__all__ = ["MAX_NAME", "Search", "is_module_name"]

# A dotted name may come from a hostile child: long enough for any real one, short enough that
# walking its levels costs nothing.
MAX_NAME = 255


def is_module_name(name: str) -> bool:
    """Tell whether a name can be searched for; it need not be an identifier (`my-module`)."""
    if len(name) > MAX_NAME or "\0" in name or os.sep in name:
        return False
    return all(name.split("."))


class Search:
    """Where modules are looked for: one fixed path, or whatever this process imports from."""

    def __init__(self, path: Sequence[str] | None = None) -> None:
        self._path = None if path is None else [os.fspath(entry) for entry in path]

    def module(self, name: str) -> ModuleType | None:
        """Give the imported module of that name; never with a fixed path, never a stand-in."""
        if self._path is not None:
            return None
        module = sys.modules.get(name)
        return module if isinstance(module, ModuleType) else None

    def spec(self, name: str) -> ModuleSpec | None:
        """Give the spec of a module, the imported one's where there is one."""
        if not is_module_name(name):
            return None
        imported = self._imported_spec(name)
        if imported is not None:
            return imported
        parent = name.rpartition(".")[0]
        if not parent:
            return self._search(name, None)
        locations = self.locations(parent)
        return self._search(name, locations) if locations else None

    def locations(self, name: str) -> list[str]:
        """Give the folders that hold a package's modules; empty when it is no package."""
        live = self._live_path(name)
        if live is not None:
            return live
        spec = self.spec(name)
        return [] if spec is None else _strings(spec.submodule_search_locations)

    def _imported_spec(self, name: str) -> ModuleSpec | None:
        # A module that put another one in its place has that one's spec: its own source is
        # found by searching.
        spec = getattr(self.module(name), "__spec__", None)
        if isinstance(spec, ModuleSpec) and spec.name == name:
            return spec
        return None

    def _live_path(self, name: str) -> list[str] | None:
        # Read from the dict: a module's own `__getattr__` must not run because a child asks.
        module = self.module(name)
        path = None if module is None else vars(module).get("__path__")
        return None if path is None else _strings(path)

    def _search(self, name: str, path: Sequence[str] | None) -> ModuleSpec | None:
        if self._path is not None:
            return _search_path(name, self._path if path is None else path)
        for finder in list(sys.meta_path):
            if finder is PathFinder:
                spec = _search_path(name, sys.path if path is None else path)
            else:
                spec = _ask(finder, name, path)
            if spec is not None:
                return spec
        return None


def _search_path(name: str, entries: Iterable[str]) -> ModuleSpec | None:
    """Search path entries in order; folders without `__init__` add up to a namespace."""
    portions: list[str] = []
    for entry in list(entries):
        spec = _ask(_entry_finder(entry), name)
        if spec is None:
            continue
        if spec.loader is not None:
            return spec
        portions.extend(_strings(spec.submodule_search_locations))
    if not portions:
        return None
    namespace = ModuleSpec(name, None, is_package=True)
    namespace.submodule_search_locations = portions
    return namespace


def _entry_finder(entry: object) -> object:
    if not isinstance(entry, str):
        return None  # as the import system does: other objects on the path are skipped
    try:
        return pkgutil.get_importer(entry or os.getcwd())
    except OSError:
        return None  # the current folder was deleted


def _ask(finder: object, name: str, *arguments: object) -> ModuleSpec | None:
    find_spec = getattr(finder, "find_spec", None)
    if find_spec is None:
        return None
    try:
        spec = find_spec(name, *arguments)
    except Exception:  # noqa: BLE001 - foreign finders raise anything; the next one is asked
        return None
    return spec if isinstance(spec, ModuleSpec) else None


def _strings(path: object) -> list[str]:
    """List a `__path__`: a namespace's recomputes itself and fails if its parent vanished."""
    try:
        return [entry for entry in path if isinstance(entry, str)]  # type: ignore[attr-defined]
    except (KeyError, TypeError, AttributeError):
        return []
