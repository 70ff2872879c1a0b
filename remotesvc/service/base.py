"""Service: the base class of what users write: an object with exposed methods, made once."""

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Optional

    from ..channel.select import Event, Select
    from ..types import AnyRouter, ServiceRouter
    from .invoker import Invoker
    from .pool import Pool

__all__ = ["Service"]

# As what a program is imported that was started by its name.
MAIN = ("__main__", "__mp_main__")


class Service:
    """An object that a pool makes once, and whose exposed methods are called from elsewhere.

    Its methods run on threads of the pool, several at once if `invoker_class` does not say
    otherwise. `pool` is the pool that it is in, set before the first call.
    """

    # What schedules its calls; the pool takes Invoker where it is None.
    invoker_class: "Optional[Callable[[Service, Pool], Invoker]]" = None

    # What an __init__ that does not call this one leaves.
    pool: "Any" = None
    _router: "Any" = None

    def __init__(self, router: "ServiceRouter") -> "None":
        self._router = router

    @classmethod
    def name(cls) -> "str":
        """Return what it is called by: module.Class, the same wherever it runs.

        Own names need an own Activator that understands them.
        """
        return "%s.%s" % (_true_name(cls.__module__), cls.__qualname__)

    @property
    def router(self) -> "AnyRouter":
        """The router of the process that it runs in."""
        if self._router is None:
            raise AttributeError(
                "%s has no router: call super().__init__(router) in its __init__"
                % type(self).__name__
            )
        router: "AnyRouter" = self._router
        return router

    @router.setter
    def router(self, router: "ServiceRouter") -> "None":
        self._router = router

    @property
    def select(self) -> "Select":
        """The receivers that it listens to: for what comes there, on_message() is called.

        Made when first used. Receivers may be added and removed at any time.
        """
        found: "Optional[Select]" = self.__dict__.get("_select")
        if found is None:
            from ..channel.select import Select

            # One step, whichever threads come here first.
            found = self.__dict__.setdefault("_select", Select())
            if self.pool is not None:
                self.pool.watch(self)
        return found

    @property
    def has_select(self) -> "bool":
        """Whether it listens to anything, or did."""
        return "_select" in self.__dict__

    def on_message(self, event: "Event") -> "None":
        """Take what came to a receiver of `select`, on a thread of the pool."""
        raise NotImplementedError(
            "%s has receivers in its select, but no on_message()" % type(self).__name__
        )

    def on_shutdown(self) -> "None":
        """Let go of what it holds: its pool is closed, and no call runs any more."""


def _true_name(module: "str") -> "str":
    """Return the name by which others import a module."""
    if module != "__main__":
        return module
    spec = getattr(sys.modules.get(module), "__spec__", None)
    name: "Any" = getattr(spec, "name", None)
    return name if isinstance(name, str) and name not in MAIN else module
