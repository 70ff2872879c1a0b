"""The current folder as the first place for modules, for as long as it is needed.

As `python -m` would have it, with one difference: the standard library is not looked for there.
A `queue.py` that lies in the folder by chance is not run here, however late some library of ours
imports `queue`; and it would not travel either.
"""

import contextlib
import os
import sys
from collections.abc import Iterator, Sequence
from importlib.machinery import ModuleSpec, PathFinder

from remotesvc.controller.modules.origin import is_stdlib_name

__all__ = ["current_folder", "first_on_path"]


def current_folder() -> str:
    """Return the current folder, "." if it was deleted."""
    try:
        return os.getcwd()
    except FileNotFoundError:
        return os.curdir


@contextlib.contextmanager
def first_on_path(folder: str) -> Iterator[None]:
    """Have modules looked for in `folder` first; all is restored afterwards."""
    before = list(sys.path)
    others = [entry for entry in before if entry not in ("", folder)]
    guard = _StandardLibrary(others)
    sys.path[:] = [folder, *others]
    sys.meta_path.insert(0, guard)
    try:
        yield
    finally:
        sys.meta_path.remove(guard)
        sys.path[:] = before


class _StandardLibrary:
    """Finds modules of the standard library where they were found before; a meta path finder."""

    def __init__(self, path: Sequence[str]) -> None:
        self._path = list(path)

    def find_spec(
        self, name: str, path: object = None, target: object = None
    ) -> ModuleSpec | None:
        """Find a top-level module of the library; what is built in is found by others."""
        if path is not None or not is_stdlib_name(name):
            return None
        return PathFinder.find_spec(name, self._path)
