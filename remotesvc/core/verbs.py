"""Verbs: the ways to call a function in a context, under one set of options.

A call is given up in one way only, whoever does it: its handle is returned, so that a late reply
is dropped, and the child is told, so that the function ends. Whoever takes the handle back decides
the outcome, so there is exactly one.
"""

import functools
import importlib
import time

from .authority import CALL_FUNCTION
from .errors import (
    CallTimeout,
    DisconnectedError,
    MessageTooLarge,
    RefusedError,
    ValueNotSupported,
)
from .pending import Pending
from .seconds import check_seconds
from .secret import Secret

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, List, NoReturn, Optional, Tuple, Type, TypeVar, Union

    from .context import Context
    from .futures import ReplyFuture
    from .link import Link
    from .wire import Message

    T = TypeVar("T")
    Service = Union[str, Type[Any]]

__all__ = ["Verbs"]

# How a pickle names the class of a Secret.
SECRET_IN_PICKLE = b"remotesvc.core.secret"

# What the child would ask for, to make one.
SECRET_MODULES = ("remotesvc.core.secret",)

RESULTS = (None, "plain", "pickle")


class Verbs:
    """The calls of one context under one set of options.

    The function's own keywords may be called anything, `self` and `fn` too: hence the mangled
    parameters (Python 3.6 has no positional-only ones; type checkers take these for such).
    """

    # What its calls are addressed to.
    handle = CALL_FUNCTION

    def __init__(
        self,
        context: "Context",
        timeout: "Optional[float]" = None,
        results: "Optional[str]" = None,
        holds_gil: "Optional[float]" = None,
    ) -> "None":
        self._context = context
        self._timeout = check_seconds("timeout", timeout)
        self._holds_gil = holds_gil
        self._options = _call_options(context, results, holds_gil)
        self._service_verbs: "Any" = None

    def call(__self, __fn: "Callable[..., T]", *args: "Any", **kwargs: "Any") -> "T":
        """Run `fn(*args, **kwargs)` over there and return what it returns.

        Arguments and result are plain values (docs/protocol.md). Raises RemoteError, which is
        also the builtin exception that `fn` raised; CallTimeout; DisconnectedError or the
        ConnectError that kept the context from starting; ValueNotSupported before anything is
        sent. After a timeout, and after any exception in the thread that waits (Ctrl-C), the
        call is cancelled.
        """
        context = __self._context
        router = context.router
        router.check_may_block()
        pending = router.pending(context.id)
        handle = router.switch.listen(pending)
        limit = __self._limit()
        link: "Optional[Link]" = None
        try:
            link = __self._send(__fn, args, kwargs, handle)
            if link is not None:
                link.wait_for_room(_left(limit))
            message = router.wait(pending, _left(limit))
        except BaseException as error:  # noqa: BLE001  Ctrl-C gives the call up, too
            message = __self._end(pending, handle, __fn, error, link is not None)
        router.settle_output(context.id)
        return __self._open(message)  # type: ignore[no-any-return]

    def submit(__self, __fn: "Callable[..., T]", *args: "Any", **kwargs: "Any") -> "ReplyFuture":
        """Send the call and return its future; calls of one context run in order."""
        context = __self._context
        router = context.router
        switch = router.switch
        future = _future_class()(
            context.id, __fn, __self._settle_and_open, router.defer, __self._withdraw
        )
        handle = future.handle = switch.listen(future)
        limit = __self._limit()
        try:
            link = future.link = __self._send(__fn, args, kwargs, handle, may_wait=True)
        except BaseException as error:
            if switch.unlisten(handle) is not None and not isinstance(error, Exception):
                __self._give_up(handle, __fn, error)  # interrupted: it may have been sent
            raise
        if limit is not None:
            __self._end_at(limit, future, __fn)
        if link is not None and not router.loop.is_current():
            link.wait_for_room(_left(limit))
        return future

    def call_no_reply(__self, __fn: "Callable[..., Any]", *args: "Any", **kwargs: "Any") -> "None":
        """Send the call and forget it; a failure over there is not told.

        After the timeout it is cancelled, as the others are.
        """
        if __self._timeout is not None:
            __self.submit(__fn, *args, **kwargs)
            return
        link = __self._send(__fn, args, kwargs)
        if link is not None and not __self._context.router.loop.is_current():
            link.wait_for_room(__self._timeout)

    # -- services --------------------------------------------------------------------------------

    # Without its method, and with arguments that have no name, a call raises what is to be done.

    def call_service(
        __self,
        __service: "Service",
        __method: "str" = "",
        *__nameless: "NoReturn",
        **kwargs: "Any",
    ) -> "Any":
        """Call a method of a service over there, a class or its name, and return what it returns.

        In a child of ours the service is activated by its first call; elsewhere it must be
        active, and its policies decide. Arguments, errors, timeout and cancellation are those of
        `call()`, but arguments are plain values only; a method that yields gives an iterator.
        Raises PoolExhausted where it could only wait for itself.
        """
        verbs = __self._services()
        return verbs.call(verbs.name(__service, __method, __nameless), **kwargs)

    def submit_service(
        __self,
        __service: "Service",
        __method: "str" = "",
        *__nameless: "NoReturn",
        **kwargs: "Any",
    ) -> "ReplyFuture":
        """Send the call of a service and return its future; such calls run side by side."""
        verbs = __self._services()
        return verbs.submit(verbs.name(__service, __method, __nameless), **kwargs)  # type: ignore[no-any-return]

    def call_service_no_reply(
        __self,
        __service: "Service",
        __method: "str" = "",
        *__nameless: "NoReturn",
        **kwargs: "Any",
    ) -> "None":
        """Send the call of a service and forget it; a failure is logged over there."""
        verbs = __self._services()
        verbs.call_no_reply(verbs.name(__service, __method, __nameless), **kwargs)

    def service(self, cls: "Type[T]") -> "T":
        """Return a proxy: the exposed methods of a service class, to be called over there.

        A name that is not exposed, and arguments that do not fit, fail before anything is sent.
        """
        return self._services().proxy(cls)  # type: ignore[no-any-return]

    def activate(self, service: "Service") -> "None":
        """Have a service activated over there without calling it; RefusedError from a child."""
        self.submit_activation(service).result()

    def submit_activation(self, service: "Service") -> "ReplyFuture":
        """Send the request for that, and return its future."""
        return self._services().ask(service)  # type: ignore[no-any-return]

    def services(self) -> "List[Dict[str, Any]]":
        """Return what is known of each service that is active over there, sorted by name.

        Dicts with name, invoker, calls, errors, waiting and methods; of each method name,
        arguments (name, type, default), policies, is_stream, is_no_reply and doc. Parents only.
        """
        return self._services().catalog()  # type: ignore[no-any-return]

    def _services(self) -> "Any":
        """Return the same options for calls of services."""
        if self._service_verbs is None:
            # By name: services stand on a floor above.
            found = importlib.import_module("remotesvc.service.verbs")
            self._service_verbs = found.ServiceVerbs(self._context, self._timeout)
        return self._service_verbs

    # -- on the way there ------------------------------------------------------------------------

    def _send(
        self,
        fn: "Any",
        args: "Tuple[Any, ...]",
        kwargs: "Dict[str, Any]",
        reply_to: "int" = 0,
        options: "Optional[Dict[str, Any]]" = None,
        may_wait: "bool" = False,
    ) -> "Optional[Link]":
        """Encode and send a call; to a lost context, raise what ended it."""
        context = self._context
        context.check_connected()
        if self._timeout is not None and self._timeout <= 0:
            raise self._timed_out(fn)
        payload = b""
        try:
            is_ready = context.is_ready
            if not is_ready and _holds_secret((args, kwargs)):
                self._wait_until_ready(fn)  # a forced command never gets a Secret
                context.router.outgoing.push(context.id, SECRET_MODULES)
            switch = context.router.switch
            encoding, payload = self._encode(fn, args, kwargs, options or self._options)
            if not is_ready and SECRET_IN_PICKLE in payload:
                self._wait_until_ready(fn)
            if may_wait:
                way = switch.routes.get(context.id)
                may_wait = way is not None and way.unanswered > 0
            link = switch.send(
                context.id, self.handle, encoding, payload, reply_to, context.auth, may_wait
            )
        except MessageTooLarge as error:
            raise self._too_large(fn, len(payload), error) from None
        except (DisconnectedError, RefusedError):
            # There is no route any more, and what has none is not ours to call.
            context.raise_if_lost()
            raise
        if self._holds_gil:
            context.excuse(self._holds_gil)
        return link

    def _encode(
        self,
        fn: "Any",
        args: "Tuple[Any, ...]",
        kwargs: "Dict[str, Any]",
        options: "Dict[str, Any]",
    ) -> "Tuple[int, bytes]":
        """Return encoding and payload of a call, having sent ahead what it needs."""
        router = self._context.router
        outgoing = router.outgoing
        try:
            return outgoing.encode_call(self._context, fn, args, kwargs, options)
        except ValueNotSupported:
            if router.outgoing is outgoing:
                raise
        # The first reference among its arguments made the router one that notes them.
        return router.outgoing.encode_call(self._context, fn, args, kwargs, options)

    # -- on the way back -------------------------------------------------------------------------

    def _open(self, message: "Message") -> "Any":
        """Return the value of a reply, or raise what it stands for."""
        return self._context.open_reply(message, "results" in self._options)

    def _settle_and_open(self, message: "Message") -> "Any":
        self._context.router.settle_output(self._context.id)
        return self._open(message)

    def _withdraw(self, future: "ReplyFuture", error: "Exception", is_hard: "bool") -> "None":
        """Give a submitted call up."""
        self._context.router.switch.unlisten(future.handle)
        self._give_up(future.handle, future.fn, error, is_hard)

    def _end(
        self, pending: "Pending", handle: "int", fn: "Any", error: "BaseException", is_sent: "bool"
    ) -> "Message":
        """End a call that was not waited for to its end: raise, or return a reply just come."""
        waiter = self._context.router.switch.unlisten(handle)
        is_timeout = is_sent and isinstance(error, CallTimeout)
        if is_timeout and waiter is None:
            return pending.wait(None)
        if is_timeout:
            error = self._timed_out(fn)
            error.__suppress_context__ = True
        if waiter is not None and (is_sent or not isinstance(error, Exception)):
            self._give_up(handle, fn, error)
        raise error

    def _give_up(
        self, handle: "int", fn: "Any", error: "BaseException", is_hard: "bool" = False
    ) -> "None":
        """Tell the child that nobody waits for a call any more; never blocks."""
        self._context.cancel(handle, name_of_call(fn), is_hard)

    def _limit(self) -> "Optional[float]":
        """Return when a call that begins now has to be over, None for never."""
        return None if self._timeout is None else time.monotonic() + self._timeout

    def _wait_until_ready(self, fn: "Any") -> "None":
        """Wait for HELLO, within the time that a call has."""
        try:
            self._context.wait_until_ready(self._timeout)
        except CallTimeout:
            raise self._timed_out(fn) from None

    def _end_at(self, limit: "float", future: "ReplyFuture", fn: "Any") -> "None":
        error = self._timed_out(fn)
        seconds = max(0.0, limit - time.monotonic())
        timer = self._context.router.loop.call_later(seconds, lambda: future.give_up(error))
        # The plain callback, not the deferred one: it only cancels a timer.
        super(type(future), future).add_done_callback(lambda _: timer.cancel())

    def _too_large(self, fn: "Any", size: "int", error: "MessageTooLarge") -> "MessageTooLarge":
        """Say of a call, or of what had to go before it, that it is too large to be sent."""
        text = str(error)
        if size:
            limit = self._context.router.switch.max_message_size
            text = (
                "the call takes %d bytes, at most %d may be sent: split its arguments, send them "
                "through a Sender, or give Router() a larger max_message_size" % (size, limit)
            )
        return MessageTooLarge("%s on %s: %s" % (name_of_call(fn), self._context.name, text))

    def _timed_out(self, fn: "Any") -> "CallTimeout":
        what = (name_of_call(fn), self._context.name, self._timeout or 0)
        return CallTimeout("%s on %s timed out after %g s" % what)


