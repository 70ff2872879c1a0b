"""Which parts of remotesvc a child needs to open another context: those that a connector imports.

What starts a child is in them, too; what is in every payload is not. Third-party connectors are
modules like any other, and bring what they import of remotesvc.
"""

from remotesvc.bootstrap.manifest import MODULES
from remotesvc.controller.modules.found import Module
from remotesvc.controller.modules.grants import is_toolkit
from remotesvc.controller.modules.locate import Locator
from remotesvc.core.hops import HOP_MODULES

__all__ = ["parts_of"]

# What carries an order out, whatever connector it names.
SEEDS = (*HOP_MODULES, "remotesvc.connect.ahead", "remotesvc.connect.opener")


def parts_of(locator: Locator, connector: str) -> tuple[str, ...]:
    """Return the names of what a child needs for a connector, itself included."""
    wanted = [*SEEDS, connector]
    taken: list[str] = []
    for name in wanted:  # it grows
        found = locator.find(name)
        if name in taken or name in MODULES or not isinstance(found, Module):
            continue
        taken.append(name)
        wanted += sorted(one for one in locator.imports(found) if is_toolkit(one))
    return tuple(taken)
