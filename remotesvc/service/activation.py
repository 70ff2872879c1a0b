"""Activations: the services that are being constructed, and who waits for each.

Each is constructed once, on one thread: one that was started for it, or the one that needs it and
comes first. What a constructor needs is constructed on its own thread if nobody has begun with it,
so those that wait for each other do not wait for a free thread. A ring of them is an error.
"""

import threading

from ..core.dead import bury
from ..core.errors import Error, RefusedError
from ..core.wire import DEAD
from .base import Service

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, List, Optional

    from .activator import Activator
    from .call import Call
    from .invoker import Invoker
    from .pool import Pool
    from .waits import Waiter

__all__ = ["Activation", "Activations"]


class Activation:
    """Calls, and threads of this context, that wait for the same outcome."""

    def __init__(self, service: "str", caller: "Optional[Waiter]" = None) -> "None":
        self.service = service
        self.calls: "List[Call]" = []
        # Whether a thread of this context wants it, whatever becomes of the calls.
        self.is_local = False
        # The thread that constructs it, 0 before that has begun.
        self.ident = 0
        # Who waits for it, and for how much it waits itself (for waits.py).
        self.caller = caller
        self.waits = 0
        self.invoker: "Optional[Invoker]" = None
        self.error: "Optional[BaseException]" = None
        self._done = threading.Event()

    @property
    def name(self) -> "str":
        """What to call it in messages to the user."""
        return "the constructor of %s" % self.service.rpartition(".")[2]

    @property
    def is_settled(self) -> "bool":
        """Whether its outcome is known."""
        return self._done.is_set()

    def settle(
        self, invoker: "Optional[Invoker]", error: "Optional[BaseException]" = None
    ) -> "None":
        """Note the outcome; threads that wait go on."""
        self.invoker, self.error = invoker, error
        self._done.set()

    def wait(self) -> "Invoker":
        """Return the invoker of the service; raise what kept it from becoming active."""
        self._done.wait()
        if self.invoker is None:
            raise self.error or RuntimeError("an activation without an outcome")
        return self.invoker


class Activations:
    """The table of them; `lock` guards it, and is that of the pool's services."""

    def __init__(
        self,
        pool: "Pool",
        activator: "Activator",
        put: "Callable[[str, Service], Invoker]",
        lock: "Any",
    ) -> "None":
        self._pool = pool
        self._activator = activator
        self._put = put
        self._lock = lock
        self._pending: "Dict[str, Activation]" = {}
        # What a thread waits for.
        self._waits: "Dict[int, Activation]" = {}

    def add(self, call: "Call") -> "Optional[Activation]":
        """Have a call wait (with the lock held); return the activation if it has to be begun."""
        activation = self._pending.get(call.service)
        is_first = activation is None
        if activation is None:
            activation = self._pending[call.service] = Activation(call.service, call.caller)
        activation.calls.append(call)
        return activation if is_first else None

    def are_queued(self, name: "str") -> "bool":
        """Tell whether calls wait to be let in, maybe into an active one (with the lock held)."""
        return name in self._pending

    def want(self, name: "str") -> "Activation":
        """Return the activation of a service for a thread of this context (with the lock held)."""
        activation = self._pending.get(name)
        if activation is None:
            activation = self._pending[name] = Activation(name, self._pool.waits.waiter())
        activation.is_local = True
        return activation

    def wait(self, activation: "Activation") -> "Invoker":
        """Return the invoker of a service, constructed here if nobody else does; or raise."""
        self.run(activation)
        ident = threading.get_ident()
        with self._lock:
            one: "Optional[Activation]" = activation
            # Of what has an outcome, those who waited are going on, and may not have said so yet.
            while one is not None and not one.is_settled:
                if one.ident == ident:
                    raise Error(
                        "service %s: its constructor waits for a service whose constructor waits "
                        "for it" % activation.service
                    )
                one = self._waits.get(one.ident)
            self._waits[ident] = activation
        try:
            return activation.wait()
        finally:
            with self._lock:
                del self._waits[ident]

    def run(self, activation: "Activation") -> "None":
        """Construct a service, unless another thread does, and let in who waits for it."""
        with self._lock:
            if activation.ident:
                return
            activation.ident = threading.get_ident()
        before = self._pool.waits.construct_as(activation)
        try:
            invoker, failure = self._construct(activation)
        finally:
            self._pool.waits.construct_as(before)
        if invoker is not None:
            activation.settle(invoker)
            self._let_in(activation, invoker)
            return
        with self._lock:
            self._pending.pop(activation.service, None)
        activation.settle(None, failure)
        for call in activation.calls:
            if isinstance(failure, RefusedError):
                call.answer(DEAD, bury("refused", str(failure)))
            else:
                call.answer(*self._pool.fail(call, failure))

    def _let_in(self, activation: "Activation", invoker: "Invoker") -> "None":
        """Hand over the calls that waited, and behind them those that come meanwhile."""
        while True:
            with self._lock:
                calls, activation.calls = activation.calls, []
                if not calls:
                    self._pending.pop(activation.service, None)
                    return
            for call in calls:
                call.invoker = invoker
                invoker.admit(call)

    def _construct(self, activation: "Activation") -> "Any":
        """Return the invoker and no error, or no invoker and the error."""
        name = activation.service
        try:
            self._weed(activation)
            service = self._activator.activate(self._pool, name)
            if not isinstance(service, Service):
                raise TypeError("service %s: the activator returned %r" % (name, service))
        except BaseException as error:  # noqa: BLE001 user code: told, and tried again next time
            return None, error
        try:
            return self._put(name, service), None
        except BaseException as error:  # noqa: BLE001 its invoker is user code, too
            self._pool.dismiss(name, service)
            return None, error

    def _weed(self, activation: "Activation") -> "None":
        """Answer the calls for which the activator does not do it; raise if none is left."""
        calls = activation.calls
        for call in list(calls):
            try:
                self._activator.check(activation.service, call)
            except RefusedError as error:
                if len(calls) == 1 and not activation.is_local:
                    raise
                calls.remove(call)
                call.answer(DEAD, bury("refused", str(error)))

    def end(self, error: "Exception") -> "None":
        """Tell the threads that wait that the pool is closed."""
        with self._lock:
            pending = list(self._pending.values())
        for activation in pending:
            if not activation.is_settled:
                activation.settle(None, error)
