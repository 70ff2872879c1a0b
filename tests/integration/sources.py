"""A folder of the test's own source on sys.path, whose modules are forgotten afterwards."""

import importlib
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.controller.modules.trees import write_tree

__all__ = ["Sources", "own_sources"]


class Sources:
    """Modules in `folder`, to be written and imported here as a program would."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, files: Mapping[str, str | bytes]) -> None:
        """Write files, given as relative path and content."""
        write_tree(self.folder, files)
        importlib.invalidate_caches()

    def get(self, module: str, name: str) -> Any:
        """Import a module, and return what stands in it under a name."""
        return getattr(importlib.import_module(module), name)

    def path(self, relative: str) -> str:
        """Return the whole path of a file."""
        return str(self.folder / relative)


@contextmanager
def own_sources(*folders: Path) -> Iterator[Sources]:
    """Put folders on sys.path; the first is the one that is written to."""
    known, path = set(sys.modules), list(sys.path)
    entries = [str(folder) for folder in folders]
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
    sys.path[:0] = entries
    try:
        yield Sources(folders[0])
    finally:
        sys.path[:] = path
        new = set(sys.modules) - known
        roots = [str(folder.parent) for folder in folders]
        ours = {_top(name) for name in new if _is_beneath(sys.modules[name], roots)}
        # By name: a module that replaced itself by an object says nothing of its file.
        for name in [name for name in new if _top(name) in ours]:
            del sys.modules[name]


def _top(name: str) -> str:
    return name.partition(".")[0]


def _is_beneath(module: Any, roots: list[str]) -> bool:
    places = [getattr(module, "__file__", None) or "", *getattr(module, "__path__", ())]
    return any(place.startswith(root) for place in places for root in roots)
