"""What still counts as healthy."""

import os

__all__ = ["verdict"]

DISK_IS_FULL = 0.9


def verdict(used: "float", load: "float") -> "str":
    """Return one word for the state of a host."""
    if used > DISK_IS_FULL:
        return "full"
    return "busy" if load > (os.cpu_count() or 1) else "healthy"
