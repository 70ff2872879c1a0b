"""Whose file it is: the user's own, an installed package's, or the standard library's.

Decided by the path alone; nothing is read, nothing imported.
"""

import functools
import os
import sys
import sysconfig

from remotesvc.controller.modules.found import Origin

__all__ = ["is_stdlib_file", "is_stdlib_name", "origin_of"]

# The folder names that installers write to, on every platform this runs on.
SITE_FOLDERS = frozenset({"dist-packages", "site-packages"})


def is_stdlib_name(name: str) -> bool:
    """Tell whether the name belongs to the standard library of this Python.

    A file of the user's that shadows such a name here does not travel: over there it would
    shadow the name for everybody, the standard library included.
    """
    return name.partition(".")[0] in sys.stdlib_module_names


def is_stdlib_file(path: str) -> bool:
    """Tell whether a file lies in the standard library's folders (`test`, `idlelib`)."""
    if _site_entry(path) is not None:
        return False
    real = os.path.realpath(path)
    return any(_is_beneath(real, folder) for folder in _stdlib_folders())


def origin_of(path: str) -> Origin:
    """Say whether a source file or folder is the user's own or was installed.

    An entry of site-packages that is a symbolic link to a checkout is the user's own.
    """
    entry = _site_entry(path)
    where = path if entry is None else entry
    return "own" if _site_entry(os.path.realpath(where)) is None else "installed"


def _site_entry(path: str) -> str | None:
    """Give the entry directly beneath the first site folder in `path`, None if there is none."""
    parts = os.path.abspath(path).split(os.sep)
    for index, part in enumerate(parts[:-1]):
        if part in SITE_FOLDERS:
            return os.sep.join(parts[: index + 2])
    return None


@functools.cache  # a constant of the interpreter that costs more to compute than a search
def _stdlib_folders() -> tuple[str, ...]:
    paths = sysconfig.get_paths()
    return tuple(os.path.realpath(paths[key]) for key in ("stdlib", "platstdlib"))


def _is_beneath(path: str, folder: str) -> bool:
    return path.startswith(folder.rstrip(os.sep) + os.sep)
