"""Pool: the services of one context, and the threads that run their methods.

Calls come in on the thread that reads, which only finds out whose they are: names, counts, and a
verdict of admission.py. What a stranger made is decoded on a thread of the pool, after which its
policies judge it, and its arguments are checked; only then the method runs. Imports and
constructors have threads of their own, so that neither they nor long calls keep others waiting.
"""

import threading
import time

from ..core.authority import CALL_SERVICE, is_commanded
from ..core.errors import Error, ProtocolError
from ..core.wire import PLAIN, RAW
from .activation import Activations
from .activator import Activator
from .admission import name_here, refuse_activation
from .base import Service
from .call import Call
from .catalog import Catalog
from .desk import Desk
from .invoker import Invoker
from .offers import Offers
from .request import ACTIVATE, read_cancel, read_request
from .runner import Runner
from .threads import Threads
from .turns import Turns
from .waits import Waits

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any, Callable, Dict, Iterable, Optional, Set, Type, Union

    from ..core.link import Link
    from ..core.wire import Message
    from ..types import ServiceRouter

__all__ = ["POOL_SIZE", "Pool"]

POOL_SIZE = 16

# Services that are being activated at the same time; the others wait.
ACTIVATIONS = 16

# Closing waits so long for methods that run.
CLOSE_TIMEOUT = 5.0

# That much of it belongs to methods that nobody waits for; the rest to those interrupted after it.
UNHEARD_SHARE = 0.75


