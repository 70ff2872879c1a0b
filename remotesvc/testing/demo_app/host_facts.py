"""What a host says about itself, from the standard library alone."""

import os
import platform
import socket

from .disk import free_space

__all__ = ["gather"]


def gather() -> "dict[str, object]":
    """Return the facts, all of them plain values."""
    return {
        "hostname": socket.gethostname(),
        "python": platform.python_version(),
        "pid": os.getpid(),
        "processors": os.cpu_count(),
        "load": list(os.getloadavg()),
        "disk": free_space("/"),
    }
