"""Branch: the router of a child, which `current_router()` gives to code that runs over there.

Its contexts are those above it, those that it was given, and those that it opens itself.
"""

import importlib
import os
import signal
import threading
from functools import partial

from .channel.sender import open_sender
from .channel.streams import Lender, Streams
from .core.authority import DEL_ROUTE
from .core.borrower import Borrower
from .core.complaints import complain
from .core.errors import DisconnectedError, ProtocolError, RefusedError, ValueNotSupported
from .core.values import CONTEXT, REMOTE_ERROR, SENDER, decode, encode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

    from .bootstrap.child import Child
    from .connect.ways import Ways
    from .core.calls import CallLoop
    from .core.context import Context
    from .core.link import Link
    from .core.wire import Message
    from .service.pool import Pool
else:
    Ways = object

__all__ = ["Branch"]

# At its end a child waits so long for methods that run; what is left of the 2 s that it has is for
# the services to shut down.
PATIENCE = 1.0


# How contexts are opened here, with the options that the controller's Router takes.
WAYS = (
    "attach",
    "chroot",
    "connect",
    "detached",
    "docker",
    "doas",
    "exec",
    "kubectl",
    "local",
    "lxc",
    "nspawn",
    "open",
    "podman",
    "ssh",
    "su",
    "sudo",
)


class Branch(Ways):
    """What `current_router()` returns in a child.

    It has the methods of a Router that open contexts (`local()`, `ssh()`, `sudo()` …), which are
    children of this one then. Functions travel to them by name.
    """

    def __init__(self, child: "Child") -> "None":
        self.child = child
        self.switch = child.switch
        self.loop = child.loop
        self.grace = child.settings.grace
        self.heartbeat = child.settings.heartbeat
        self.streams = Streams(child.switch, child.loop, self.name_of)
        self.outgoing = Lender(_Upward(self), self.streams)
        calls = child._calls
        borrower = Borrower(child.loop, calls.thread, _Guard(calls))
        self.pending = borrower.pending
        self.wait = partial(borrower.wait, is_far=False)
        self._openings: "Any" = None
        self._lock = threading.Lock()
        self._pool: "Optional[Pool]" = None
        self._send_before_replies(child.settle)
        complain(child.switch)
        if child.switch.relay is None:
            child.switch.serve(DEL_ROUTE, self._take_loss)

    def _send_before_replies(self, settle: "Callable[[], None]") -> "None":
        """Have what a function sent leave before its reply does."""

        def flush_and_settle() -> "None":
            self.streams.flush()
            settle()

        self.child.settle = flush_and_settle

    def settle(self) -> "None":
        """Have what a method of a service printed, logged and sent leave before its reply does."""
        if self.switch.pid == os.getpid():
            self.child.settle()

    def _take_loss(self, link: "Optional[Link]", message: "Message") -> "None":
        """Take the news of a parent that contexts are gone that this one talked to."""
        ids, text = decode(message.payload)
        if link is self.switch.upstream:
            self.switch.lose_contexts(set(ids), DisconnectedError(text))

    # -- opening contexts ------------------------------------------------------------------------

    @property
    def openings(self) -> "Any":
        """What opens contexts here, made when it is first needed."""
        with self._lock:
            if self._openings is None:
                found = importlib.import_module("remotesvc.connect.openings").Openings(self)
                sending = importlib.import_module("remotesvc.connect.sending").Sending(found.hops)
                self.outgoing = Lender(sending, self.streams)
                self._openings = found
            return self._openings

    def __getattr__(self, name: "str") -> "Any":
        if name not in WAYS:
            raise AttributeError("the router of a child has no %s" % name)
        return getattr(self.openings, name)

    # -- contexts --------------------------------------------------------------------------------

    @property
    def contexts(self) -> "List[Context]":
        """The contexts that were opened from here."""
        return [] if self._openings is None else self._openings.roster.contexts

    @property
    def myself(self) -> "Context":
        """The context that this process is."""
        return self.context(self.switch.id)

    @property
    def parent(self) -> "Context":
        """The context that started this one."""
        return self.context(self.switch.parents[0])

    @property
    def controller(self) -> "Context":
        """The root of the tree: where the program was started."""
        return self.context(self.switch.parents[-1])

    def context(self, context_id: "int") -> "Context":
        """Return the handle on a context, whether it exists or not: calls will tell."""
        from .core.context import Context

        found = None if self._openings is None else self._openings.roster.find(context_id)
        return found or Context(self, context_id, self.name_of(context_id))

    def note_reference(self, context_id: "int") -> "None":
        """Note that a Context is being encoded on this thread (for core/context.py)."""
        self.streams.note_context(context_id)

    def name_of(self, context_id: "int") -> "str":
        """Return what a context is called here."""
        if context_id == self.switch.parents[-1]:
            return "the controller"
        if self._openings is None:
            return "context %d" % context_id
        return self._openings.roster.name_of(context_id)  # type: ignore[no-any-return]

    # -- services --------------------------------------------------------------------------------

    @property
    def pool(self) -> "Optional[Pool]":
        """The services that are active here, None before the first."""
        return self._pool

    @pool.setter
    def pool(self, pool: "Optional[Pool]") -> "None":
        self._pool = pool
        if pool is None:
            return
        settle = self.child.settle

        def settle_and_close() -> "None":
            if self.child.is_leaving and _is_main_thread():
                whole = self.child.settle
                pool.close(PATIENCE)
                if self.child.settle is not whole:
                    self.child.settle()  # meanwhile a method was the first one to log
            settle()

        # Called before the reply to each function and method, and at the end of this process.
        self.child.settle = settle_and_close

    # -- what contexts and streams ask -----------------------------------------------------------

    def check_may_block(self) -> "None":
        """Raise RuntimeError on the I/O thread: whoever waits there waits for himself."""
        if self.loop.is_current():
            raise RuntimeError("a blocking call on the I/O thread would wait for ever")
        calls = self.child._calls
        is_cancelled = calls._target is not None and calls._target is calls._running
        if is_cancelled and _is_main_thread():
            # A cancel came in the middle of a write. Whoever streams lets other threads run nearly
            # only there, so the next interrupt would come there too.
            signal.pthread_kill(calls.thread, signal.SIGINT)

    def settle_output(self, context_id: "int") -> "None":
        """Wait for nothing: what others print is shown by the controller."""

    def defer(self, job: "Callable[[], None]") -> "None":
        """Run job() on a thread that may block."""
        threading.Thread(target=job, name="remotesvc-callback", daemon=True).start()

    def load_pickle(self, payload: "bytes", where: "str") -> "Any":
        """Refuse: nothing that comes up or across is unpickled."""
        raise ProtocolError("%s answered with a pickle" % where)

    def decode(self, payload: "bytes", src: "int", auth: "Optional[int]" = None) -> "Any":
        """Return the value that a context sent, on its own authority unless another is named."""
        given = src if auth is None else auth
        return decode(payload, lambda code, fields: self.resolve(src, given, code, fields))

    def resolve(self, src: "int", auth: "int", code: "int", fields: "Tuple[Any, ...]") -> "Any":
        """Return what a reference in a message of `src` stands for."""
        if code == CONTEXT:
            from .core.context import open_context

            return open_context(self, src, auth, fields)
        if code == REMOTE_ERROR:
            from .core.rebuild import open_error

            return open_error(fields, self.name_of(src))
        if code != SENDER:
            raise ProtocolError("a reference (extension %d) does not belong here" % code)
        return open_sender(self, src, auth, fields)


