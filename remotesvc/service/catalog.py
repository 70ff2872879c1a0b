"""Catalog: the one service that every pool has; it tells of the others, and opens streams."""

from functools import partial

from ..channel.sender import Sender
from ..core.errors import Error
from ..core.lending import refuse_reader
from ..core.values import decode
from .base import Service
from .call import Call, run_as
from .expose import expose, methods_of
from .flow import Flow
from .invoker import Invoker, SerializedInvoker
from .offers import Undone, pump
from .policy import AllowAny, AllowParents

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, List

    from ..types import ServiceRouter
    from .expose import Method
    from .pool import Pool

__all__ = ["CATALOG", "Catalog"]

CATALOG = "remotesvc.service.catalog.Catalog"

# Of a value of %d bytes, and a window of %d: whoever reads a method that yields has no other.
TOO_LARGE = (
    "a value of %d bytes does not fit into the reader's window of %d: a yielded value may have at "
    "most 1 MiB: yield it in parts"
)


class CatalogInvoker(Invoker):
    """Answers also while all threads are taken; has what a method yields run as the method would.

    A service with a schedule of its own has a thread until its stream was read. The streams of
    the others take one, and the turn of a serialised service, only while they run.
    """

    def admit(self, call: "Call") -> "None":
        """Take a call; what a parent wants of the threads counts before the next call comes."""
        if call.method == "resize" and call.is_commanded:
            try:
                self.pool.resize(**decode(call.payload))
            except Exception:  # noqa: BLE001, S110  it is run in its turn, and told what is wrong
                pass
        Invoker.admit(self, call)

    def schedule(self, job: "Callable[..., None]", *args: "Any") -> "None":
        """Run job(*args) on a thread that the methods of users never have."""
        self.pool.attend(job, *args)

    def run(self, method: "Method", call: "Call") -> "None":
        """Run and answer a call; that of a stream later."""
        if method.name != "open_stream":
            Invoker.run(self, method, call)
            return
        sender = call.kwargs["sender"]
        refusal = refuse_reader(sender.place[0], call.src)
        if refusal is not None:
            call.answer(*self.pool.fail(call, Undone("refused", refusal)))
            return
        origin = self.pool.offers.call_of(call.src, call.kwargs["number"])
        invoker = None if origin is None else origin.invoker
        if invoker is None:
            Invoker.run(self, method, call)  # it says what is wrong
        elif type(invoker).schedule in (Invoker.schedule, SerializedInvoker.schedule):
            self._let_flow(invoker, call)
        else:
            invoker.schedule(Invoker.run, self, method, call)

    def _let_flow(self, invoker: "Invoker", call: "Call") -> "None":
        try:
            generator, call.origin = self.pool.offers.take(call.src, call.kwargs["number"])
            sender = call.kwargs["sender"]
            flow = Flow(self.pool, call, generator, sender, invoker.schedule)
            call.kwargs["sender"].outlet().too_large = TOO_LARGE
        except Error as error:  # it was opened already, or its reader has too many streams
            told = error if isinstance(error, Undone) else Undone("refused", str(error))
            call.answer(*self.pool.fail(call, told))
        else:
            flow.schedule()


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
        sender.outlet().too_large = TOO_LARGE
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
