"""Context: one interpreter in the tree, and the handle on it."""

import functools

from .authority import CALL_FUNCTION, SHUTDOWN
from .dead import exhume
from .errors import CallTimeout, DisconnectedError, ProtocolError, RefusedError, again
from .pending import Pending
from .rebuild import rebuild
from .secret import Secret
from .values import CONTEXT
from .wire import DEAD, ERROR, PICKLE, PLAIN, RAW

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, List, Optional, Tuple, TypeVar

    from ..bootstrap.settings import Info
    from ..types import Child, Home
    from .futures import ReplyFuture
    from .link import Link
    from .wire import Message

    T = TypeVar("T")

__all__ = ["Context", "Verbs"]

# How a pickle names the class of a Secret.
SECRET_IN_PICKLE = b"remotesvc.core.secret"


class Verbs:
    """The calls of one context under one set of options.

    The function's own keywords may be called anything, `fn` too: hence the mangled parameter
    (Python 3.6 has no positional-only ones).
    """

    def __init__(self, context: "Context", timeout: "Optional[float]" = None) -> "None":
        self._context = context
        self._timeout = timeout

    def call(self, __fn: "Callable[..., T]", *args: "Any", **kwargs: "Any") -> "T":
        """Run `fn(*args, **kwargs)` over there and return what it returns.

        Arguments and result are plain values (docs/protocol.md). Raises RemoteError, which is
        also the builtin exception that `fn` raised; CallTimeout; DisconnectedError or the
        ConnectError that kept the context from starting; ValueNotSupported before anything is
        sent.
        """
        context = self._context
        router = context.router
        router.check_may_block()
        pending = Pending(context.id)
        handle = router.switch.listen(pending)
        try:
            link = self._send(__fn, args, kwargs, handle)
            if link is not None:
                link.wait_for_room(self._timeout)
            message = pending.wait(self._timeout, "%s on %s" % (_name(__fn), context.name))
        except BaseException:
            router.switch.unlisten(handle)
            raise
        router.settle_output(context.id)
        return context.open_reply(message)  # type: ignore[no-any-return]

    def submit(self, __fn: "Callable[..., T]", *args: "Any", **kwargs: "Any") -> "ReplyFuture":
        """Send the call and return its future; calls of one context run in order."""
        from .futures import ReplyFuture

        context = self._context
        router = context.router
        switch = router.switch

        def open_reply(message: "Message") -> "Any":
            router.settle_output(context.id)
            return context.open_reply(message)

        future = ReplyFuture(context.id, open_reply, router.defer, lambda: switch.unlisten(handle))
        handle = switch.listen(future)
        try:
            link = self._send(__fn, args, kwargs, handle)
        except BaseException:
            switch.unlisten(handle)
            raise
        if link is not None and not router.loop.is_current():
            link.wait_for_room(self._timeout)
        if self._timeout is not None:
            self._limit(future, __fn, self._timeout)
        return future

    def call_no_reply(self, __fn: "Callable[..., Any]", *args: "Any", **kwargs: "Any") -> "None":
        """Send the call and forget it; a failure over there is not told."""
        link = self._send(__fn, args, kwargs)
        if link is not None and not self._context.router.loop.is_current():
            link.wait_for_room(self._timeout)

    def _send(
        self, __fn: "Any", args: "Tuple[Any, ...]", kwargs: "Dict[str, Any]", reply_to: "int" = 0
    ) -> "Optional[Link]":
        """Encode and send a call; to a lost context, raise what ended it."""
        context = self._context
        try:
            encoding, payload = self._encode(__fn, args, kwargs)
            return context.router.switch.send(
                context.id, CALL_FUNCTION, encoding, payload, reply_to
            )
        except (DisconnectedError, RefusedError):
            # There is no route any more, and what has none is not ours to call.
            context.raise_if_lost()
            raise

    def _encode(
        self, fn: "Any", args: "Tuple[Any, ...]", kwargs: "Dict[str, Any]"
    ) -> "Tuple[int, bytes]":
        """Encode a call. One with a Secret waits for HELLO: a forced command never gets it."""
        context = self._context
        context.check_connected()
        if not context.is_ready and _holds_secret((args, kwargs)):
            context.wait_until_ready()
        encoding, payload = context.router.outgoing.encode_call(context, fn, args, kwargs)
        if encoding == PICKLE and not context.is_ready and SECRET_IN_PICKLE in payload:
            context.wait_until_ready()
        return encoding, payload

    def _limit(self, future: "ReplyFuture", fn: "Any", timeout: "float") -> "None":
        text = "%s on %s timed out after %g s" % (_name(fn), self._context.name, timeout)
        timer = self._context.router.loop.call_later(
            timeout, lambda: future.lose(CallTimeout(text))
        )
        # The plain callback, not the deferred one: it only cancels a timer.
        super(type(future), future).add_done_callback(lambda _: timer.cancel())