class Pool:
    """A fixed number of threads, the active services, and who waits for them; a context manager.

    services: instances, or classes that are constructed with the router. size: threads; a method
    that waits for another one of the same pool keeps its own. activator: what may be activated by
    name; parents only. One pool serves a router at a time; in a child it is there by itself from
    the first call of a service that a parent makes.
    """

    def __init__(
        self,
        router: "ServiceRouter",
        services: "Iterable[Union[Service, Type[Service]]]" = (),
        size: "int" = POOL_SIZE,
        activator: "Optional[Activator]" = None,
    ) -> "None":
        _check_options(router, services, size, activator)
        self.router = router
        self.offers = Offers()
        self._threads = Threads("service", size, router.loop)
        self._turns = Turns(self._threads)
        self._activators = Threads("activation", ACTIVATIONS)
        self._runner = Runner(router, self.offers, self._threads)
        self.check, self.execute = self._runner.check, self._runner.execute
        self.lay_open, self.shelter = self._runner.lay_open, self._runner.shelter
        self.fail, self.pack = self._runner.fail, self._runner.pack
        # Methods and constructors may take all other threads there are, and for long.
        self._attendant = Threads("attendant", 1)
        self._attended = Turns(self._attendant)
        defer = self._attendant.defer
        self._desk = Desk(router.switch, router.loop, self._runner, defer, router.grace)
        self.waits = Waits(self)
        self._invokers: "Dict[str, Invoker]" = {}
        self._is_closed = False
        self._lock = threading.Lock()
        self._activations = Activations(self, activator or Activator(), self._put, self._lock)
        self.add(Catalog(router, self))
        for service in services:
            self.add(service)
        router.pool = self
        router.switch.serve(CALL_SERVICE, self.receive)
        router.switch.observe(self._lose)

    # -- what is active --------------------------------------------------------------------------

    def add(self, service: "Union[Service, Type[Service]]") -> "Service":
        """Make a service active: an instance, or a class, which is constructed first."""
        if isinstance(service, type) and issubclass(service, Service):
            service = service(self.router)
        if not isinstance(service, Service):
            raise TypeError("wanted is a Service, or a class of them, got %r" % (service,))
        self._put(type(service).name(), service)
        return service

    def _put(self, name: "str", service: "Service") -> "Invoker":
        make = service.invoker_class or Invoker
        if not callable(make):
            raise TypeError("%s.invoker_class=%r: wanted is a class of invokers" % (name, make))
        invoker = make(service, self)
        with self._lock:
            if self._is_closed:
                raise Error("this pool is closed: make a new one")
            if name in self._invokers:
                raise Error("service %s is active already" % name)
            self._invokers[name] = invoker
        service.pool = self
        if service.has_select:
            self._watch(invoker)
        return invoker

    def invokers(self) -> "Dict[str, Invoker]":
        """Return the active services, by name."""
        with self._lock:
            return dict(self._invokers)

    def get_service(self, service: "Union[str, Type[Service]]") -> "Any":
        """Return the instance that serves a class, or a name; activate it if need be."""
        name = service if isinstance(service, str) else service.name()
        with self._lock:
            if self._is_closed:
                raise Error("this pool is closed: make a new one")
            invoker = self._invokers.get(name)
            activation = None if invoker is not None else self._activations.want(name)
        if activation is not None:
            invoker = self._activations.wait(activation)
        return invoker.service  # type: ignore[union-attr]

    def defer(self, function: "Callable[..., Any]", *args: "Any") -> "None":
        """Run function(*args) on a thread of the pool; what it raises goes to sys.excepthook.

        A job with the call of a stranger among its arguments waits for a turn of his.
        """
        self._turns.defer(function, *args)

    def attend(self, function: "Callable[..., Any]", *args: "Any") -> "None":
        """Run function(*args) likewise, on the thread that the methods of users never have."""
        self._attended.defer(function, *args)

    @property
    def size(self) -> "int":
        """The number of threads."""
        return self._threads.size

    def resize(self, size: "int") -> "None":
        """Change the number of threads; those that are too many end when they are free."""
        _check_size(size)
        self._threads.size = size

    @property
    def is_closed(self) -> "bool":
        """Whether it takes no more calls."""
        return self._is_closed

    @property
    def is_crowded(self) -> "bool":
        """Whether something waits for a thread."""
        return self._threads.waiting > 0

    # -- calls -----------------------------------------------------------------------------------

    def receive(self, link: "Optional[Link]", message: "Message") -> "None":
        """Take a call, or the cancel of one (handler of CALL_SERVICE); never blocks."""
        switch = self.router.switch
        commanded = is_commanded(message.src, message.auth, switch.id, switch.parents)
        if message.encoding == RAW:
            self._desk.cancel((message.src, read_cancel(message.payload)), commanded)
            return
        try:
            if message.encoding != PLAIN:
                raise ProtocolError("arguments of a service are plain values")
            flags, *names, payload = read_request(message.payload)
        except ProtocolError as error:
            switch.refuse(link, message, "protocol", str(error))
            return
        call = Call(message, names, payload, commanded, self._desk.answer)
        if link is None:
            call.caller = self.waits.waiter()  # it was sent on this very thread
        try:
            refusal = self._admit(call, bool(flags & ACTIVATE))
        except ProtocolError as error:
            switch.refuse(link, message, "protocol", str(error))
            return
        if refusal is not None:
            switch.refuse(link, message, "refused", refusal)
            return
        message.payload = b""  # the call has its part; what it keeps is the way back

    def _admit(self, call: "Call", is_asked: "bool") -> "Optional[str]":
        """Hand a call to its service, or have that activated; return why not."""
        own_id = self.router.switch.id
        with self._lock:
            if self._is_closed:
                return "the services of %s are closed" % name_here(own_id)
            invoker = call.invoker = self._invokers.get(call.service)
            refusal = None
            if invoker is None:
                refusal = refuse_activation(call.service, is_asked, call.is_commanded, own_id)
            refusal = refusal or self._desk.open(call)
            if refusal is not None:
                return refusal
            if invoker is not None and self._activations.are_queued(call.service):
                invoker = None  # just active: others that came before it are not let in yet
            activation = None if invoker is not None else self._activations.add(call)
        if invoker is not None:
            invoker.admit(call)
        elif activation is not None:
            self._activators.defer(self._activations.run, activation)
        return None

    def dismiss(self, name: "str", service: "Service") -> "None":
        """Shut a service down that calls do not reach any more, or never did."""
        try:
            service.on_shutdown()
        except BaseException as error:  # noqa: BLE001 user code
            self._runner.reports.show("error", "on_shutdown of %s failed" % name, error)
        if service.has_select:
            service.select.close()

    # -- events and ends -------------------------------------------------------------------------

    def watch(self, service: "Service") -> "None":
        """Have the select of a service, just made, lead to its on_message()."""
        for invoker in self.invokers().values():
            if invoker.service is service:
                self._watch(invoker)

    def _watch(self, invoker: "Invoker") -> "None":
        def come() -> "None":
            invoker.schedule(self._serve_event, invoker)

        with self._lock:
            select = invoker.service.select
            if select.on_ready is None:
                # Told once when something came, also before this: events are served one by one.
                select.on_ready = come

    def _serve_event(self, invoker: "Invoker") -> "None":
        """Hand one event of a service's select to it, and come again for the next."""
        event = invoker.service.select.poll()
        if event is None:
            return
        try:
            invoker.service.on_message(event)
        except BaseException as error:  # noqa: BLE001 user code
            name = type(invoker.service).name()
            self._runner.reports.count("error", "on_message of %s failed" % name, error)
        invoker.schedule(self._serve_event, invoker)

    def _lose(self, ids: "Set[int]", error: "Exception") -> "None":
        """Cancel what lost contexts asked for (observer of the switch)."""
        self._desk.lose(ids)
        self.offers.lose(ids)

    def close(self, timeout: "float" = CLOSE_TIMEOUT) -> "None":
        """Refuse what waits, interrupt what runs, and shut the services down; twice is fine.

        Waits up to `timeout` seconds for methods that run; most of it belongs to those that nobody
        waits for, which are interrupted last. Then calls `on_shutdown()` of each service, the last
        one first. Later calls are refused.
        """
        with self._lock:
            if self._is_closed:
                return
            self._is_closed = True
            invokers = list(self._invokers.items())
        limit = time.monotonic() + timeout
        text = "the services of this context were closed"
        self._desk.refuse_all(text, timeout * UNHEARD_SHARE)
        self._activations.end(Error("the pool was closed"))
        for threads in (self._threads, self._activators, self._attendant):
            threads.close(max(0.0, limit - time.monotonic()))
        for name, invoker in reversed(invokers):
            self.dismiss(name, invoker.service)
        self._runner.reports.close()

    def __enter__(self) -> "Pool":
        return self

    def __exit__(
        self,
        kind: "Optional[Type[BaseException]]",
        error: "Optional[BaseException]",
        traceback: "Optional[TracebackType]",
    ) -> "None":
        self.close()


def _check_options(router: "Any", services: "Any", size: "int", activator: "Any") -> "None":
    if not hasattr(router, "switch"):
        raise TypeError("Pool: wanted is a Router, got %r" % (router,))
    if isinstance(services, (str, type, Service)):
        raise TypeError(
            "services=%r: wanted are several: write services=(...,) or a list" % (services,)
        )
    if activator is not None and not isinstance(activator, Activator):
        raise TypeError("activator=%r: wanted is an Activator" % (activator,))
    _check_size(size)
    if router.pool is not None and not router.pool.is_closed:
        raise Error("this router has a pool already: add() services to that, or close() it")


def _check_size(size: "int") -> "None":
    if type(size) is not int or size < 1:
        raise ValueError("size=%r: wanted is a number of threads, at least 1" % (size,))
