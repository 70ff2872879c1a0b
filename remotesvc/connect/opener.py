"""Opener: a child that opens children of its own: by order of a parent, or of user code in it.

Carries an order out on a thread, and tells the one who gave it what comes of it, event by event:
the facts of HELLO, a question of the login, the loss of the link, the end of the program.
"""

import importlib
import threading

from ..core.errors import DisconnectedError, Error
from ..core.link import Link
from ..core.values import encode
from ..core.wire import PLAIN
from .base import Attempt
from .order import Order, describe_error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict

    from ..bootstrap.child import Child
    from ..core.hops import Hops
    from ..core.wire import Message
    from .base import Connection

__all__ = ["Opener", "carry_out"]

# The end of a program is looked for this often, once its link has ended.
LOOK = 0.02


class Opener:
    """What a connection asks of the router that opens it (types.py), in a child."""

    def __init__(self, child: "Child", log_level: "int") -> "None":
        settings = child.settings
        self.switch = child.switch
        self.loop = child.loop
        self.heartbeat = settings.heartbeat
        self.heartbeat_misses = settings.heartbeat_misses
        self.grace = settings.grace
        self.output_window = settings.window
        self._log_level = log_level

    make_link = Link

    def log_level(self, context_id: "int") -> "int":
        """Return the level from which on records are wanted, which the controller has told."""
        return self._log_level

    def defer(self, job: "Callable[[], None]") -> "None":
        """Run job() on a thread that may block."""
        threading.Thread(target=job, name="remotesvc-callback", daemon=True).start()


def carry_out(
    hops: "Hops",
    link: "Link",
    payload: "bytes",
    message: "Message",
    tended: "Dict[str, Any]",
) -> "None":
    """Open a child by order of a parent, and tell it what comes of it."""
    task = _Task(hops, message, link, tended)
    try:
        task.open(Order.read(link.peer_id, payload))
    except BaseException as error:  # noqa: BLE001 whatever a connector raises is told
        task.fail(error)
    else:
        task.look_at_link()


class _Task:
    """One order on its way: what is told to who gave it."""

    def __init__(
        self, hops: "Hops", message: "Message", link: "Link", tended: "Dict[str, Any]"
    ) -> "None":
        # What was started ahead of the connector, until there is a connection.
        self._ahead: "Any" = hops.connections.get(link.peer_id)
        self.connection: "Any" = self._ahead
        self._hops = hops
        self._message = message
        self._link = link
        self._is_lost = False
        self._is_killed = False
        # What a parent may have done with it, by name.
        self._tended = tended
        tended["kill"] = self._kill

    def open(self, order: "Order") -> "None":
        """Start the program; what it says, and its end, come later."""
        hops, link, tended = self._hops, self._link, self._tended
        vars(hops.child._finder).setdefault("probe", order.probe)
        attempt = Attempt(order.where, order.timeout, link, order.elapsed)
        attempt.ahead = self._ahead

        def close(text: "str") -> "None":
            attempt.cancel()
            link.end(DisconnectedError(text))

        tended.update(cancel=attempt.cancel, close=close)
        if link.error is not None:
            raise link.error  # before there was anything to close
        if "prompts" in order.opts:
            from .prompter import Prompter

            prompter = Prompter(self._tell)
            order.opts["prompts"] = prompter.ask
            attempt.cut_by(prompter.give_up)
            tended["answer"] = prompter.take
        connection = self._connect(order, attempt)
        self.connection = hops.connections[order.context_id] = connection
        if self._ahead is not None:
            self._ahead.close()
        tended.update(excuse=connection.excuse, release=connection.release)
        connection.on_change = self.note_change
        if self._is_killed:
            connection.stream.kill()
        connection.open(order.env, order.cwd)

    def _connect(self, order: "Order", attempt: "Attempt") -> "Any":
        opener = Opener(self._hops.child, order.log_level)
        connector: "Any" = importlib.import_module(order.module)
        try:
            return connector.connect(opener, order.context_id, attempt, **order.opts)
        except Exception as error:
            from .shortage import explain_shortage

            raise explain_shortage(attempt, error) or error from error

    def _kill(self, _: "Any") -> "None":
        self._is_killed = True
        if self.connection is not None:
            self.connection.stream.kill()

    def _tell(self, verb: "str", told: "Any" = None) -> "None":
        self._hops.child.switch.reply(self._message, PLAIN, encode((verb, told)))

    def note_change(self) -> "None":
        """Tell that the child is there, or that its link has ended."""
        connection: "Connection" = self.connection
        if not self.look_at_link() and connection.info is not None:
            self._tell("ready", connection.info.plain())

    def look_at_link(self) -> "bool":
        """Tell whether the link has ended; who ended it before it was attached tells nobody."""
        error = self._link.error
        if error is not None:
            self._lose(error)
        return error is not None

    def fail(self, error: "BaseException") -> "None":
        """Tell that nothing came of it."""
        if self._ahead is not None:
            self._ahead.close()
        if self.connection is not None:
            self.connection.stream.close()
        self._lose(error)
        cause = error if isinstance(error, Error) else DisconnectedError(repr(error))
        self._link.end(cause)

    def _lose(self, error: "BaseException") -> "None":
        if not self._is_lost:
            self._is_lost = True
            self._tell("lost", describe_error(error))
            self._hops.child.loop.call_soon(self._look)

    def _look(self) -> "None":
        """Tell that the program is gone, once it is."""
        connection = self.connection
        if connection is None or connection.stream.gone.is_set():
            self._tell("gone")
            self._hops.forget(self._link.peer_id)
        else:
            self._hops.child.loop.call_later(LOOK, self._look)
