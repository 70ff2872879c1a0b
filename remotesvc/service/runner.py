"""Runner: runs one method for one call: judged, checked, bounded by its end, and told.

What comes out is an outcome, encoding and payload, whatever the method does. A caller who is no
parent of this context is told what was raised, but not where: source lines and paths of this host
are not for strangers.
"""

import threading
import types

from ..core.dead import bury
from ..core.errors import Error, ProtocolError, RefusedError, ValueNotSupported
from ..core.values import encode
from ..core.visible import visible
from ..core.wire import DEAD, ERROR, PLAIN, RAW
from .call import run_as
from .expose import find_method, methods_of
from .interrupt import interrupt, unburden
from .offers import Undone
from .report import Reports, log

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Optional, Tuple

    from ..types import ServiceRouter
    from .call import Call
    from .expose import Method
    from .invoker import Invoker
    from .offers import Offers
    from .threads import Threads

    Outcome = Tuple[int, bytes]

__all__ = ["NOTHING", "Runner", "describe"]

# The outcome of what returns nothing.
NOTHING = PLAIN, encode(None)

# How the arguments of a call without any travel.
NO_ARGUMENTS = encode({})


class Runner:
    """What the invokers of one pool have in common."""

    def __init__(self, router: "ServiceRouter", offers: "Offers", threads: "Threads") -> "None":
        self._router = router
        self._offers = offers
        self._threads = threads
        self.reports = Reports()
        self._lock = threading.Lock()

    # -- before it runs --------------------------------------------------------------------------

    def check(self, invoker: "Invoker", call: "Call") -> "Optional[Method]":
        """Return the method of a call that may run; answer the others here."""
        if call.is_dropped:
            call.answer(*NOTHING)  # nobody waits for that
            return None
        try:
            method = self._judge(invoker, call)
        except Error as error:
            code = "protocol" if isinstance(error, ProtocolError) else "refused"
            outcome = DEAD, bury(code, str(error))
        except Exception as error:  # noqa: BLE001 arguments that do not fit
            outcome = ERROR, describe(error, False)
        else:
            if method is None or method.is_no_reply:
                call.is_running = method is not None
                call.answer(*NOTHING)
            return method
        invoker.errors += 1
        call.answer(*outcome)
        return None

    def _judge(self, invoker: "Invoker", call: "Call") -> "Optional[Method]":
        cls = type(invoker.service)
        if not call.method and call.is_commanded:
            return None  # it was to be activated, no more
        method = find_method(cls, call.method)
        if method is None:
            text = "%s exposes no method %r" % (call.service, call.method)
            if call.is_commanded:
                text += "; exposed are: %s" % (", ".join(sorted(methods_of(cls))) or "none")
            raise RefusedError(text)
        call.kwargs = self._read_arguments(call)
        for policy in method.policies:
            if not self._is_authorized(policy, invoker, call):
                raise RefusedError(
                    "%s is refused to context %d by its policy %s"
                    % (call.name, call.src, policy.describe())
                )
        method.arguments.check(call.kwargs)
        if method.call_parameter:
            call.kwargs[method.call_parameter] = call
        return method

    def _is_authorized(self, policy: "Any", invoker: "Invoker", call: "Call") -> "bool":
        """Ask a policy; one that raises does not authorize."""
        try:
            return policy.is_authorized(invoker.service, call) is True
        except BaseException as error:  # noqa: BLE001 user code
            kind = type(policy).__name__
            self._report(call, "error", "policy %s of %%s raised: refused" % kind, error)
            return False

    def _read_arguments(self, call: "Call") -> "Dict[str, Any]":
        payload, call.payload = call.payload, b""
        if payload == NO_ARGUMENTS:
            return {}
        kwargs = self._router.decode(payload, call.src, call.auth)
        if type(kwargs) is not dict or not all(type(name) is str for name in kwargs):
            raise ProtocolError("the arguments of %s are no dict of names" % call.name)
        return kwargs

    # -- while it runs ---------------------------------------------------------------------------

    def execute(
        self, method: "Method", call: "Call", invoke: "Callable[[Method, Call], Any]"
    ) -> "Outcome":
        """Run a method on this thread; return its outcome, whatever it does."""
        before = run_as(call)
        call.is_running = True
        try:
            try:
                self.lay_open(call)
                return self._pack(method, call, invoke(method, call))
            finally:
                self.shelter(call)
        except BaseException as error:  # noqa: BLE001 sys.exit() ends the call, not the thread
            self.shelter(call)  # an interrupt may have come while the first one was at work
            return self.fail(call, error, method.is_no_reply)
        finally:
            self._router.settle()
            run_as(before)
            call.is_running = False
            call.release()

    def lay_open(self, call: "Call") -> "None":
        """Let a cancel interrupt this thread from here on; KeyboardInterrupt if it was there."""
        call.ident = threading.get_ident()
        # In this order: who cancels notes that first, and then looks whether it runs.
        if call.is_dropped and (call.invoker is None or call.invoker.cancel(call) is call):
            call.cancel()
            raise KeyboardInterrupt("the call was cancelled")

    def shelter(self, call: "Call") -> "None":
        """Let no cancel interrupt this thread from here on; what was on its way is taken back."""
        with self._lock:
            ident, call.ident = call.ident, 0
            if ident and call.is_interrupted:
                unburden(ident)
            if call.is_given_up:
                call.is_given_up = False
                self._threads.take_back_one()

    def interrupt(self, call: "Call") -> "None":
        """Raise KeyboardInterrupt in the method of a call, if it still runs."""
        with self._lock:
            # Once: also if this pool is closed after a cancel, `finally` blocks run on.
            if call.ident and not call.is_interrupted:
                call.is_interrupted = interrupt(call.ident)

    def give_up(self, call: "Call") -> "None":
        """Replace the thread of a call that was cancelled some time ago and does not end."""
        with self._lock:
            if not call.ident or call.is_given_up:
                return
            call.is_given_up = True
            is_replaced = self._threads.give_up_one()
        becomes = "replaced" if is_replaced else "one of too many to replace"
        text = "%s was cancelled and does not end; its thread is %s"
        log().warning(text, visible(call.name), becomes)

    # -- what comes of it ------------------------------------------------------------------------

    def _pack(self, method: "Method", call: "Call", result: "Any") -> "Outcome":
        is_shared = call.invoker is not None and call.invoker.is_shared
        if type(result) is types.GeneratorType:
            return self._offer(method, call, result, is_shared)
        if method.is_no_reply or not (call.is_awaited or is_shared):
            _discard(result)
            return NOTHING
        return self.pack(call, result)

    def pack(self, call: "Call", result: "Any") -> "Outcome":
        """Return the outcome of a call that returned."""
        if result is None:
            return NOTHING  # what most methods return that do something
        is_shared = call.invoker is not None and call.invoker.is_shared
        streams = self._router.streams
        try:
            payload, lent = streams.collect(encode, result, "result")
        except ValueNotSupported as error:
            _discard(result)
            return DEAD, bury("value", "%s: %s" % (call.name, error))
        if is_shared and any(lent.values()):
            text = "%s: a %s cannot answer with a Sender" % (call.name, _kind_of(call))
            return DEAD, bury("value", text)
        streams.expect(lent, call.src)
        return PLAIN, payload

    def _offer(
        self, method: "Method", call: "Call", generator: "Any", is_shared: "bool"
    ) -> "Outcome":
        if is_shared:
            generator.close()
            text = "%s: a %s cannot answer with a stream" % (call.name, _kind_of(call))
            return DEAD, bury("value", text)
        if method.is_no_reply or not call.is_awaited:
            generator.close()
            return NOTHING
        payload = self._offers.add(call, generator)
        if call.is_dropped:
            self._offers.withdraw(call, payload)
        return RAW, payload

    def fail(self, call: "Call", error: "BaseException", is_no_reply: "bool" = False) -> "Outcome":
        """Return the outcome of a call that failed; log it if that is told to nobody."""
        call.has_failed = True
        if call.invoker is not None and call.invoker.is_shared:
            call.error = error
        if is_no_reply or not call.is_awaited:
            if not call.is_dropped:
                self._report(call, "error", "%s failed, and nobody waits for it", error)
            return NOTHING
        if isinstance(error, Undone):
            origin = call if call.origin is None else call.origin
            return DEAD, bury(error.code, "%s: %s" % (origin.name, error))
        if not call.is_commanded:
            self._report(call, "info", "%s failed", error)
        return ERROR, describe(error, call.is_commanded)

    def _report(self, call: "Call", level: "str", text: "str", error: "BaseException") -> "None":
        """Log a failure: those that a stranger brings about are counted."""
        text %= call.name
        if call.is_commanded:
            self.reports.show(level, text, error)
        else:
            self.reports.count(level, "%s (asked by context %d)" % (text, call.src), error)


def describe(error: "BaseException", is_full: "bool") -> "bytes":
    """Return the payload that tells of an exception: all of it, or only what was raised."""
    from ..core import capture

    try:
        return capture.capture(error) if is_full else capture.capture_briefly(error)
    except BaseException as failure:  # noqa: BLE001 no memory, or user code broke the importer
        name = type(error).__name__
        text = "(describing it failed: %s)" % type(failure).__name__
        return encode((name, (), text, None, (), (), "", None, None, ()))


def _discard(result: "Any") -> "None":
    """Drop a result that goes nowhere."""
    if type(result).__name__ == "coroutine":
        result.close()  # or Python warns, at any later moment, that nobody awaited it


def _kind_of(call: "Call") -> "str":
    return type(call.invoker).__name__