@functools.lru_cache(maxsize=1)
def _future_class() -> "Type[ReplyFuture]":
    """Return what is imported by the first submit(), and costs each later one no import."""
    from .futures import ReplyFuture

    return ReplyFuture


def name_of_call(fn: "Any") -> "str":
    """Return what to call a function in messages to the user."""
    return getattr(fn, "__qualname__", None) or getattr(fn, "qualname", None) or repr(fn)


def _call_options(
    context: "Context", results: "Optional[str]", holds_gil: "Optional[float]"
) -> "Dict[str, Any]":
    """Return what a call tells the child beside itself; refuse what it may not ask for."""
    if results not in RESULTS:
        raise ValueError("results=%r: it is 'plain' or 'pickle'" % (results,))
    options: "Dict[str, Any]" = {}
    if results != "plain" and context.takes_pickle:
        options["results"] = "pickle"
    elif results == "pickle":
        raise RefusedError(
            "%s does not take pickled results: open it with results='pickle', if you trust it"
            % context.name
        )
    if holds_gil:
        options["holds_gil"] = float(holds_gil)
    return options


def _left(limit: "Optional[float]") -> "Optional[float]":
    """Return the seconds that are left until then."""
    return None if limit is None else max(0.0, limit - time.monotonic())


def _holds_secret(value: "Any") -> "bool":
    """Tell whether a plain value has a Secret in it; of dicts the values are looked at."""
    waiting, seen = [value], set()
    while waiting:
        one = waiting.pop()
        if isinstance(one, Secret):
            return True
        # A value may contain itself: it goes as a pickle.
        if isinstance(one, (dict, list, tuple, set, frozenset)) and id(one) not in seen:
            seen.add(id(one))
            waiting.extend(one.values() if isinstance(one, dict) else one)
    return False
