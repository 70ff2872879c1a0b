"""Waits: whoever waits for a method of his own pool keeps a thread, and must not wait for himself.

A method waits with its call, a constructor with its activation: both know who called them
(`caller`), and count for what they wait now (`waits`). So the chain of those who wait for each
other is found before the wait begins that would close it to a ring.
"""

import threading

from ..core.errors import PoolExhausted
from .call import Call, running_call

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any, Iterator, Optional, Type, Union

    from .activation import Activation
    from .invoker import Invoker
    from .pool import Pool
    from .verbs import MethodName

    Waiter = Union[Call, Activation]

__all__ = ["Wait", "Waits", "those_who_wait_for"]


class Waits:
    """The waits of one pool; `size()` is the number of its threads."""

    def __init__(self, pool: "Pool") -> "None":
        self._pool = pool
        self._count = 0
        self._thread = threading.local()
        self._lock = threading.Lock()

    def waiter(self) -> "Optional[Waiter]":
        """Return the call of this pool that runs on this thread, or what is constructed on it."""
        call = running_call()
        if call is not None and call.invoker is not None and call.invoker.pool is self._pool:
            return call
        return getattr(self._thread, "activation", None)

    def construct_as(self, activation: "Optional[Activation]") -> "Optional[Activation]":
        """Note what is constructed on this thread; return what was, to be put back."""
        before: "Optional[Activation]" = getattr(self._thread, "activation", None)
        self._thread.activation = activation
        return before

    def begin(self, waiter: "Waiter", wanted: "MethodName") -> "None":
        """Note that somebody waits for a method; PoolExhausted if that is for himself."""
        invoker = self._pool.invokers().get(wanted.service)
        for one in those_who_wait_for(waiter):
            self._check(one, waiter, wanted, invoker)
        with self._lock:
            if type(waiter) is Call:
                if self._count + 1 >= self._pool.size:
                    raise PoolExhausted(
                        "%s calls %s, but no thread is left to run it: all %d of the pool wait "
                        "for such calls. Give the pool more, or call the method as a method"
                        % (waiter.name, wanted.qualname, self._pool.size)
                    )
                self._count += 1
            waiter.waits += 1

    def _check(
        self, one: "Waiter", waiter: "Waiter", wanted: "MethodName", invoker: "Optional[Invoker]"
    ) -> "None":
        names = waiter.name, wanted.qualname, one.name
        if type(one) is Call:
            if one.invoker is invoker is not None and invoker.is_serial:
                raise PoolExhausted(
                    "%s calls %s, which waits until %s has ended: the service runs one call at a "
                    "time" % names
                )
        elif invoker is None and one.service == wanted.service:
            raise PoolExhausted("%s calls %s, which waits until %s has ended" % names)

    def end(self, waiter: "Waiter") -> "None":
        """Note that he waits no more."""
        with self._lock:
            waiter.waits -= 1
            if type(waiter) is Call:
                self._count -= 1


class Wait:
    """A context manager around a wait for a method of a pool, whoever it is that waits."""

    def __init__(self, pool: "Pool", wanted: "MethodName") -> "None":
        self._waits = pool.waits
        self._wanted = wanted
        self._waiter: "Optional[Waiter]" = None

    def __enter__(self) -> "Wait":
        waiter = self._waits.waiter()
        if waiter is not None:
            self._waits.begin(waiter, self._wanted)
            self._waiter = waiter
        return self

    def __exit__(
        self,
        kind: "Optional[Type[BaseException]]",
        error: "Optional[BaseException]",
        traceback: "Optional[TracebackType]",
    ) -> "None":
        self.end()

    def end(self) -> "None":
        """End it, on any thread; twice is fine."""
        waiter, self._waiter = self._waiter, None
        if waiter is not None:
            self._waits.end(waiter)


def those_who_wait_for(waiter: "Any") -> "Iterator[Waiter]":
    """Yield one who is going to wait, and who waits for him, and so on."""
    one: "Any" = waiter
    while one is not None:
        yield one
        one = one.caller
        if one is not None and not one.waits:
            return  # it called, and does not wait for the answer
