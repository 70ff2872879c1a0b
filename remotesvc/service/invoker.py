"""Invokers: when the calls of one service run, and on how many threads.

A call goes through `admit()` on the thread that reads, which never blocks, then through `serve()`
on a thread of the pool: it is checked there, run, and answered. Own invokers override `invoke()`
to do something around each call, or `schedule()` to say when.
"""

import threading
from collections import deque

from ..core.dead import bury
from ..core.values import encode
from ..core.wire import DEAD, PLAIN
from .admission import may_share
from .waits import those_who_wait_for

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Deque, Dict, Iterable, List, Optional, Tuple

    from .base import Service
    from .call import Call
    from .expose import Method
    from .pool import Pool

    Outcome = Tuple[int, bytes]
    Key = Tuple[str, bytes]

__all__ = ["DeduplicatingInvoker", "Invoker", "SerializedInvoker"]

# Results that one DeduplicatingInvoker keeps: who may call may choose the arguments.
OUTCOMES_LIMIT = 1024
OUTCOMES_BYTES = 64 * 1024 * 1024


class Invoker:
    """Runs each call as soon as a thread of the pool is free, several at once."""

    # Whether a method that calls its own service would wait for itself.
    is_serial = False
    # Whether what one call comes to is told to others.
    is_shared = False

    def __init__(self, service: "Service", pool: "Pool") -> "None":
        self.service = service
        self.pool = pool
        # What introspection shows; counted without a lock, so about.
        self.calls = 0
        self.errors = 0
        self.waiting = 0

    def admit(self, call: "Call") -> "None":
        """Take a call; never blocks."""
        self.waiting += 1
        try:
            self.schedule(self.serve, call)
        except BaseException as error:  # noqa: BLE001 user code, or no thread could be started
            self.waiting -= 1
            self._fail(call, error)

    def schedule(self, job: "Callable[..., None]", *args: "Any") -> "None":
        """Have the pool run job(*args) when this service may."""
        self.pool.defer(job, *args)

    def serve(self, call: "Call") -> "None":
        """Check, run and answer a call (on a thread of the pool)."""
        self.waiting -= 1
        try:
            # After the pool was closed the service is shut down: what waited does not run.
            method = None if self.pool.is_closed else self.pool.check(self, call)
            if method is not None:
                self.calls += 1
                self.run(method, call)
        except BaseException as error:  # noqa: BLE001 an invoker of the user's
            self._fail(call, error)
        finally:
            if call.is_running:
                call.is_running = False
                call.release()

    def _fail(self, call: "Call", error: "BaseException") -> "None":
        """Answer a call that did not come to run, or whose outcome was lost."""
        self.errors += 1
        call.answer(*self.pool.fail(call, error))

    def run(self, method: "Method", call: "Call") -> "None":
        """Run and answer a call that was checked."""
        call.answer(*self.outcome(method, call))

    def outcome(self, method: "Method", call: "Call") -> "Outcome":
        """Run a method; return what to answer, whatever happened in it."""
        outcome = self.pool.execute(method, call, self.invoke)
        if call.has_failed or outcome[0] == DEAD:
            self.errors += 1
        return outcome

    def invoke(self, method: "Method", call: "Call") -> "Any":
        """Return what the method returns, or raise what it raises."""
        return method.function(self.service, **call.kwargs)

    def cancel(self, call: "Call") -> "Optional[Call]":
        """Return the call whose method may be interrupted, now that this one was cancelled."""
        return call


class SerializedInvoker(Invoker):
    """Runs one call at a time, in order; borrows one thread while calls are pending."""

    is_serial = True

    def __init__(self, service: "Service", pool: "Pool") -> "None":
        Invoker.__init__(self, service, pool)
        self._queue: "Deque[Tuple[Callable[..., None], Tuple[Any, ...]]]" = deque()
        self._is_busy = False
        self._lock = threading.Lock()

    def schedule(self, job: "Callable[..., None]", *args: "Any") -> "None":
        """Run job(*args) after all that was scheduled before it."""
        with self._lock:
            self._queue.append((job, args))
            if self._is_busy:
                return
            self._is_busy = True
        self.pool.defer(self._drain)

    def _drain(self) -> "None":
        while True:
            with self._lock:
                if not self._queue:
                    self._is_busy = False
                    return
                job, args = self._queue.popleft()
            try:
                job(*args)
            except BaseException:
                self.pool.defer(self._drain)  # what waits behind it has its turn all the same
                raise
            if self.pool.is_crowded:
                self.pool.defer(self._drain)
                return


