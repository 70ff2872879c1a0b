"""What the tests have imported over there, and told about it. Python 3.6."""

import importlib
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional, Sequence, Tuple

__all__ = [
    "allow_seconds",
    "facts",
    "get",
    "import_all",
    "import_in_threads",
    "own_finders",
    "reload_module",
    "source_of",
    "submodules",
    "try_imports",
    "walk",
]


def get(module: "str", name: "str") -> "Any":
    """Import a module whose name nobody can read in a source, and return one of its values."""
    return getattr(importlib.import_module(module), name)


def import_all(names: "Sequence[str]") -> "int":
    """Import modules; return how many."""
    return len([importlib.import_module(name) for name in names])


def try_imports(names: "Sequence[str]") -> "Dict[str, Optional[str]]":
    """Return what the import of each module said, None where it worked."""
    said = {}  # type: Dict[str, Optional[str]]
    for name in names:
        try:
            importlib.import_module(name)
            said[name] = None
        except ImportError as error:
            said[name] = str(error)
    return said


def import_in_threads(names: "Sequence[str]") -> "int":
    """Import modules, each on a thread of its own, all at once; return how many worked."""
    import concurrent.futures

    with concurrent.futures.ThreadPoolExecutor(len(names)) as threads:
        return len(list(threads.map(importlib.import_module, names)))


def facts(name: "str") -> "Dict[str, Any]":
    """Return what a module says of itself."""
    module = importlib.import_module(name)
    spec = module.__spec__
    assert spec is not None
    return {
        "file": getattr(module, "__file__", None),
        "package": module.__package__,
        "is_package": hasattr(module, "__path__"),
        "loader": type(module.__loader__).__name__,
        "origin": spec.origin,
        "name": spec.name,
        "has_location": spec.has_location,
    }


def source_of(module: "str", name: "str") -> "str":
    """Return the source of a function, as inspect finds it."""
    import inspect

    return inspect.getsource(get(module, name))


def submodules(name: "str") -> "List[Tuple[str, bool]]":
    """Return what pkgutil.iter_modules sees in a package."""
    import pkgutil

    path = importlib.import_module(name).__path__
    return sorted((found.name, found.ispkg) for found in pkgutil.iter_modules(path))


def walk(name: "str") -> "List[str]":
    """Return what pkgutil.walk_packages sees below a package, importing as it goes."""
    import pkgutil

    path = importlib.import_module(name).__path__
    return sorted(found.name for found in pkgutil.walk_packages(path, name + "."))


def reload_module(name: "str") -> "bool":
    """Import and reload a module; tell whether it ran again, in the same module."""
    module = importlib.import_module(name)
    before = module.MARK
    return importlib.reload(module) is module and module.MARK is not before


def own_finders() -> "List[str]":
    """Return the types on sys.meta_path."""
    return [getattr(finder, "__name__", type(finder).__name__) for finder in sys.meta_path]


def allow_seconds(seconds: "float") -> "None":
    """Set how long an import waits for the parent in this process."""
    from remotesvc.core import fetch

    fetch.FETCH_TIMEOUT = seconds
