"""Finds modules here by name and reads them, importing nothing: what may travel, and as what.

A Locator reads files and the tables of the import system, both at the time of the call, so a
file changed or a path added since is seen. It decides what a module *is*; whether a host may
have it is for `grants`. The data files of a package are read through it, too.
"""

import hashlib
import inspect
import linecache
import os
import sys
import tokenize
from collections.abc import Sequence
from importlib.machinery import (
    BYTECODE_SUFFIXES,
    EXTENSION_SUFFIXES,
    ModuleSpec,
    SourceFileLoader,
)
from types import ModuleType

from remotesvc.controller.modules import folders
from remotesvc.controller.modules.folders import Entry
from remotesvc.controller.modules.found import Found, Kind, Missing, Module, NotOurs, Origin
from remotesvc.controller.modules.imports import imports_of
from remotesvc.controller.modules.origin import is_stdlib_file, is_stdlib_name, origin_of
from remotesvc.controller.modules.search import Search, is_module_name
from remotesvc.core.errors import MessageTooLarge

__all__ = [
    "MAX_LISTING",
    "MAX_RESOURCE_BYTES",
    "MAX_SOURCE_BYTES",
    "Found",
    "Locator",
    "Missing",
    "Module",
    "NotOurs",
    "encode_source",
]

# The largest generated modules in the wild have some 10 MB; one more is a mistake.
MAX_SOURCE_BYTES = 16 * 1024 * 1024
# Half of the default message size: what is larger belongs into a file transfer.
MAX_RESOURCE_BYTES = 64 * 1024 * 1024
# Names in one resource folder; a listing travels as one message.
MAX_LISTING = 20_000


class Locator:
    """Finds modules on a search path; without one, where this process would import them from.

    Safe to use from several threads: the only state is a cache of what sources import, keyed
    by their digest.
    """

    def __init__(self, search_path: Sequence[str] | None = None) -> None:
        self._search = Search(search_path)
        self._imports: dict[tuple[str, bool, bytes], frozenset[str]] = {}

    def find(self, name: str) -> Found:
        """Give the module with its source, or the reason why it does not travel from here."""
        if not is_module_name(name):
            return Missing(name, f"{name[:80]!r} cannot be the name of a module")
        if name in {"__main__", "__mp_main__"}:
            return NotOurs(name, "main", "the main program travels only cut at its guard")
        if is_stdlib_name(name):
            return _standard_library(name)
        spec = self._search.spec(name)
        if spec is not None:
            return _from_spec(name, spec)
        module = self._search.module(name)
        if module is not None:
            return _from_imported(name, module)
        return Missing(name, f"no module named {name!r} where the program runs")

    def submodules(self, name: str) -> frozenset[str]:
        """Give the names directly beneath a package: any other import there must fail.

        Folders count, since each is a namespace package. Empty when `name` is no package.
        """
        names: set[str] = set()
        for location in self._search.locations(name):
            names.update(map(_module_name, folders.list_importable(location)))
        if names:
            beneath = name + "."
            imported = [known for known in list(sys.modules) if known.startswith(beneath)]
            names.update(known[len(beneath) :].partition(".")[0] for known in imported)
        return frozenset(names - {"", "__init__"})

    def imports(self, module: Module) -> frozenset[str]:
        """Give the names that a module may import, with the packages above them."""
        key = (module.name, module.is_package, hashlib.sha256(module.source).digest())
        if key not in self._imports:
            self._imports[key] = imports_of(module.source, module.name, module.is_package)
        return self._imports[key]

    def data(self, package: str, relative: str) -> bytes | None:
        """Read a data file of a package that travels; None when it has no such file.

        `relative` uses "/" and stays inside the package's folders. Raises MessageTooLarge
        above MAX_RESOURCE_BYTES, OSError when the file cannot be read.
        """
        parts = folders.parts_of(relative)
        if not parts:
            return None
        for location in self._resource_folders(package):
            try:
                content = folders.read_file(location, parts, MAX_RESOURCE_BYTES)
            except folders.TooLarge as error:
                raise _resource_too_large(package, relative, error.size) from error
            if content is not None:
                return content
        return None

    def listing(self, package: str, relative: str = "") -> tuple[Entry, ...] | None:
        """List a folder of a package that travels, sorted; None when it has no such folder.

        A namespace package's folders are merged. Raises MessageTooLarge above MAX_LISTING.
        """
        parts = folders.parts_of(relative)
        if parts is None:
            return None
        merged: dict[str, Entry] = {}
        exists = False
        for location in self._resource_folders(package):
            entries = folders.list_folder(location, parts)
            exists = exists or entries is not None
            for entry in entries or ():
                merged.setdefault(entry.name, entry)
        if len(merged) > MAX_LISTING:
            raise _listing_too_large(package, relative, len(merged))
        return tuple(sorted(merged.values())) if exists else None

    def _resource_folders(self, package: str) -> list[str]:
        found = self.find(package)
        if not isinstance(found, Module) or not found.is_package:
            return []
        return self._search.locations(package)


