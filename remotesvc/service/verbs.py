"""Service verbs: what is sent when a service is called, and what comes back.

How a call is waited for, given up and ended is the business of core/verbs.py, the same as for
functions.
"""

from functools import partial

from ..core.authority import CALL_SERVICE
from ..core.errors import Error, RefusedError, ValueNotSupported
from ..core.reach import refuse_relay
from ..core.verbs import Verbs
from ..core.wire import PLAIN, RAW
from .admission import refuse_asking
from .catalog import CATALOG
from .proxy import Proxy
from .request import ACTIVATE, pack_cancel, pack_request
from .stream import Stream
from .waits import Wait

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional, Sequence, Tuple, Type, TypeVar, Union

    from ..core.context import Context
    from ..core.futures import ReplyFuture
    from ..core.wire import Message
    from .pool import Pool

    T = TypeVar("T")

__all__ = ["MethodName", "ServiceVerbs", "call"]


# Of one context; programs that make names up get new ones.
NAMES_LIMIT = 256


class MethodName:
    """A method of a service, by names; `qualname` is for messages to the user."""

    __slots__ = ("_heads", "cls", "method", "qualname", "service")

    def __init__(self, service: "Union[str, Type[Any]]", method: "str") -> "None":
        self.cls = None if isinstance(service, str) else service
        if not isinstance(service, str) and not hasattr(service, "name"):
            raise TypeError("wanted is a service class or its name, got %r" % (service,))
        self.service: "str" = service if isinstance(service, str) else service.name()
        self.method = method
        self.qualname = "%s.%s" % (self.service.rpartition(".")[2], method)
        # What stands before the arguments, by flags.
        self._heads: "Dict[int, bytes]" = {}

    def head(self, flags: "int") -> "bytes":
        """Return what a call with these flags begins with."""
        head = self._heads.get(flags)
        if head is None:
            head = self._heads[flags] = pack_request(flags, self.service, self.method, b"")
        return head


