"""Router: opens contexts, and keeps what they share.

It is a composition of a Switch, a Loop, a table of connectors and, in the controller, of the parts
that only a program's start has (modules, cloudpickle, output). Nothing of it is process state: two
routers in one process do not know of each other.
"""

import atexit
import importlib
import os
import threading
import time
from functools import partial

from .channel.sender import open_sender
from .channel.streams import Lender, Streams
from .connect.connectors import find_connector
from .connect.opening import Common, open_child
from .connect.roster import Roster, left_until, see_off
from .connect.ways import Ways
from .core.authority import (
    ALLOCATE_ID,
    CALL_SERVICE,
    GET_MODULE,
    GET_RESOURCE,
    LOG,
    PING,
    STDIO,
)
from .core.borrower import Borrower
from .core.context import Context, open_context
from .core.errors import DisconnectedError, Error, ProtocolError
from .core.loop import Loop
from .core.rebuild import open_error
from .core.values import CONTEXT, REMOTE_ERROR, SENDER
from .current import add_router, remove_router

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any, Callable, Dict, List, Optional, Tuple, Type, Union

    from .connect.base import Connection
    from .connect.hop import Hop
    from .controller.modules.grants import ModulePolicy
    from .controller.output import Sink
    from .core.borrower import Awaited
    from .core.link import Link
    from .core.switch import Switch
    from .core.wire import Message
    from .service.pool import Pool

__all__ = ["Router"]

# What the root is called, as in the children (branch.py).
CONTROLLER = "the controller"

# Closing waits this long for children to end by themselves, before they are killed.
CLOSE_TIMEOUT = 5.0

# A program that ends without closing has its user wait: its children are killed after this time.
EXIT_TIMEOUT = 0.8


