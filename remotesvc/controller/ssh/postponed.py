"""Postponed: a module that is loaded when something of it is asked for, not when it is imported.

paramiko imports invoke for `Match exec` in its own reader of ssh_config, which nobody uses here:
a third of the time that it takes to be imported itself. With importlib.util.LazyLoader that would
be so as well, because the import statement looks at the module.
"""

import importlib.util
import sys
import threading
from types import ModuleType
from typing import Any

__all__ = ["postpone"]

# What `warnings` looks for in every module that there is.
IDLE = "__warningregistry__"

_loading = threading.RLock()


class _Postponed(ModuleType):
    """Becomes a plain module, in place, at the first question for what it does not have yet."""

    _is_loading = False

    def __getattr__(self, name: str) -> Any:
        if name != IDLE:
            with _loading:
                if type(self) is _Postponed and not self._is_loading:
                    self._load()
                if name in vars(self):
                    return vars(self)[name]
        raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")

    def _load(self) -> None:
        self._is_loading = True
        try:
            self.__spec__.loader.exec_module(self)  # type: ignore[union-attr]  # there is one
        finally:
            del self._is_loading
        self.__class__ = ModuleType  # type: ignore[assignment]


def postpone(name: str) -> None:
    """Have a module be here without being loaded, if it is installed and not here already."""
    if name in sys.modules:
        return
    spec = importlib.util.find_spec(name)
    if spec is not None and spec.loader is not None:
        module = importlib.util.module_from_spec(spec)
        module.__class__ = _Postponed
        sys.modules.setdefault(name, module)
