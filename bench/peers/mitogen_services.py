"""The services that mitogen is measured with; travels to the children by name."""

from functools import partial

import mitogen.core
import mitogen.service

from bench.peers import services

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["POOL", "Nothing", "Once", "ask"]

# How its pool's threads are called, and where they wait for work.
POOL = "mitogen.Pool.", "get_event"


class Nothing(mitogen.service.Service):
    """Does nothing, for parents and for everybody."""

    @mitogen.service.expose(policy=mitogen.service.AllowParents())
    def for_parents(self) -> None:
        """Do nothing."""

    @mitogen.service.expose(policy=mitogen.service.AllowAny())
    def for_all(self) -> None:
        """Do nothing."""


class Finding(mitogen.service.DeduplicatingInvoker):
    """Finds the method in the service; without this it is looked for in the invoker."""

    def __getattr__(self, name: str) -> "Any":
        return getattr(self.service, name)


class Once(mitogen.service.Service):
    """Does something expensive once for all who ask for it."""

    invoker_class = Finding

    @mitogen.service.expose(policy=mitogen.service.AllowParents())
    def run(self) -> int:
        """Return how often it ran."""
        return services.run_once()


@mitogen.core.takes_econtext
def ask(before: int, count: int, econtext: "Any" = None) -> float:
    """Return the median time of a call to the controller (in a child)."""
    call = partial(econtext.master.call_service, Nothing, "for_all")
    return services.median_time(call, before, count)
