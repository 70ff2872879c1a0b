"""Opener: a child that opens children of its own: by order of a parent, or of user code in it.

Carries an order out on a thread, and tells the one who gave it what comes of it, event by event:
the facts of HELLO, a question of the login, the loss of the link, the end of the program.
"""

import importlib
import queue
import threading

from ..core.errors import DisconnectedError, Error
from ..core.values import encode
from ..core.wire import PLAIN
from .base import Attempt
from .order import Order, describe_error
from .shortage import explain_shortage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, List, Sequence, Tuple, Union

    from ..bootstrap.child import Child
    from ..core.hops import Hops
    from ..core.link import Link
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
    order = Order.read(link.peer_id, payload)
    vars(hops.child._finder).setdefault("probe", order.probe)
    attempt = Attempt(order.where, order.timeout, link)
    task = _Task(hops, order, message, link)
    tended["cancel"] = attempt.cancel

    def close(text: "str") -> "None":
        attempt.cancel()
        task.answers.put("nobody waits for it any more")
        link.end(DisconnectedError(text))

    tended["close"] = close
    tended["answer"] = task.answers.put
    if "prompts" in order.opts:
        order.opts["prompts"] = task.ask
    opener = Opener(hops.child, order.log_level)
    try:
        connector: "Any" = importlib.import_module(order.module)
        connection = connector.connect(opener, order.context_id, attempt, **order.opts)
        hops.connections[order.context_id] = connection
        tended["kill"] = lambda _: connection.stream.kill()
        tended["excuse"] = connection.excuse
        tended["release"] = connection.release
        connection.on_change = task.note_change
        task.connection = connection
        connection.open(order.env, order.cwd)
    except BaseException as error:  # noqa: BLE001 whatever a connector raises is told
        task.fail(explain_shortage(attempt, error) or error)


class _Task:
    """One order on its way: what is told to who gave it."""

    def __init__(self, hops: "Hops", order: "Order", message: "Message", link: "Link") -> "None":
        self.answers: "queue.Queue[Union[str, List[Any]]]" = queue.Queue()
        self.connection: "Any" = None
        self._hops = hops
        self._order = order
        self._message = message
        self._link = link
        self._is_lost = False

    def _tell(self, verb: "str", told: "Any" = None) -> "None":
        self._hops.child.switch.reply(self._message, PLAIN, encode((verb, told)))

    def ask(
        self, title: "str", instructions: "str", questions: "Sequence[Tuple[str, bool]]"
    ) -> "List[Any]":
        """Have the user answer, wherever he is (in the place of `prompts=`)."""
        self._tell("ask", questions[0][0])
        answer: "Any" = self.answers.get()
        if isinstance(answer, str):
            raise Error(answer)
        return list(answer)

    def note_change(self) -> "None":
        """Tell that the child is there, or that its link has ended."""
        connection: "Connection" = self.connection
        if connection.link.error is not None:
            self._lose(connection.link.error)
        elif connection.info is not None:
            self._tell("ready", connection.info.plain())

    def fail(self, error: "BaseException") -> "None":
        """Tell that nothing came of it."""
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
            self._hops.forget(self._order.context_id)
        else:
            self._hops.child.loop.call_later(LOOK, self._look)
