"""What has been imported where this is called; this alone imports nothing. Python 3.6."""

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import List

__all__ = ["imported"]


def imported() -> "List[str]":
    """Return the names of all modules that are here."""
    return sorted(sys.modules)