class DeduplicatingInvoker(Invoker):
    """Runs once for each method and arguments; the result is kept, and told to all who ask.

    Who asks while it runs waits, and takes no thread. A failure is told to them, and not kept.
    Arguments of more than 64 KiB are compared with no others: such a call runs by itself.
    """

    is_shared = True

    def __init__(self, service: "Service", pool: "Pool") -> "None":
        Invoker.__init__(self, service, pool)
        self._outcomes: "Dict[Key, Outcome]" = {}
        self._size = 0
        self._pending: "Dict[Key, List[Call]]" = {}
        self._lock = threading.Lock()

    def run(self, method: "Method", call: "Call") -> "None":
        """Answer from what is kept, wait with others, or run."""
        if not may_share(call.size):
            call.company = [call]
            self._run(method, call, (method.name, b""))
            return
        arguments = {k: v for k, v in call.kwargs.items() if k != method.call_parameter}
        key = method.name, self.pool.router.streams.collect(_canonical, arguments)[0]
        first: "Optional[Call]" = None
        with self._lock:
            outcome = self._outcomes.get(key)
            if outcome is None:
                call.company = self._pending.setdefault(key, [])
                call.company.append(call)
                first = call.company[0]
        if first is call:
            self._run(method, call, key)
            return
        call.kwargs = {}  # it only waits
        if outcome is not None:
            call.answer(*outcome)
        elif any(one is first for one in those_who_wait_for(call)):
            text = "%s calls itself with the same arguments, and would wait for itself"
            call.answer(DEAD, bury("pool", text % call.name))

    def _run(self, method: "Method", call: "Call", key: "Key") -> "None":
        outcome = self.outcome(method, call)
        company, error = call.company, call.error
        with self._lock:
            if self._pending.get(key) is company:
                # Else it was forgotten meanwhile: it is told, and not kept.
                del self._pending[key]
                if not (call.has_failed or call.cancelled):
                    self._keep(key, outcome)
            told = list(company)
            company.clear()
        for one in told:
            is_own = one is call or error is None
            one.answer(*(outcome if is_own else self.pool.fail(one, error)))  # type: ignore[arg-type]
        call.error = None

    def _keep(self, key: "Key", outcome: "Outcome") -> "None":
        if outcome[0] != PLAIN or len(outcome[1]) > OUTCOMES_BYTES:
            return
        self._outcomes[key] = outcome
        self._size += len(key[1]) + len(outcome[1])
        while len(self._outcomes) > OUTCOMES_LIMIT or self._size > OUTCOMES_BYTES:
            self._drop(next(iter(self._outcomes)))

    def _drop(self, key: "Key") -> "None":
        outcome = self._outcomes.pop(key)
        self._size -= len(key[1]) + len(outcome[1])

    def forget(self, method: "Optional[str]" = None, **kwargs: "Any") -> "None":
        """Forget all results, those of one method, or that of one method and its arguments."""
        wanted = _canonical(kwargs) if kwargs else None
        with self._lock:
            for table in (self._outcomes, self._pending):
                for key in list(table):
                    if method in (None, key[0]) and wanted in (None, key[1]):
                        self._drop(key) if table is self._outcomes else self._pending.pop(key)

    def cancel(self, call: "Call") -> "Optional[Call]":
        """Let a run go on while somebody waits for it; who asks after that has it run anew."""
        with self._lock:
            company = call.company
            if not company or not all(one.is_dropped for one in company):
                return None
            for key in [key for key, other in self._pending.items() if other is company]:
                del self._pending[key]
            return company[0]


def _canonical(value: "Any") -> "bytes":
    """Return the same bytes for arguments that are equal, however their dicts are ordered."""
    if isinstance(value, dict):
        parts = sorted(_canonical(key) + _canonical(member) for key, member in value.items())
        return _join(b"d", parts)
    if isinstance(value, (set, frozenset)):
        return _join(b"s", sorted(map(_canonical, value)))
    if isinstance(value, (list, tuple)):
        return _join(b"l" if isinstance(value, list) else b"t", map(_canonical, value))
    return encode(value)


def _join(kind: "bytes", parts: "Iterable[bytes]") -> "bytes":
    return kind + b"".join(b"%d:%s" % (len(part), part) for part in parts) + b";"
