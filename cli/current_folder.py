"""The current folder as the first place for modules, for as long as it is needed.

As `python -m` would have it, with one difference: our own imports and the standard library's are
done without it, so a `queue.py` that lies there by chance is not run here.
"""

import contextlib
import os
import sys
from collections.abc import Iterator

__all__ = ["current_folder", "first_on_path"]


def current_folder() -> str:
    """Return the current folder, "." if it was deleted."""
    try:
        return os.getcwd()
    except FileNotFoundError:
        return os.curdir


@contextlib.contextmanager
def first_on_path(folder: str) -> Iterator[None]:
    """Have modules looked for in `folder` first; sys.path is restored afterwards."""
    before = list(sys.path)
    sys.path[:] = [folder, *(entry for entry in before if entry not in ("", folder))]
    try:
        yield
    finally:
        sys.path[:] = before
