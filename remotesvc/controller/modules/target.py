"""Names a callable as (module, qualified name), if that name leads back to the very same object.

What has such a name travels by it, as plain values, to any version of Python. What has none
(lambdas, closures, instances, their methods) is for cloudpickle. Imports nothing.
"""

import sys
from dataclasses import dataclass

__all__ = ["Target", "leads_to", "name_of"]

# Where the standard library publishes what it defines in a private or platform module.
_PUBLIC_HOMES = {"posix": "os", "posixpath": "os.path"}


@dataclass(frozen=True)
class Target:
    """Where a callable is found: import `module`, then follow `qualname` by attributes."""

    module: str
    qualname: str


def name_of(function: object) -> Target | None:
    """Name a function, class, static or class method or builtin; None if no name leads to it."""
    module, qualname = _stated_name(function)
    if not module or not qualname or "<locals>" in qualname:
        return None
    homes = (_public_home(module), _main_alias(module), module)
    for home in filter(None, homes):
        target = Target(home, qualname)
        if leads_to(target, function):
            return target
    return None


def _stated_name(function: object) -> tuple[str, str]:
    """Read what a callable says of itself; ("", "") when it says nothing usable."""
    owner = getattr(function, "__self__", None)
    if isinstance(owner, type):
        # A bound class method: named by the class it is bound to, not by the one defining it.
        name = getattr(function, "__name__", "")
        return _text(owner, "__module__"), f"{_text(owner, '__qualname__')}.{name}"
    definer = getattr(function, "__objclass__", None)
    module = _text(function, "__module__") or _text(definer, "__module__")
    return module, _text(function, "__qualname__")


def leads_to(target: Target, function: object) -> bool:
    """Tell whether a name leads to this very object now."""
    found: object = sys.modules.get(target.module)
    for part in target.qualname.split("."):
        found = getattr(found, part, None)
    # A bound class method is a new object at every access: equal, not identical.
    bound = isinstance(getattr(function, "__self__", None), type)
    return found is function or (bound and found == function)


def _public_home(module: str) -> str:
    """Give the public module for a private one of the standard library, which moves freely.

    `_operator` is `operator`, `pathlib._local` (3.13) is `pathlib`.
    """
    if module in _PUBLIC_HOMES:
        return _PUBLIC_HOMES[module]
    top, _, below = module.partition(".")
    if top not in sys.stdlib_module_names or top.startswith("__"):
        return ""
    if below.startswith("_"):
        return top
    return top.lstrip("_") if top.startswith("_") else ""


def _main_alias(module: str) -> str:
    """Call the main program so in a process that multiprocessing spawned, too."""
    return "__main__" if module == "__mp_main__" else ""


def _text(holder: object, attribute: str) -> str:
    value = getattr(holder, attribute, "")
    return value if isinstance(value, str) else ""
