"""Activator: from the name in a call to a service that is constructed. Parents only.

Everything here runs on a thread of its own for each name, never on the one that reads or the one
that runs functions: an import or a constructor may take as long as it likes.
"""

import sys

from ..core.errors import RefusedError
from .base import Service

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Type

    from .call import Call
    from .pool import Pool

__all__ = ["Activator"]


class Activator:
    """Takes names as "module.Class"; override `locate()` for others, `is_permitted()` to refuse.

    What these raise is told to whoever called; the next call tries again.
    """

    def is_permitted(self, name: "str", call: "Call") -> "bool":
        """Tell whether a call may activate; those of strangers do not come this far."""
        return call.is_commanded

    def locate(self, name: "str") -> "Type[Service]":
        """Return the class that a name stands for; import it if need be."""
        found = self._follow(name)
        if isinstance(found, type) and issubclass(found, Service):
            return found
        kind = "a class, but no Service" if isinstance(found, type) else _kind_of(found)
        raise TypeError(
            "service %s: that is %s; wanted is a subclass of remotesvc.service.Service"
            % (name, kind)
        )

    def activate(self, pool: "Pool", name: "str") -> "Service":
        """Return a new service for a name."""
        return self.locate(name)(pool.router)

    def check(self, name: "str", call: "Call") -> "None":
        """Raise RefusedError for a call that may not activate."""
        if not self.is_permitted(name, call):
            raise RefusedError("service %s: %s does not permit it" % (name, type(self).__name__))

    def _follow(self, name: "str") -> "Any":
        parts = name.split(".")
        if len(parts) < 2 or not all(part.isidentifier() for part in parts):
            raise LookupError(
                "there is no service %r: a name is module.Class, unless an activator of yours "
                "takes others" % name
            )
        if parts[0] == "__main__":
            _import_main()
        found: "Any" = _import(parts[0])
        path = parts[0]
        for part in parts[1:]:
            path += "." + part
            below = _import(path) if _is_package(found) else None
            found = below if below is not None else getattr(found, part, None)
            if found is None:
                raise LookupError("service %s: there is no %s" % (name, path))
        return found


def _is_package(found: "Any") -> "bool":
    return isinstance(found, type(sys)) and hasattr(found, "__path__")


def _import(path: "str") -> "Any":
    """Return a module; None if there is none, while what it raises itself is an error."""
    try:
        __import__(path)
    except ImportError as error:
        if error.name != path or not isinstance(error, ModuleNotFoundError):
            raise
        if "." not in path:
            raise
        return None
    return sys.modules[path]


def _import_main() -> "None":
    """In a child, have the parent's main program be __main__."""
    from ..core.main_module import import_main

    for finder in sys.meta_path:
        if getattr(finder, "child", None) is not None:
            import_main(finder)  # type: ignore[arg-type]


def _kind_of(found: "Any") -> "str":
    name = type(found).__name__
    return "%s %s" % ("an" if name[0] in "aeiou" else "a", name)