def encode_source(text: str) -> bytes:
    """Encode source text so that its own PEP 263 line, if it has one, is true of the bytes."""
    plain = text.encode("utf-8", "surrogatepass")
    lines = iter(plain.splitlines(keepends=True))
    try:
        encoding, _ = tokenize.detect_encoding(lambda: next(lines, b""))
        return text.encode(encoding)
    except (SyntaxError, LookupError, UnicodeError):
        return plain


def _from_spec(name: str, spec: ModuleSpec) -> Found:
    path = spec.origin if spec.has_location and spec.origin else ""
    if spec.origin in {"built-in", "frozen"} or (path and is_stdlib_file(path)):
        return _standard_library(name)
    if path.endswith(tuple(EXTENSION_SUFFIXES)):
        return NotOurs(
            name,
            "compiled",
            f"{name!r} is compiled ({path}) and does not travel: install it on the host",
        )
    if path.endswith(tuple(BYTECODE_SUFFIXES)):
        return _no_source(name, path)
    try:
        source = _source_of(name, spec, path)
    except folders.TooLarge as error:
        return _too_large(name, path, error.size)
    except Exception as error:  # noqa: BLE001 foreign loaders raise anything
        return _unreadable(name, error)
    return _assemble(name, spec, path, source)


def _assemble(name: str, spec: ModuleSpec, path: str, source: bytes | None) -> Found:
    locations = spec.submodule_search_locations
    if locations is not None and not path and not source:
        return Module(name, "namespace", "", b"", _namespace_origin(list(locations)))
    if source is None:
        return _no_source(name, path or str(spec.loader))
    origin = origin_of(path) if path else "own"
    return Module(name, "module" if locations is None else "package", path, source, origin)


def _source_of(name: str, spec: ModuleSpec, path: str) -> bytes | None:
    """Read the bytes of a source; None when the loader has none."""
    if path and os.path.isfile(path):
        # Not through the loader: what some loaders return is no longer what the file holds.
        is_source = path.endswith(".py") or isinstance(spec.loader, SourceFileLoader)
        return _read_source(path) if is_source else None
    get_data = getattr(spec.loader, "get_data", None)
    if get_data is not None and path.endswith(".py"):
        content = get_data(path)
        return content if isinstance(content, bytes) else None
    return _loader_source(name, spec.loader)


def _read_source(path: str) -> bytes:
    size = os.stat(path).st_size
    if size > MAX_SOURCE_BYTES:
        raise folders.TooLarge(size)
    with open(path, "rb") as file:
        return file.read(MAX_SOURCE_BYTES)


def _loader_source(name: str, loader: object) -> bytes | None:
    get_source = getattr(loader, "get_source", None)
    text = None if get_source is None else get_source(name)
    return encode_source(text) if isinstance(text, str) else None


def _from_imported(name: str, module: ModuleType) -> Found:
    """Serve a module that only this process knows: its loader or linecache has the text."""
    path = vars(module).get("__file__") or f"<{name}>"
    try:
        source = _loader_source(name, vars(module).get("__loader__"))
    except Exception as error:  # noqa: BLE001 foreign loaders raise anything
        return _unreadable(name, error)
    if source is None:
        lines = linecache.getlines(path, vars(module))
        source = encode_source("".join(lines)) if lines else None
    if source is None:
        return _no_source(name, path)
    kind: Kind = "package" if "__path__" in vars(module) else "module"
    return Module(name, kind, path, source, origin_of(path) if os.path.isabs(path) else "own")


def _namespace_origin(locations: Sequence[str]) -> Origin:
    own = any(origin_of(location) == "own" for location in locations)
    return "own" if own else "installed"


def _module_name(entry: Entry) -> str:
    if entry.is_dir:
        return "" if "." in entry.name else entry.name
    return inspect.getmodulename(entry.name) or ""


def _standard_library(name: str) -> NotOurs:
    reason = f"{name!r} belongs to the standard library: the host uses its own"
    return NotOurs(name, "stdlib", reason)


def _no_source(name: str, path: str) -> NotOurs:
    reason = f"{name!r} has no Python source here ({path}): install it on the host"
    return NotOurs(name, "compiled", reason)


def _unreadable(name: str, error: Exception) -> Missing:
    return Missing(name, f"the source of {name!r} cannot be read here: {error}")


def _too_large(name: str, path: str, size: int) -> Missing:
    limit = f"the limit is {MAX_SOURCE_BYTES}: install it on the host"
    return Missing(name, f"the source of {name!r} ({path}) has {size} bytes, {limit}")


def _resource_too_large(package: str, relative: str, size: int) -> MessageTooLarge:
    return MessageTooLarge(
        f"resource {relative!r} of package {package!r} has {size} bytes, the limit is "
        f"{MAX_RESOURCE_BYTES}: send it with remotesvc.files.put instead"
    )


def _listing_too_large(package: str, relative: str, count: int) -> MessageTooLarge:
    return MessageTooLarge(
        f"folder {relative!r} of package {package!r} has {count} entries, the limit is "
        f"{MAX_LISTING}: send it with remotesvc.files.sync instead"
    )
