"""Measures the host."""

import os

__all__ = ["disk_usage"]


def disk_usage(path: "str") -> "float":
    """Return the used part of the file system that holds `path`, from 0 to 1."""
    found = os.statvfs(path)
    return 1 - found.f_bavail / found.f_blocks
