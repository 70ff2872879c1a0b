"""Runner: runs one method for one call: judged, checked, bounded by its end, and told.

What comes out is an outcome, encoding and payload, whatever the method does. A caller who is no
parent of this context is told what was raised, but not where: source lines and paths of this host
are not for strangers.
"""

import threading
import types

from ..core.dead import bury
from ..core.errors import Error, MessageTooLarge, ProtocolError, RefusedError, ValueNotSupported
from ..core.values import encode
from ..core.wire import DEAD, ERROR, PLAIN, RAW
from .call import run_as
from .expose import find_method, methods_of
from .interrupt import interrupt, unburden

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

__all__ = ["NOTHING", "Runner", "describe", "log"]

# The outcome of what returns nothing.
NOTHING = PLAIN, encode(None)


class Runner:
    """What the invokers of one pool have in common."""

    def __init__(self, router: "ServiceRouter", offers: "Offers", threads: "Threads") -> "None":
        self._router = router
        self._offers = offers
        self._threads = threads
        self._lock = threading.Lock()

    # -- before it runs --------------------------------------------------------------------------

    def check(self, invoker: "Invoker", call: "Call") -> "Optional[Method]":
        """Return the method of a call that may run; answer the others here."""
        try:
            method = self._judge(invoker, call)
        except Error as error:
            code = "protocol" if isinstance(error, ProtocolError) else "refused"
            call.answer(DEAD, bury(code, str(error)))
        except Exception as error:  # noqa: BLE001 arguments that do not fit
            call.answer(ERROR, describe(error, False))
        else:
            if method is None or method.is_no_reply:
                call.answer(*NOTHING)
            return method
        invoker.errors += 1
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
            if not _is_authorized(policy, invoker, call):
                raise RefusedError(
                    "%s is refused to context %d by its policy %s"
                    % (call.name, call.src, policy.describe())
                )
        method.arguments.check(call.kwargs)
        if method.call_parameter:
            call.kwargs[method.call_parameter] = call
        return method

    def _read_arguments(self, call: "Call") -> "Dict[str, Any]":
        kwargs = self._router.decode(call.payload, call.src, call.auth)
        call.payload = b""
        if type(kwargs) is not dict or not all(type(name) is str for name in kwargs):
            raise ProtocolError("the arguments of %s are no dict of names" % call.name)
        return kwargs

    # -- while it runs ---------------------------------------------------------------------------

    def execute(
        self, method: "Method", call: "Call", invoke: "Callable[[Method, Call], Any]"
    ) -> "Outcome":
        """Run a method on this thread; return its outcome, whatever it does."""
        before = run_as(call)
        call.ident = threading.get_ident()
        try:
            try:
                return self._pack(call, invoke(method, call))
            finally:
                self._release(call)
        except BaseException as error:  # noqa: BLE001 sys.exit() ends the call, not the thread
            self._release(call)  # an interrupt may have come while the first one was at work
            return self._failure(method, call, error)
        finally:
            run_as(before)

    def interrupt(self, call: "Call") -> "None":
        """Raise KeyboardInterrupt in the method of a call, if it still runs."""
        with self._lock:
            # Once: also if this pool is closed after a cancel, `finally` blocks run on.
            if call.ident and not call.is_interrupted:
                call.is_interrupted = interrupt(call.ident)

    def give_up(self, call: "Call") -> "None":
        """Replace the thread of a call that was cancelled some time ago and does not end."""
        with self._lock:
            is_stuck = call.ident != 0 and self._threads.give_up_one()
            call.is_given_up = is_stuck
        if is_stuck:
            log().warning("%s was cancelled and does not end; its thread is replaced", call.name)

    def _release(self, call: "Call") -> "None":
        with self._lock:
            ident, call.ident = call.ident, 0
            if ident and call.is_interrupted:
                unburden(ident)
            if ident and call.is_given_up:
                self._threads.take_back_one()

    # -- what comes of it ------------------------------------------------------------------------

    def _pack(self, call: "Call", result: "Any") -> "Outcome":
        if type(result) is types.GeneratorType:
            return self._offer(call, result)
        if not call.is_awaited:
            return NOTHING
        streams = self._router.streams
        try:
            payload, lent = streams.collect(encode, result, "result")
        except ValueNotSupported as error:
            if type(result).__name__ == "coroutine":
                result.close()  # or Python warns, at any later moment, that nobody awaited it
            return DEAD, bury("value", "%s: %s" % (call.name, error))
        streams.expect(lent, call.src)
        return PLAIN, payload

    def _offer(self, call: "Call", generator: "Any") -> "Outcome":
        if not call.is_awaited:
            generator.close()
            return NOTHING
        if call.invoker is not None and not call.invoker.can_stream:
            generator.close()
            text = "%s: a %s cannot answer with a stream" % (
                call.name,
                type(call.invoker).__name__,
            )
            return DEAD, bury("value", text)
        return RAW, self._offers.add(call, generator)

    def _failure(self, method: "Method", call: "Call", error: "BaseException") -> "Outcome":
        if method.is_no_reply or not call.is_awaited:
            if not call.cancelled:
                log().error("%s failed, and nobody waits for it", call.name, exc_info=error)
            return NOTHING
        if isinstance(error, (MessageTooLarge, RefusedError)) and error.__traceback__ is None:
            return DEAD, bury("refused", str(error))
        if not call.is_commanded:
            log().info("%s failed for context %d", call.name, call.src, exc_info=error)
        return ERROR, describe(error, call.is_commanded)


def describe(error: "BaseException", is_full: "bool") -> "bytes":
    """Return the payload that tells of an exception: all of it, or only what was raised."""
    from ..core import capture

    try:
        return capture.capture(error) if is_full else capture.capture_briefly(error)
    except BaseException as failure:  # noqa: BLE001 no memory, or user code broke the importer
        name = type(error).__name__
        text = "(describing it failed: %s)" % type(failure).__name__
        return encode((name, (), text, None, (), (), "", None, None, ()))


def log() -> "Any":
    """Return the logger of services, imported when there is something to be told."""
    import logging

    return logging.getLogger("remotesvc.service")


def _is_authorized(policy: "Any", invoker: "Invoker", call: "Call") -> "bool":
    """Ask a policy; one that raises does not authorize."""
    try:
        return policy.is_authorized(invoker.service, call) is True
    except Exception:  # noqa: BLE001 user code
        log().exception("policy %s of %s raised: refused", type(policy).__name__, call.name)
        return False
