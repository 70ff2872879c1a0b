"""Kept: what takes long to make from modules that seldom change, for the next process.

It lies in `__pycache__`, beside what Python compiled of the same modules, and by the same rules:
nothing is written with `-B` or in a folder that is read-only, and who may write there could change
the code as well. What is found counts only if it was made from the very same bytes, and is whole.
"""

import hashlib
import importlib.util
import os
import sys
import threading
import zlib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, Optional

__all__ = ["keep"]

DIGEST_SIZE = 16


def keep(file: "str", name: "str", material: "bytes", make: "Callable[[], bytes]") -> "bytes":
    """Return make(), or what it returned for the same material, in this version of Python.

    file: that of the module beside whose compiled code it is kept, under `name`.
    """
    key = _digest(b"\0".join((sys.version.encode(), zlib.ZLIB_RUNTIME_VERSION.encode(), material)))
    try:
        root, _ = os.path.splitext(importlib.util.cache_from_source(file))
    except NotImplementedError:
        return make()  # this Python keeps nothing
    path = "%s.%s" % (root, name)
    data = _read(path, key)
    if data is None:
        data = make()
        if not sys.dont_write_bytecode:
            _write(path, key + _digest(data) + data)
    return data


def _digest(data: "bytes") -> "bytes":
    return hashlib.blake2b(data, digest_size=DIGEST_SIZE).digest()


def _read(path: "str", key: "bytes") -> "Optional[bytes]":
    """Return what is kept for a key; None if nothing is, or it is damaged."""
    try:
        with open(path, "rb") as file:
            kept = file.read()
    except OSError:
        return None
    data = kept[2 * DIGEST_SIZE :]
    return data if kept[: 2 * DIGEST_SIZE] == key + _digest(data) else None


def _write(path: "str", data: "bytes") -> "None":
    """Write a file all at once, as others may read it meanwhile; or nothing, if that cannot be."""
    new = "%s.%d.%d" % (path, os.getpid(), threading.get_ident())
    try:
        fd = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    except OSError:
        return
    try:
        with open(fd, "wb") as file:
            file.write(data)
        os.replace(new, path)
    except OSError:
        os.unlink(new)