class Router(Ways):
    """The root of a tree of contexts; a context manager. TypeError, ValueError: a wrong option.

    siblings: whether children may talk to each other. max_message_size: bytes, inherited by
    children. modules: a ModulePolicy on top of what is granted by itself. heartbeat: seconds
    between signs of life; a link without one for heartbeat * heartbeat_misses is closed. output:
    called as output(context_name, "stdout" | "stderr", line) for each line that children print,
    as bytes without its newline; by default it appears on stderr with the name of the context.

    on_step, an attribute: called as on_step(context_id, phase, elapsed, text) with what is done
    and found while contexts are opened; on any thread, so it must not block.
    """

    on_step: "Optional[Callable[[int, str, float, str], None]]" = None

    def __init__(
        self,
        siblings: "bool" = False,
        max_message_size: "int" = 128 * 1024 * 1024,
        modules: "Optional[ModulePolicy]" = None,
        heartbeat: "float" = 15,
        heartbeat_misses: "int" = 3,
        grace: "float" = 5,
        output: "Optional[Sink]" = None,
    ) -> "None":
        _check_options(
            siblings=siblings,
            max_message_size=max_message_size,
            modules=modules,
            heartbeat=heartbeat,
            heartbeat_misses=heartbeat_misses,
            grace=grace,
            output=output,
        )
        self.heartbeat = heartbeat
        self.heartbeat_misses = heartbeat_misses
        self.grace = grace
        self.loop = Loop()
        reports = importlib.import_module("remotesvc.controller.reports")
        self.switch: "Switch" = reports.ReportingSwitch(max_message_size, siblings, self.name_of)
        ids = importlib.import_module("remotesvc.controller.ids").Ids(self.switch)
        self._roster = Roster(self, ids.take)
        self.switch.serve(ALLOCATE_ID, ids.give_block)
        self.switch.observe(ids.lose)
        self._streams: "Optional[Streams]" = None
        # The services that are active here, if any ever were (service/pool.py).
        self.pool: "Optional[Pool]" = None
        self.kept: "Dict[str, Any]" = {}  # by connectors, for all that they open
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._compose(modules, output)
        self._thread = threading.Thread(target=self.loop.run, name="remotesvc-io", daemon=True)
        self._thread.start()
        atexit.register(self._close_at_exit)
        add_router(self)

    def _compose(self, modules: "Optional[ModulePolicy]", output: "Optional[Sink]") -> "None":
        """Put in the parts of the controller."""
        outgoing = importlib.import_module("remotesvc.controller.outgoing")
        prints = importlib.import_module("remotesvc.controller.output")
        logs = importlib.import_module("remotesvc.controller.logs")
        workers = importlib.import_module("remotesvc.controller.workers")
        self.workers = workers.Workers()
        # Users' callbacks may wait for calls, which may wait for the workers.
        self.callbacks = workers.Workers("callback")
        self.outgoing = outgoing.Outgoing(
            self.switch, modules, self.workers, self.name_of, self.loop.call_later
        )
        self._output = prints.Output(self.switch, output or prints.print_line, self.name_of)
        self.output_window: "int" = prints.OUTPUT_WINDOW
        self._logs = logs.Logs(self.switch, self.name_of, output is None)
        self.log_level: "Callable[[int], int]" = self._logs.level_of
        self.switch.observe(self._output.lose)
        self.switch.observe(self._logs.lose)
        self.switch.observe(self.outgoing.lose)
        self.switch.observe(self._roster.forget)
        self.switch.serve(STDIO, self._output.receive)
        self.switch.serve(LOG, self._logs.receive)
        self.switch.serve(GET_MODULE, self.outgoing.responder.on_module)
        self.switch.serve(GET_RESOURCE, self.outgoing.responder.on_resource)
        self.switch.serve(PING, lambda link, message: None)
        self.switch.serve(CALL_SERVICE, self._refuse_service)
        interrupts = importlib.import_module("remotesvc.controller.interrupts")
        link = importlib.import_module("remotesvc.controller.link")
        main = threading.main_thread().ident or 0
        guard = interrupts.Interrupts(self.loop)
        self._borrower = Borrower(self.loop, main, guard)
        self.make_link: "Callable[..., Link]" = partial(link.WholeLink, guard, main)
        decoder = importlib.import_module("remotesvc.controller.decoder")
        self._decode: "Callable[..., Any]" = decoder.decode

    # -- opening contexts ------------------------------------------------------------------------

    def _open(
        self, kind: "str", where: "str", opts: "Dict[str, Any]", *args: "Any", **common: "Any"
    ) -> "Context":
        self.check_may_block()
        options = Common(*args, **common)
        _check_options(
            name=options.name,
            connect_timeout=options.connect_timeout,
            env=options.env,
            cwd=options.cwd,
            pool_size=options.pool_size,
            results=options.results,
            via=options.via,
        )
        connector = find_connector(kind)
        _check_connector_options(kind, connector.connect, opts)
        context = open_child(self, self._roster, connector, where, opts, options)
        context.kind = kind
        return context

    @property
    def home(self) -> "Router":
        """The router that its contexts belong to."""
        return self

    def announce(self, connection: "Union[Connection, Hop]") -> "None":
        """Tell nobody of a new context: there is nobody above."""

    def add_hop(self, context_id: "int", via_id: "int") -> "None":
        """Make the way to a context that is going to be opened in another one."""
        relay = self.switch.relay
        if relay is not None:
            relay.routes.give(context_id, context_id + 1, via_id, True)

    def lose_hop(self, context_id: "int", error: "Exception") -> "None":
        """Drop it, and tell those whom it concerns."""
        if self.switch.relay is not None:
            self.switch.relay.routes.lose(context_id, error)

    def push_connector(self, via_id: "int", module: "str") -> "None":
        """Send ahead what a context needs to open another one."""
        self.outgoing.push_connector(via_id, module)

    # -- the tree --------------------------------------------------------------------------------

    @property
    def myself(self) -> "Context":
        """The context that this program runs in."""
        return Context(self, self.switch.id, CONTROLLER)

    @property
    def parent(self) -> "Context":
        """Raise Error: where the program starts there is none. For code that runs anywhere."""
        raise Error("the controller has no parent")

    @property
    def controller(self) -> "Context":
        """The root of the tree, which is this very context."""
        return self.myself

    @property
    def contexts(self) -> "List[Context]":
        """The contexts that are connected, or connecting."""
        return self._roster.contexts

    def name_of(self, context_id: "int") -> "str":
        """Return our own name for a context: what it says of itself is not taken."""
        if context_id == self.switch.id:
            return CONTROLLER
        return self._roster.name_of(context_id)

    def context(self, context_id: "int") -> "Optional[Context]":
        """Return the context with an id, such as `current_call().src`; None if there is none."""
        if context_id == self.switch.id:
            return self.myself
        known = self._roster.find(context_id)
        if known is None and context_id in self.switch.routes:
            return self._roster.note(context_id, self.name_of(context_id))
        return known

    def note_reference(self, context_id: "int") -> "None":
        """Note that a Context is being encoded on this thread (for core/context.py)."""
        self.streams.note_context(context_id)

    @property
    def streams(self) -> "Streams":
        """What its Senders and Receivers share, made when it is first needed."""
        if self._streams is not None:
            return self._streams
        with self._lock:
            if self._streams is None:
                self._streams = Streams(self.switch, self.loop, self.name_of)
                self.outgoing = Lender(self.outgoing, self._streams)
                if self._roster.is_closed:
                    self._streams.end(DisconnectedError("the router is closed"))
            return self._streams

    def check_may_block(self) -> "None":
        """Raise RuntimeError on the I/O thread: whoever waits there waits for himself."""
        if self.loop.is_current():
            raise RuntimeError(
                "a blocking call on the I/O thread would wait for ever: use submit(), or call "
                "from a thread of your own"
            )

    def pending(self, respondent: "int") -> "Awaited":
        """Return a wait for a reply of a context."""
        return self._borrower.pending(respondent)

    def wait(self, pending: "Awaited", timeout: "Optional[float]") -> "Message":
        """Return what `pending.wait(timeout)` does."""
        link = self.switch.routes.get(pending.respondent)
        is_far = link is None or getattr(link._stream, "is_read_elsewhere", False)
        return self._borrower.wait(pending, timeout, is_far)

    def decode(self, payload: "bytes", src: "int", auth: "Optional[int]" = None) -> "Any":
        """Return the value that a context sent; it may refer to itself and to nobody else.

        A reference to another one would lend it our authority over that one. A Sender may also
        be one of ours. What is sent through either has the authority `auth`, that of the message.
        """

        given = src if auth is None else auth

        def resolve(code: "int", fields: "Tuple[Any, ...]") -> "Any":
            if code == SENDER:
                return open_sender(self, src, given, fields)
            if code == CONTEXT:
                return open_context(self, src, given, fields)
            if code == REMOTE_ERROR:
                return open_error(fields, self.name_of(src))
            raise ProtocolError("a reference (extension %d) does not belong here" % code)

        return self._decode(payload, resolve)

    def load_pickle(self, payload: "bytes", where: "str") -> "Any":
        """Return the value of a pickled result, which context `where` may send."""
        return importlib.import_module("remotesvc.controller.results").load(payload, where)

    def _refuse_service(self, link: "Optional[Link]", message: "Message") -> "None":
        text = "no services are started in the controller; Pool(router) there starts them"
        self.switch.refuse(link, message, "refused", text)

    def defer(self, job: "Callable[[], None]") -> "None":
        """Run job() on a thread that may block."""
        self.callbacks.defer(job)

    def settle(self) -> "None":
        """Have what a method of a service sent leave before its reply does."""
        if self._streams is not None:
            self._streams.flush()

    def settle_output(self, context_id: "int") -> "None":
        """Wait until all that a context printed and logged so far has been shown."""
        self._output.settle(context_id)
        self._logs.settle(context_id)

    # -- the end ---------------------------------------------------------------------------------

    def close(self) -> "None":
        """End all children and everything that this router started; closing twice is fine.

        A child has 2 s for the `finally` blocks of what runs there. In a fork it does nothing:
        the children are the parent's.
        """
        self._end(CLOSE_TIMEOUT)

    def _close_at_exit(self) -> "None":
        """Close when the program ends, whatever the children do: its user waits."""
        self._end(EXIT_TIMEOUT)

    def _end(self, patience: "float") -> "None":
        if os.getpid() != self._pid or not self._roster.close():
            return
        atexit.unregister(self._close_at_exit)
        limit = time.monotonic() + patience
        connections = self._roster.end_attempts(patience)
        if self._streams is not None:
            self._streams.flush()
        for connection in connections:
            connection.link.end(DisconnectedError("the router was closed"))
        if self._streams is not None:
            self._streams.end(DisconnectedError("the router was closed"))
        if self.pool is not None:
            self.pool.close(left_until(limit))
        remove_router(self)
        see_off(connections, limit)
        for part in (self._output, self._logs, self.workers, self.callbacks):
            part.close(left_until(limit))
        self.loop.stop()
        if not self.loop.is_current():
            self._thread.join(left_until(limit))

    def __enter__(self) -> "Router":
        return self

    def __exit__(
        self,
        kind: "Optional[Type[BaseException]]",
        error: "Optional[BaseException]",
        traceback: "Optional[TracebackType]",
    ) -> "None":
        self.close()


def _check_options(**given: "Any") -> "None":
    importlib.import_module("remotesvc.controller.options").check_options(**given)


def _check_connector_options(
    kind: "str", connect: "Callable[..., Connection]", opts: "Dict[str, Any]"
) -> "None":
    options = importlib.import_module("remotesvc.controller.connector_options")
    options.check_connector_options(kind, connect, opts)