class ServiceVerbs(Verbs):
    """The calls of services in one context under one set of options."""

    handle = CALL_SERVICE

    def __init__(self, context: "Context", timeout: "Optional[float]" = None) -> "None":
        Verbs.__init__(self, context, timeout)
        # What was called here, by service and method: programs call few, and those often.
        self._names: "Dict[Tuple[Any, str], MethodName]" = {}

    @property
    def context(self) -> "Context":
        """The context that is called."""
        return self._context

    @property
    def timeout(self) -> "Optional[float]":
        """Seconds that each call may take."""
        return self._timeout

    def name(
        self, service: "Union[str, Type[Any]]", method: "str", nameless: "Sequence[Any]" = ()
    ) -> "MethodName":
        """Return how a method is named here and over there; TypeError for what names none."""
        if not isinstance(method, str) or not method:
            raise TypeError(_say_how(service, method))
        can_be_known = isinstance(service, (str, type))
        known = self._names.get((service, method)) if can_be_known else None
        name = known or self._note(service, method)
        if nameless:
            raise TypeError(
                "%s: the arguments of a service go by name: %r has none"
                % (name.qualname, nameless[0])
            )
        return name

    def _note(self, service: "Union[str, Type[Any]]", method: "str") -> "MethodName":
        name = MethodName(service, method)
        if len(self._names) >= NAMES_LIMIT:
            self._names.clear()
        self._names[service, method] = name
        return name

    def proxy(self, cls: "Type[T]") -> "T":
        """Return a proxy for a class."""
        if isinstance(cls, str):
            raise TypeError(
                "service(%r): a proxy needs the class; by its name a service is called with "
                'call_service(%r, "method")' % (cls, cls)
            )
        return Proxy(self, cls, self._context.name)  # type: ignore[return-value, arg-type]

    def catalog(self) -> "List[Dict[str, Any]]":
        """Return what is known of the services over there."""
        return self.call_service(CATALOG, "services")  # type: ignore[no-any-return]

    def ask(self, service: "Union[str, Type[Any]]") -> "ReplyFuture":
        """Ask for a service to be activated; RefusedError where we are no parent."""
        name = service if isinstance(service, str) else service.name()
        refusal = refuse_asking(name, *self._relation())
        if refusal is not None:
            raise RefusedError("%s: %s" % (self._context.name, refusal))
        return self.submit(MethodName(service, ""))

    def call(__self, __fn: "Any", *args: "Any", **kwargs: "Any") -> "Any":
        """Call and wait; PoolExhausted where a pool would have to wait for itself."""
        pool = __self._own_pool()
        if pool is None:
            return Verbs.call(__self, __fn, *args, **kwargs)
        with Wait(pool, __fn):
            return Verbs.call(__self, __fn, *args, **kwargs)

    def submit(__self, __fn: "Any", *args: "Any", **kwargs: "Any") -> "ReplyFuture":
        """Send the call; who waits for its future gets PoolExhausted for the same reason."""
        future = Verbs.submit(__self, __fn, *args, **kwargs)
        pool = __self._own_pool()
        if pool is not None:
            future.guard = partial(Wait, pool, __fn)
        return future

    def wait(self, what: "str") -> "Optional[Wait]":
        """Return the wait for what runs over there; None where nobody could wait for himself."""
        pool = self._own_pool()
        if pool is None:
            return None
        wanted = MethodName(CATALOG, "open_stream")
        wanted.qualname = what
        return Wait(pool, wanted)

    def _own_pool(self) -> "Optional[Pool]":
        """Return the pool that is called, if it is the one of this process."""
        router: "Any" = self._context.router
        return router.pool if self._context.id == router.switch.id else None

    def _services(self) -> "ServiceVerbs":
        return self

    def _relation(self) -> "Tuple[bool, bool]":
        """Tell whether the context is below this one, and whether it is this one."""
        switch = self._context.router.switch
        return self._context.id in switch.routes, self._context.id == switch.id

    # -- what core/verbs.py asks -----------------------------------------------------------------

    def _encode(
        self,
        fn: "Any",
        args: "Tuple[Any, ...]",
        kwargs: "Dict[str, Any]",
        options: "Dict[str, Any]",
    ) -> "Tuple[int, bytes]":
        context = self._context
        router = context.router
        is_below, is_self = self._relation()
        switch = router.switch
        if not (is_below or is_self or context.id in switch.parents):
            refusal = refuse_relay(True, True, switch.siblings)
            if refusal is not None:
                raise RefusedError("%s: %s" % (context.name, refusal))
        if context.pool_size is not None and fn.service != CATALOG:
            # Twice is fine, and no other thread's call may go before it.
            context.call_service_no_reply(CATALOG, "resize", size=context.pool_size)
            context.pool_size = None
        may_ask = refuse_asking(fn.service, is_below, is_self) is None
        outgoing = router.outgoing
        try:
            arguments = outgoing.encode_service(context, fn, kwargs)
        except ValueNotSupported:
            if router.outgoing is outgoing:
                raise
            # The first reference among them made the router one that notes them.
            arguments = router.outgoing.encode_service(context, fn, kwargs)
        return PLAIN, fn.head(ACTIVATE if may_ask else 0) + arguments

    def _open(self, message: "Message") -> "Any":
        if message.encoding == RAW and len(message.payload) == Stream.SIZE:
            return Stream(self, message.payload)
        return Verbs._open(self, message)

    def _give_up(
        self, handle: "int", fn: "Any", error: "BaseException", is_hard: "bool" = False
    ) -> "None":
        context = self._context
        try:
            payload = pack_cancel(handle)
            context.router.switch.send(context.id, CALL_SERVICE, RAW, payload, 0, context.auth)
        except Error:
            return  # it is lost, and the call with it


def _say_how(service: "Any", method: "Any") -> "str":
    """Return what is wrong with the first two arguments of a call."""
    given = method or service
    name = getattr(given, "__name__", "method")
    if isinstance(given, (str, type)):
        return "call_service(%r): the name of a method is missing: it is the second argument" % (
            given if isinstance(given, str) else name
        )
    owner = service.__name__ if isinstance(service, type) else "Class"
    return 'wanted is a service and the name of a method, got %r: write call_service(%s, "%s")' % (
        given,
        owner,
        name,
    )


def call(__context: "Context", __service: "Any", __method: "str", **kwargs: "Any") -> "Any":
    """Call a method of a service in a context; the same as its `call_service()`."""
    return __context.call_service(__service, __method, **kwargs)