class _Upward:
    """Encodes what leaves a child for others: calls of services, and never of functions.

    Where one goes to a context below, another one takes its place (connect/sending.py).
    """

    def __init__(self, branch: "Branch") -> "None":
        self._branch = branch

    def _yield_place(self, context: "Context") -> "None":
        """Have the verbs try again with the other one, for what was opened below this child."""
        if context.id in self._branch.switch.routes:
            self._branch.openings  # noqa: B018 it is made when it is first asked for
            raise ValueNotSupported("this needs what opens contexts")

    def encode_call(self, context: "Context", *args: "Any") -> "Tuple[int, bytes]":
        """Refuse: functions run in one's own children."""
        self._yield_place(context)
        raise RefusedError(
            "%s: functions may be called in one's own children only; what others may call is a "
            "service" % context.name
        )

    def encode_service(self, context: "Context", fn: "Any", kwargs: "Dict[str, Any]") -> "bytes":
        """Return the encoded arguments of a call of a service."""
        self._yield_place(context)
        return encode(kwargs, "kwargs")

    def push(self, context_id: "int", names: "Sequence[str]") -> "None":
        """Send nothing ahead: who is called has it."""


class _Guard:
    """Knows that SIGINT spares the loop, as long as its handler is that of calls.py."""

    def __init__(self, calls: "CallLoop") -> "None":
        self._calls = calls

    @property
    def is_due(self) -> "bool":
        """Whether it came in the middle of a message."""
        return self._calls.is_due

    def take(self) -> "bool":
        """Tell whether no function has put a handler of its own in."""
        return signal.getsignal(signal.SIGINT) == self._calls.on_interrupt

    def give_back(self) -> "None":
        """Have what came in the middle of a message come again, now that there is an end of it."""
        calls = self._calls
        if calls.is_due:
            calls.is_due = False
            signal.pthread_kill(calls.thread, signal.SIGINT)


def _is_main_thread() -> "bool":
    """Tell whether this is the thread that runs functions, and the end of the process."""
    return threading.current_thread() is threading.main_thread()
