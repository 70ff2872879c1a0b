"""How full a file system is."""

import os

__all__ = ["free_space"]


def free_space(path: "str") -> "dict[str, object]":
    """Return the size of the file system that holds `path`, and what is free, in bytes."""
    found = os.statvfs(path)
    return {
        "path": path,
        "total": found.f_blocks * found.f_frsize,
        "free": found.f_bavail * found.f_frsize,
    }
