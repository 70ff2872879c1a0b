"""The child's importer: modules that the parent sent, or sends on request.

First on sys.meta_path stands what is known to come from the parent: the modules of remotesvc
itself, whatever was pushed, and everything below a package that came from there. Last on
sys.meta_path, after the host's own finders, stands the request for the rest, and only when the
import statement stands in code that came from the parent: a host's library that looks for an
optional helper costs no round trip.

stage0 runs this file before anything else of remotesvc is there, so at import it needs nothing but
the interpreter; and as a module without a spec, so its own imports are absolute.
"""

import sys
from importlib.machinery import ModuleSpec, PathFinder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType, ModuleType
    from typing import Any, Callable, Dict, Iterator, Optional, Sequence, Tuple

    from .wire import Message

    # kind, file name, source or the reason of a refusal, names of submodules (None: unknown)
    Record = Tuple[str, str, Any, Optional[Sequence[str]]]

__all__ = ["MISSING", "MODULE", "NAMESPACE", "PACKAGE", "REFUSED", "Finder"]

# Kinds of a module record, as they stand on the wire.
MODULE = "module"
PACKAGE = "package"
NAMESPACE = "namespace"
MISSING = "missing"
REFUSED = "refused"

CODE = type(compile("", "", "exec"))

# Entries of the __path__ of a served package: nothing that a file system could answer.
PATH_PREFIX = "remotesvc:"


class Finder:
    """Meta path finder and loader over the records of modules that came from the parent.

    `ask(name)` is set once there is a parent to ask; it returns when records for `name` have
    been added, and raises ImportError when none came in time.
    """

    def __init__(self) -> "None":
        self.records: "Dict[str, Record]" = {}
        self.ask: "Optional[Callable[[str], None]]" = None
        self.request_of: "Optional[Callable[[int, Any, str], Message]]" = None
        # The context that this process is: by this finder it is found (current.py).
        self.child: "Any" = None

    def install(self) -> "None":
        """Put the two ends of this finder on sys.meta_path."""
        sys.meta_path.insert(0, self)
        sys.meta_path.append(_LastResort(self))
        sys.path_hooks.append(self._open_path)

    def add(self, name: "str", record: "Record") -> "None":
        """Take a record; a module that has arrived once is never replaced."""
        if self.records.get(name, (MISSING,))[0] in (MISSING, REFUSED):
            self.records[name] = record

    # -- finding ---------------------------------------------------------------------------------

    def find_spec(
        self, name: "str", path: "Any" = None, target: "Any" = None
    ) -> "Optional[ModuleSpec]":
        """Find what came, or must come, from the parent; None leaves it to the host."""
        if name == "importlib.resources" and sys.version_info[:2] == (3, 9):
            from remotesvc.core.resources import teach_files

            teach_files(self)
        record = self.records.get(name)
        if record is None and self._is_ours(name.rpartition(".")[0], name):
            record = self.request(name)
        spec = self.spec(name, record, path)
        if name == "logging" and spec is None and self.child is not None:
            spec = PathFinder.find_spec(name)
            if hasattr(spec and spec.loader, "exec_module"):  # a zip file's has not before 3.10
                spec.loader.exec_module = self._exec_logging  # type: ignore[union-attr, method-assign]
        return spec

    def _exec_logging(self, module: "Any") -> "None":
        """Have the host's own module run, and be told of it."""
        loader = module.__loader__
        type(loader).exec_module(loader, module)
        self.child.watch(module)

    def request(self, name: "str") -> "Optional[Record]":
        """Ask the parent for a module, and keep its answer, a no included."""
        if self.ask is not None:
            self.ask(name)
        return self.records.get(name)

    def spec(
        self, name: "str", record: "Optional[Record]", path: "Any" = None
    ) -> "Optional[ModuleSpec]":
        """Return the spec for a record, None for a missing module; refusals say why."""
        if record is None or record[0] == MISSING:
            return None
        kind, origin, source = record[:3]
        if kind == REFUSED:
            from remotesvc.core.resources import find_installed

            return find_installed(name, source)
        # Namespace packages get this loader too: it has their data files.
        spec = ModuleSpec(name, self, origin=origin or None)  # type: ignore[arg-type]
        spec.has_location = bool(origin)
        if kind != MODULE:
            # No folder of this host: what lies there by chance is not part of the package.
            spec.submodule_search_locations = [PATH_PREFIX + name]
            if kind == NAMESPACE:
                # But the portions of a namespace that are installed here are.
                there = PathFinder.find_spec(name, path)
                if there is not None and there.loader is None:
                    spec.submodule_search_locations += there.submodule_search_locations or ()
        return spec

    def _is_ours(self, parent: "str", name: "str") -> "bool":
        """Tell whether `name` is below a package of ours that may have it."""
        record = self.records.get(parent)
        if record is None or record[0] not in (PACKAGE, NAMESPACE):
            return False
        return record[3] is None or name.rpartition(".")[2] in record[3]

    def _open_path(self, path: "str") -> "_Listing":
        if not path.startswith(PATH_PREFIX):
            raise ImportError("no path of this finder", path=path)
        return _Listing(self, path[len(PATH_PREFIX) :])

    # -- loading ---------------------------------------------------------------------------------

    def create_module(self, spec: "ModuleSpec") -> "None":
        """Leave the creation to the import system."""

    def exec_module(self, module: "ModuleType") -> "None":
        """Run a module's source in its namespace."""
        exec(self.get_code(module.__spec__.name), module.__dict__)  # type: ignore[union-attr]  # noqa: S102

    def get_code(self, name: "str") -> "CodeType":
        """Compile a module's source under its true file name."""
        source = self.records[name][2]
        if isinstance(source, CODE):
            return source
        return compile(source, self.records[name][1], "exec", dont_inherit=True)

    def get_source(self, name: "str") -> "Optional[str]":
        """Return a module's source as text: for linecache, inspect and tracebacks."""
        source = self.records[name][2]
        if isinstance(source, CODE):
            return None
        if isinstance(source, str):
            return source
        import importlib.util

        return importlib.util.decode_source(source)

    def get_filename(self, name: "str") -> "str":
        """Return the file name over there, where the source came from."""
        return self.records[name][1]

    def is_package(self, name: "str") -> "bool":
        """Tell whether a module is a package, with a file of its own or without."""
        return self.records[name][0] != MODULE

    def get_data(self, path: "str") -> "bytes":
        """Return the bytes of a file beside a served module: for pkgutil.get_data."""
        from remotesvc.core.resources import get_data

        return get_data(self, path)

    def get_resource_reader(self, name: "str") -> "Any":
        """Return a reader for importlib.resources, None for what is no package."""
        if not self.is_package(name):
            return None
        from remotesvc.core.resources import Reader

        return Reader(self, name)


