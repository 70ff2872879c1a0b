"""Call: one call of a service, as policies, invokers and methods see it.

`current_call()` gives it to whatever code the method runs, on the method's own thread.
"""

import threading

from ..core.errors import Error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, List, Optional, Sequence

    from ..core.wire import Message
    from .desk import Desk
    from .invoker import Invoker
    from .waits import Waiter

__all__ = ["Call", "current_call", "run_as", "running_call"]

_running = threading.local()


class Call:
    """What is asked of a service, by whom, and on whose authority.

    service, method: their names. kwargs: the arguments, {} until they have been read. src: id of
    the context that sent the call; auth: id of the one whose request caused it. is_commanded:
    whether both are parents of this context, or itself.
    """

    __slots__ = (
        "_answer",
        "account",
        "auth",
        "caller",
        "cancelled",
        "company",
        "desk",
        "error",
        "has_failed",
        "ident",
        "invoker",
        "is_answered",
        "is_commanded",
        "is_dropped",
        "is_given_up",
        "is_interrupted",
        "is_offered",
        "is_running",
        "key",
        "kwargs",
        "message",
        "method",
        "origin",
        "payload",
        "service",
        "size",
        "src",
        "waits",
        "wake",
    )

    def __init__(
        self,
        message: "Message",
        names: "Sequence[str]",
        payload: "bytes",
        is_commanded: "bool",
        answer: "Callable[[Call, int, bytes], None]",
    ) -> "None":
        self.message = message
        self.service, self.method = names
        self.payload = payload
        self.is_commanded = is_commanded
        # Whom it counts as: children that a child made up count as that one (for desk.py).
        self.src = self.account = message.src
        self.auth = message.auth
        self.kwargs: "Dict[str, Any]" = {}
        # What its caller knows it by, among the calls of all; and who keeps it until it is over.
        self.key = (message.src, message.reply_to)
        self.desk: "Optional[Desk]" = None
        # Whether nobody waits for it any more: a method that runs long looks at it now and then.
        self.cancelled = False
        # What its arguments take while it waits.
        self.size = len(payload)
        self.invoker: "Optional[Invoker]" = None
        self._answer = answer
        self._begin()

    def _begin(self) -> "None":
        """Note how far it is: not at all."""
        # Whether its own caller does not; others may wait for the same run.
        self.is_dropped = False
        self.is_answered = False
        # What keeps it here after the answer: its method, or a stream that has not ended.
        self.is_running = False
        self.is_offered = False
        # The call whose stream this one reads.
        self.origin: "Optional[Call]" = None
        # Who called it here, if a method or a constructor did, and how often this one waits now
        # (for waits.py).
        self.caller: "Optional[Waiter]" = None
        self.waits = 0
        # The calls that the same run is for, and what it raised (for invoker.py).
        self.company: "List[Call]" = []
        self.error: "Optional[BaseException]" = None
        self.has_failed = False
        # The thread that runs its method, 0 while none does (for runner.py).
        self.ident = 0
        self.is_interrupted = False
        self.is_given_up = False
        # Has it go on when it stands still, for it is to end.
        self.wake: "Optional[Callable[[], None]]" = None

    def __repr__(self) -> "str":
        return "<Call of %s from context %d>" % (self.name, self.src)

    @property
    def name(self) -> "str":
        """What to call it in messages to the user: Service.method."""
        return "%s.%s" % (self.service.rpartition(".")[2], self.method)

    @property
    def is_awaited(self) -> "bool":
        """Whether its caller waits for an answer."""
        return self.message.reply_to != 0

    def cancel(self) -> "None":
        """Note that nobody waits for it any more."""
        self.is_dropped = self.cancelled = True
        if self.origin is not None:
            self.origin.cancelled = True

    def answer(self, encoding: "int", payload: "bytes") -> "None":
        """Tell the outcome; only the first one counts."""
        self._answer(self, encoding, payload)

    def release(self) -> "None":
        """Note that nothing is left of it here, if it was answered and all flags are down."""
        if self.is_answered and self.desk is not None:
            self.desk.leave(self)


def current_call() -> "Call":
    """Return the call of a service that runs on this thread; Error where none does."""
    call: "Optional[Call]" = getattr(_running, "call", None)
    if call is None:
        raise Error("no service method runs on this thread")
    return call


def running_call() -> "Optional[Call]":
    """Return the call that runs on this thread, None where none does."""
    return getattr(_running, "call", None)


def run_as(call: "Optional[Call]") -> "Optional[Call]":
    """Make a call the current one of this thread; return the one before, to be put back."""
    before: "Optional[Call]" = getattr(_running, "call", None)
    _running.call = call
    return before
