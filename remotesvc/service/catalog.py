"""Catalog: the one service that every pool has; it tells of the others, and opens streams."""

from functools import partial

from ..channel.sender import Sender
from .base import Service
from .call import Call, run_as
from .expose import expose, methods_of
from .invoker import Invoker
from .offers import pump
from .policy import AllowAny, AllowParents

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List

    from ..types import ServiceRouter
    from .expose import Method
    from .pool import Pool

__all__ = ["CATALOG", "Catalog"]

CATALOG = "remotesvc.service.catalog.Catalog"


class CatalogInvoker(Invoker):
    """Has what a method yields run when its own service may, as the method itself."""

    def run(self, method: "Method", call: "Call") -> "None":
        """Run and answer a call; that of a stream perhaps later."""
        origin = None
        if method.name == "open_stream":
            origin = self.pool.offers.call_of(call.src, call.kwargs["number"])
        invoker = None if origin is None else origin.invoker
        if invoker is None or type(invoker).schedule is Invoker.schedule:
            Invoker.run(self, method, call)
        else:
            invoker.schedule(Invoker.run, self, method, call)


class Catalog(Service):
    """Added by the pool itself."""

    invoker_class = CatalogInvoker

    def __init__(self, router: "ServiceRouter", pool: "Pool") -> "None":
        Service.__init__(self, router)
        self._pool = pool

    @expose(policy=AllowParents())
    def services(self) -> "List[Dict[str, Any]]":
        """Return what is known of each active service, by name."""
        found = self._pool.invokers()
        return [_describe(name, found[name]) for name in sorted(found) if name != CATALOG]

    @expose(policy=AllowParents())
    def resize(self, size: "int") -> "None":
        """Set the number of threads; those that are too many end when they are free."""
        self._pool.resize(size)

    @expose(policy=AllowAny())
    def open_stream(self, number: "int", sender: "Sender", call: "Call") -> "Any":
        """Send the values of a method that yields; return when it ends what it returns."""
        pool = self._pool
        generator, call.origin = pool.offers.take(call.src, number)
        run_as(call.origin)
        try:
            lay_open, shelter = partial(pool.lay_open, call), partial(pool.shelter, call)
            return pump(generator, sender, lay_open, shelter)
        finally:
            run_as(call)


def _describe(name: "str", invoker: "Invoker") -> "Dict[str, Any]":
    methods = methods_of(type(invoker.service))
    return {
        "name": name,
        "invoker": type(invoker).__name__,
        "calls": invoker.calls,
        "errors": invoker.errors,
        "waiting": invoker.waiting,
        "methods": [
            {
                "name": method.name,
                "arguments": [list(argument) for argument in method.arguments.describe()],
                "policies": [policy.describe() for policy in method.policies],
                "is_stream": method.is_stream,
                "is_no_reply": method.is_no_reply,
                "doc": method.doc,
            }
            for method in (methods[key] for key in sorted(methods))
        ],
    }
