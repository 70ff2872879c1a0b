"""Chain: calls that depend on each other, sent without waiting for each other's outcome.

The child runs them in order and begins none after one that failed (call_options.py). This end
numbers them, so that the child also notices one that never arrived: cancelled while it waited,
or refused because of an abandoned call. What fails at this end, a cancel, a timeout, an argument
that does not travel, is remembered here: no later call is sent, and those under way fail with it.
"""

import os
import threading

from .authority import CALL_FUNCTION
from .dead import code_of
from .errors import Error, again
from .values import encode
from .verbs import Verbs
from .wire import DEAD, PLAIN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any, Dict, Optional, Tuple, Type

    from .context import Context
    from .link import Link
    from .wire import Message

__all__ = ["Chain"]


class _State:
    """What all verbs of one chain share. Under its lock calls are numbered and sent."""

    def __init__(self) -> "None":
        self.id = os.urandom(8)
        self.lock = threading.Lock()
        self.count = 0
        self.failure: "Optional[Exception]" = None
        self.is_closed = False

    def check(self) -> "None":
        """Raise why no call can be added any more."""
        if self.is_closed:
            raise Error("this chain is closed: open a new one")
        if self.failure is not None:
            raise again(self.failure)

    def fail(self, error: "BaseException") -> "None":
        """Remember what failed first at this end."""
        if self.failure is None:
            is_ours = isinstance(error, Exception)
            text = "an earlier call of this chain was interrupted here"
            self.failure = error if is_ours else Error(text)  # type: ignore[assignment]


class _ChainedVerbs(Verbs):
    """Verbs whose calls belong to a chain."""

    def __init__(self, state: "_State", context: "Context", **options: "Any") -> "None":
        Verbs.__init__(self, context, **options)
        self._state = state

    def _send(
        self,
        fn: "Any",
        args: "Tuple[Any, ...]",
        kwargs: "Dict[str, Any]",
        reply_to: "int" = 0,
        options: "Optional[Dict[str, Any]]" = None,
        may_wait: "bool" = False,
    ) -> "Optional[Link]":
        state = self._state
        with state.lock:
            state.check()
            options = dict(self._options, chain=[state.id, state.count])
            state.count += 1
            try:
                return Verbs._send(self, fn, args, kwargs, reply_to, options, may_wait)
            except BaseException as error:
                state.fail(error)
                raise

    def _services(self) -> "Any":
        raise Error(
            "calls of services run side by side, and so they cannot be part of a chain: use "
            "call_service() on the context"
        )

    def _open(self, message: "Message") -> "Any":
        state = self._state
        # What the child did not begin it did not begin because of what failed here.
        is_dead = message.encoding == DEAD
        if is_dead and state.failure and code_of(message.payload) in ("chain", "busy"):
            raise again(state.failure)
        return Verbs._open(self, message)

    def _give_up(
        self, handle: "int", fn: "Any", error: "BaseException", is_hard: "bool" = False
    ) -> "None":
        self._state.fail(error)
        Verbs._give_up(self, handle, fn, error, is_hard)


class Chain(_ChainedVerbs):
    """A context manager with `call`, `submit`, `call_no_reply` and `options` of its own.

    Once a call of it has failed, its later ones raise the same error and are not run, also after
    `call_no_reply`. Threads may share it; what they add runs in the order in which it was added.
    """

    def __init__(self, context: "Context") -> "None":
        _ChainedVerbs.__init__(self, _State(), context)

    def options(
        self,
        timeout: "Optional[float]" = None,
        results: "Optional[str]" = None,
        holds_gil: "Optional[float]" = None,
    ) -> "Verbs":
        """Return the same verbs of the same chain with options, as `Context.options` does."""
        return _ChainedVerbs(
            self._state, self._context, timeout=timeout, results=results, holds_gil=holds_gil
        )

    def close(self) -> "None":
        """Add no more; the child forgets the chain after its last call. Twice is fine."""
        state, context = self._state, self._context
        with state.lock:
            is_known = state.count and not state.is_closed
            state.is_closed = True
            if not is_known:
                return
            payload = encode(["", "", [], {}, {"unchain": state.id}])
            try:
                context.router.switch.send(context.id, CALL_FUNCTION, PLAIN, payload)
            except Error:
                return  # it is lost, and the chain with it

    def __enter__(self) -> "Chain":
        return self

    def __exit__(
        self,
        kind: "Optional[Type[BaseException]]",
        error: "Optional[BaseException]",
        traceback: "Optional[TracebackType]",
    ) -> "None":
        self.close()