class Context(Verbs):
    """One interpreter; equal to every other handle of the same router on the same id.

    Threads may share it. Once its link has ended it raises DisconnectedError, with the reason,
    for ever.
    """

    def __init__(
        self,
        router: "Home",
        context_id: "int",
        name: "str",
        connection: "Optional[Child]" = None,
    ) -> "None":
        Verbs.__init__(self, self)
        self.router = router
        self.id = context_id
        self.name = name
        self._connection = connection
        self._callbacks: "List[Callable[[Context, Exception], None]]" = []
        self._error: "Optional[Exception]" = None

    def __repr__(self) -> "str":
        return "<Context %d %s>" % (self.id, self.name)

    def __eq__(self, other: "object") -> "bool":
        if not isinstance(other, Context):
            return NotImplemented
        return self.router is other.router and self.id == other.id

    def __hash__(self) -> "int":
        return hash((id(self.router), self.id))

    def __wire__(self) -> "Tuple[int, Tuple[Any, ...]]":
        return CONTEXT, (self.id, self.name)

    @property
    def info(self) -> "Info":
        """The facts of its HELLO; waits for it, raises the ConnectError that kept it away."""
        return self.wait_until_ready()

    def wait_until_ready(self) -> "Info":
        """Wait for HELLO, bounded by the connect timeout, and return its facts."""
        if self._connection is None:
            raise DisconnectedError("context %s was not opened from here" % self.name)
        self.router.check_may_block()
        return self._connection.wait()

    @property
    def connected(self) -> "bool":
        """Whether its link stands, a HELLO that is still under way included."""
        return self._connection is None or self._connection.link.error is None

    def check_connected(self) -> "None":
        """Raise what ended its link, once it has ended."""
        error = None if self._connection is None else self._connection.link.error
        if error is not None:
            raise again(error)

    @property
    def is_ready(self) -> "bool":
        """Whether its HELLO has come, so that it is known to be a child of ours."""
        return self._connection is None or self._connection.info is not None

    def options(self, timeout: "Optional[float]" = None) -> "Verbs":
        """Return the same verbs with a deadline, in seconds for each call."""
        return Verbs(self, timeout)

    def on_disconnect(self, callback: "Callable[[Context, Exception], None]") -> "None":
        """Call `callback(context, error)` once this context is lost; at once if it is.

        It runs on a thread of the router's that may block.
        """
        self._callbacks.append(callback)
        if self._error is not None:
            self.lose(self._error)

    def lose(self, error: "Exception") -> "None":
        """Take the news that the link has ended (for the router to call)."""
        self._error = error
        while self._callbacks:
            callback = self._callbacks.pop(0)
            self.router.defer(functools.partial(callback, self, error))

    def raise_if_lost(self) -> "None":
        """Raise what ended the link, if it has ended."""
        error = None if self._connection is None else self._connection.link.error
        if error is not None:
            copy = again(error)
            raise copy from copy.__cause__

    def shutdown(self, timeout: "float" = 5.0) -> "None":
        """End the child: what runs there is interrupted; return when it is gone.

        Raises CallTimeout when it is still there after `timeout` seconds; `kill()` then.
        """
        connection = self._connection
        if connection is None or connection.link.error is not None:
            return
        self.router.switch.check_process()
        try:
            self.router.switch.send(self.id, SHUTDOWN, RAW, b"")
        except (DisconnectedError, RefusedError):
            pass  # it ended by itself at this very moment
        if not connection.stream.gone.wait(timeout):
            raise CallTimeout("%s did not end within %g s" % (self.name, timeout))

    def kill(self) -> "None":
        """Drop the link and kill what was started for it here: the child ends within seconds."""
        if self._connection is not None:
            self.router.switch.check_process()
            self._connection.link.end(DisconnectedError("%s was killed from here" % self.name))
            self._connection.stream.kill()

    def open_reply(self, message: "Message") -> "Any":
        """Return the value of a reply, or raise what it stands for."""
        encoding = message.encoding
        if encoding == PLAIN:
            return self.router.decode(message.payload, self.id)
        if encoding == ERROR:
            decoder = functools.partial(self.router.decode, src=self.id)
            raise rebuild(message.payload, self.name, decoder)
        if encoding == DEAD:
            raise exhume(message.payload)
        raise ProtocolError(
            "%s answered with encoding %d, which is not taken from below" % (self.name, encoding)
        )


def _holds_secret(value: "Any") -> "bool":
    """Tell whether a plain value has a Secret in it; of dicts the values are looked at."""
    if isinstance(value, dict):
        return any(map(_holds_secret, value.values()))
    if isinstance(value, (list, tuple, set, frozenset)):
        return any(map(_holds_secret, value))
    return isinstance(value, Secret)


def _name(fn: "Any") -> "str":
    return getattr(fn, "__qualname__", None) or repr(fn)
