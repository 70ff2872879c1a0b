"""Which parts of remotesvc a child needs to open another context: those that a connector imports.

What starts a child is in them, too; what is in every payload is not. Third-party connectors are
modules like any other, and bring what they import of remotesvc.

To find them, some forty modules are read and parsed, a tenth of a second while the context that
is to have them waits. So the names are kept for the next process, as long as no file of this
library is another one.
"""

import os
from collections.abc import Iterable, Iterator

import remotesvc
from remotesvc.bootstrap.kept import keep
from remotesvc.bootstrap.manifest import MODULES
from remotesvc.controller.modules.found import Module
from remotesvc.controller.modules.grants import is_toolkit
from remotesvc.controller.modules.locate import Locator
from remotesvc.core.hops import HOP_MODULES

__all__ = ["parts_of", "stamps"]

# What carries an order out, whatever connector it names.
SEEDS = (*HOP_MODULES, "remotesvc.connect.ahead", "remotesvc.connect.opener")


def parts_of(locator: Locator, connector: str) -> tuple[str, ...]:
    """Return the names of what a child needs for a connector, itself included."""
    files = "\n".join(stamps(remotesvc.__path__)) if is_toolkit(connector) else ""
    if not files:
        return _find_parts(locator, connector)  # one of others, or there are no files to go by

    def make() -> bytes:
        return "\n".join(_find_parts(locator, connector)).encode()

    material = files.encode("utf-8", "surrogateescape")
    parts = tuple(keep(__file__, connector, material, make).decode().split("\n"))
    # Whatever is named here is sent: nothing but our own, whoever wrote it down.
    return parts if all(map(is_toolkit, parts)) else _find_parts(locator, connector)


def _find_parts(locator: Locator, connector: str) -> tuple[str, ...]:
    wanted = [*SEEDS, connector]
    taken: list[str] = []
    for name in wanted:  # it grows
        found = locator.find(name)
        if name in taken or name in MODULES or not isinstance(found, Module):
            continue
        taken.append(name)
        wanted += sorted(one for one in locator.imports(found) if is_toolkit(one))
    return tuple(taken)


def stamps(roots: Iterable[str]) -> Iterator[str]:
    """Yield what changes with any module below some folders, as Python tells its compiled code."""
    for root in roots:
        for folder, _, names in os.walk(root, followlinks=True):
            for name in sorted(names):
                path = f"{folder}/{name}"
                if name.endswith(".py") and os.path.exists(path):  # not an editor's dead link
                    status = os.stat(path)
                    yield f"{path} {status.st_size} {status.st_mtime_ns}"
