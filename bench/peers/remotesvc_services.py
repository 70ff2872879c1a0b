"""The services that remotesvc is measured with; travels to the children by name."""

from functools import partial

import remotesvc
from bench.peers import services
from remotesvc.service import AllowAny, AllowParents, DeduplicatingInvoker, Service, expose

__all__ = ["POOL", "Nothing", "Once", "ask"]

# How its pool's threads are called, and where they wait for work.
POOL = "remotesvc-service-", "_next"


class Nothing(Service):
    """Does nothing, for parents and for everybody."""

    @expose(policy=AllowParents())
    def for_parents(self) -> None:
        """Do nothing."""

    @expose(policy=AllowAny())
    def for_all(self) -> None:
        """Do nothing."""


class Once(Service):
    """Does something expensive once for all who ask for it."""

    invoker_class = DeduplicatingInvoker

    @expose(policy=AllowParents())
    def run(self) -> int:
        """Return how often it ran."""
        return services.run_once()


def ask(before: int, count: int) -> float:
    """Return the median time of a call to the controller (in a child)."""
    controller = remotesvc.current_router().controller
    call = partial(controller.call_service, Nothing, "for_all")
    return services.median_time(call, before, count)
