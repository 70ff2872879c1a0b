"""Verbs: the ways to call a function in a context, under one set of options.

A call is given up in one way only, whoever does it: its handle is returned, so that a late reply
is dropped, and the child is told, so that the function ends. Whoever takes the handle back decides
the outcome, so there is exactly one.
"""

import time

from .authority import CALL_FUNCTION
from .errors import CallTimeout, DisconnectedError, MessageTooLarge, RefusedError
from .pending import Pending
from .seconds import check_seconds
from .secret import Secret

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Optional, Tuple, TypeVar

    from .context import Context
    from .futures import ReplyFuture
    from .link import Link
    from .wire import Message

    T = TypeVar("T")

__all__ = ["Verbs"]

# How a pickle names the class of a Secret.
SECRET_IN_PICKLE = b"remotesvc.core.secret"

# What the child would ask for, to make one.
SECRET_MODULES = ("remotesvc.core.secret",)

RESULTS = (None, "plain", "pickle")


class Verbs:
    """The calls of one context under one set of options.

    The function's own keywords may be called anything, `fn` too: hence the mangled parameter
    (Python 3.6 has no positional-only ones).
    """

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

    def call(self, __fn: "Callable[..., T]", *args: "Any", **kwargs: "Any") -> "T":
        """Run `fn(*args, **kwargs)` over there and return what it returns.

        Arguments and result are plain values (docs/protocol.md). Raises RemoteError, which is
        also the builtin exception that `fn` raised; CallTimeout; DisconnectedError or the
        ConnectError that kept the context from starting; ValueNotSupported before anything is
        sent. After a timeout, and after any exception in the thread that waits (Ctrl-C), the
        call is cancelled.
        """
        context = self._context
        router = context.router
        router.check_may_block()
        pending = Pending(context.id)
        handle = router.switch.listen(pending)
        timeout = self._timeout
        link: "Optional[Link]" = None
        try:
            link = self._send(__fn, args, kwargs, handle)
            if link is not None:
                timeout = _wait_for_room(link, timeout)
            message = pending.wait(timeout)
        except BaseException as error:  # noqa: BLE001  Ctrl-C gives the call up, too
            message = self._end(pending, handle, __fn, error, link is not None)
        router.settle_output(context.id)
        return self._open(message)  # type: ignore[no-any-return]

    def submit(self, __fn: "Callable[..., T]", *args: "Any", **kwargs: "Any") -> "ReplyFuture":
        """Send the call and return its future; calls of one context run in order."""
        from .futures import ReplyFuture

        context = self._context
        router = context.router
        switch = router.switch

        def open_reply(message: "Message") -> "Any":
            router.settle_output(context.id)
            return self._open(message)

        def give_up(error: "Exception", is_hard: "bool") -> "None":
            switch.unlisten(handle)
            self._give_up(handle, __fn, error, is_hard)

        future = ReplyFuture(context.id, open_reply, router.defer, give_up)
        handle = switch.listen(future)
        try:
            link = future.link = self._send(__fn, args, kwargs, handle, may_wait=True)
        except BaseException as error:
            if switch.unlisten(handle) is not None and not isinstance(error, Exception):
                self._give_up(handle, __fn, error)  # interrupted: it may have been sent
            raise
        if self._timeout is not None:
            self._limit(future, __fn, self._timeout)
        if link is not None and not router.loop.is_current():
            link.wait_for_room(self._timeout)
        return future

    def call_no_reply(self, __fn: "Callable[..., Any]", *args: "Any", **kwargs: "Any") -> "None":
        """Send the call and forget it; a failure over there is not told.

        After the timeout it is cancelled, as the others are.
        """
        if self._timeout is not None:
            self.submit(__fn, *args, **kwargs)
            return
        link = self._send(__fn, args, kwargs)
        if link is not None and not self._context.router.loop.is_current():
            link.wait_for_room(self._timeout)

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
        try:
            if not context.is_ready and _holds_secret((args, kwargs)):
                context.wait_until_ready()  # a forced command never gets a Secret
                context.router.outgoing.push(context.id, SECRET_MODULES)
            switch = context.router.switch
            encoding, payload = context.router.outgoing.encode_call(
                context, fn, args, kwargs, options or self._options
            )
            if not context.is_ready and SECRET_IN_PICKLE in payload:
                context.wait_until_ready()
            if may_wait:
                way = switch.routes.get(context.id)
                may_wait = way is not None and way.unanswered > 0
            link = switch.send(
                context.id, CALL_FUNCTION, encoding, payload, reply_to, None, may_wait
            )
        except MessageTooLarge as error:
            text = "%s on %s: %s" % (name_of_call(fn), context.name, error)
            raise MessageTooLarge(text) from None
        except (DisconnectedError, RefusedError):
            # There is no route any more, and what has none is not ours to call.
            context.raise_if_lost()
            raise
        if self._holds_gil and link is not None:
            link.excuse(self._holds_gil)
        return link

    # -- on the way back -------------------------------------------------------------------------

    def _open(self, message: "Message") -> "Any":
        """Return the value of a reply, or raise what it stands for."""
        return self._context.open_reply(message, "results" in self._options)

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

    def _limit(self, future: "ReplyFuture", fn: "Any", timeout: "float") -> "None":
        error = self._timed_out(fn)
        timer = self._context.router.loop.call_later(timeout, lambda: future.give_up(error))
        # The plain callback, not the deferred one: it only cancels a timer.
        super(type(future), future).add_done_callback(lambda _: timer.cancel())

    def _timed_out(self, fn: "Any") -> "CallTimeout":
        what = (name_of_call(fn), self._context.name, self._timeout or 0)
        return CallTimeout("%s on %s timed out after %g s" % what)


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


def _wait_for_room(link: "Link", timeout: "Optional[float]") -> "Optional[float]":
    """Wait until a link has room; return what is left of the timeout."""
    if timeout is None:
        link.wait_for_room()
        return None
    began = time.monotonic()
    link.wait_for_room(timeout)
    return timeout - (time.monotonic() - began)


def _holds_secret(value: "Any") -> "bool":
    """Tell whether a plain value has a Secret in it; of dicts the values are looked at."""
    if isinstance(value, dict):
        return any(map(_holds_secret, value.values()))
    if isinstance(value, (list, tuple, set, frozenset)):
        return any(map(_holds_secret, value))
    return isinstance(value, Secret)