class _LastResort:
    """The far end of sys.meta_path: what the host lacks and code of ours imports."""

    def __init__(self, finder: "Finder") -> "None":
        self._finder = finder

    def find_spec(
        self, name: "str", path: "Any" = None, target: "Any" = None
    ) -> "Optional[ModuleSpec]":
        """Ask the parent, if one of its modules is what imports."""
        finder = self._finder
        record = finder.records.get(name)
        if record is None and not path and self._is_wanted_by_ours():
            record = finder.request(name)
        return finder.spec(name, record, path)

    def _is_wanted_by_ours(self) -> "bool":
        frame: "Any" = sys._getframe(2)
        while frame is not None:
            names = frame.f_globals
            module = names.get("__name__", "")
            if not module.startswith("importlib") and module != __name__:
                # None: the globals of a function that came as a pickle.
                return names.get("__loader__") in (None, self._finder)
            frame = frame.f_back
        return False


class _Listing:
    """What pkgutil.iter_modules sees in the __path__ of a served package."""

    def __init__(self, finder: "Finder", name: "str") -> "None":
        self._finder = finder
        self._name = name

    def find_spec(self, name: "str", target: "Any" = None) -> "None":
        """Find nothing: the two ends of sys.meta_path have looked."""

    def iter_modules(self, prefix: "str" = "") -> "Iterator[Tuple[str, bool]]":
        """Yield (name, is a package) of the submodules that the parent has."""
        from remotesvc.core.resources import iter_modules

        return iter_modules(self._finder, self._name, prefix)
