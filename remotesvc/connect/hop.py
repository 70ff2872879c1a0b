"""Hop: a child that is started in another context: the end of who has it opened.

The order and what is sent to the new context leave at once; nothing is waited for. That other
context, which is trusted with the new one and with nothing else, tells what comes of it.
"""

import threading

from ..core.authority import OPEN_CHILD, TEND_CHILD
from ..core.dead import exhume
from ..core.errors import (
    CallTimeout,
    ConnectTimeout,
    DisconnectedError,
    Error,
    ProtocolError,
    RefusedError,
    again,
)
from ..core.values import decode, encode
from ..core.wire import DEAD, PLAIN
from .order import EVENT_LIMIT, read_event
from .retry import longest
from .typist import QUESTIONS_LIMIT, check_answers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, List, Optional, Tuple

    from ..bootstrap.info import Info
    from ..core.context import Context
    from ..core.loop import Timer
    from ..core.wire import Message
    from ..types import HopRouter
    from .base import Attempt
    from .order import Order
    from .typist import Prompts

__all__ = ["Hop"]

# What a report of the deadline may take to come here, before it is missed.
SLACK = 5.0

# What is told last.
GONE = encode(("gone", None))


class Hop:
    """A Child (types.py), its own link and its own stream; a Waiter for what is told of it."""

    limit = EVENT_LIMIT

    # That of its link is known over there.
    traffic: "Optional[Tuple[int, int]]" = None

    def __init__(
        self,
        router: "HopRouter",
        via: "Context",
        order: "Order",
        attempt: "Attempt",
        prompts: "Optional[Prompts]",
        words: "Optional[List[str]]" = None,
    ) -> "None":
        self.info: "Optional[Info]" = None
        self.farewell = ""
        self.via = via
        self.link = self.stream = self
        self.peer_id = order.context_id
        self.respondent = via.id
        self.error: "Optional[Exception]" = None
        self.gone = threading.Event()
        self._router = router
        self._order = order
        # Of the program that is started at once over there.
        self._words = words
        self._attempt = attempt
        self._prompts = prompts
        self._settled = threading.Event()
        self._timer: "Optional[Timer]" = None
        self._handle = 0
        self._questions = 0
        self._lock = threading.Lock()

    def open(self, env: "Any" = None, cwd: "Any" = None) -> "None":
        """Send the order; from here on messages find their way to the new context."""
        switch, via, order = self._router.switch, self.via, self._order
        order.where = self._attempt.where
        order.log_level = self._router.log_level(order.context_id)
        self._handle = switch.listen(self)
        try:
            payload = order.pack(self._words)
            self._router.add_hop(order.context_id, via.id)
            switch.send(via.id, OPEN_CHILD, PLAIN, payload, self._handle, via.auth)
            self._attempt.note("via", "%s was told to open it" % via.name)
        except BaseException:
            # Nobody over there knows of it, and nobody will tell that it is gone.
            switch.unlisten(self._handle)
            self._let_go()
            raise
        limit = longest(self._attempt.left, order.opts.get("retries", 0)) + SLACK
        self._timer = self._router.loop.call_later(limit, self._time_out)

    # -- what it is asked as a Child, a link and a stream ----------------------------------------

    def wait(self, timeout: "Optional[float]" = None) -> "Info":
        """Return the facts of HELLO; raise what kept it from coming. Bounded by the deadline.

        Raises CallTimeout when neither came within `timeout` seconds.
        """
        if not self._settled.is_set():
            self._router.switch.check_process()
            if not self._settled.wait(timeout):
                raise CallTimeout("it is not ready after %g s" % (timeout or 0))
        if self.info is None:
            raise again(self.error or DisconnectedError("closed before it was ready"))
        return self.info

    def end(self, error: "Exception") -> "None":
        """Have its link ended over there."""
        if self._lose(error):
            self._tend("close", str(error))

    def kill(self) -> "None":
        """Have what was started for it killed over there."""
        self._tend("kill", None)

    def close(self) -> "None":
        """Have its link ended over there."""
        self.end(DisconnectedError("it was closed from here"))

    def release(self, reason: "str") -> "None":
        """Have a child let go that was detached."""
        self._tend("release", reason)
        self._lose(DisconnectedError(reason))

    def excuse(self, seconds: "float") -> "None":
        """Have no sign of life expected of it for so long."""
        self._tend("excuse", seconds)

    # -- what is told of it ----------------------------------------------------------------------

    def deliver(self, message: "Message") -> "None":
        """Take an event, on a reading thread."""
        if message.encoding == DEAD:
            try:
                error = exhume(message.payload, self._order.where)
            except ProtocolError as problem:
                error = problem  # the link to who said so is not to blame: it may be another's
            self._finish(error)
            return
        if self.error is not None and message.payload != GONE:
            return  # it is lost, and only its end is of interest
        event = None
        if message.encoding == PLAIN and len(message.payload) <= EVENT_LIMIT:
            try:
                event = read_event(decode(message.payload))
            except ProtocolError:
                event = None
        if event is None:
            self._refuse("what %s tells of it makes no sense")
        else:
            self._take(*event)

    def _refuse(self, text: "str") -> "None":
        """End it for what the context that it was started in tells of it."""
        self.end(ProtocolError("%s: %s" % (self._order.where, text % self.via.name)))

    def lose(self, error: "Exception") -> "None":
        """Take the news that nothing more will be told."""
        self._lose(error)
        self._let_go()

    def note_loss(self, error: "Exception") -> "None":
        """Take the news that the context is lost, from whoever found out first."""
        self._lose(error)

    def _take(self, verb: "str", told: "Any") -> "None":
        if verb == "ready":
            if self.error is None and self.info is None:
                self.info = told
                self._attempt.note("bootstrap", told.describe())
                self._stop_timer()
                self._settled.set()
        elif verb == "ask":
            self._take_question(told)
        elif verb == "lost":
            if self.farewell:
                where = self._order.where
                told = DisconnectedError("%s is gone: %s" % (where, self.farewell), self.farewell)
            self._lose(told)
        else:
            self._finish(DisconnectedError("%s has ended" % self._order.where))

    def _take_question(self, question: "str") -> "None":
        """Have the user asked, so often at most, and only while it logs in."""
        if self._settled.is_set():
            return
        self._questions += 1
        if self._questions > QUESTIONS_LIMIT:
            self._refuse("%s asks too much")
            return
        self._router.defer(lambda: self._answer(question))

    def _finish(self, error: "Exception") -> "None":
        """Note that nothing is left of it."""
        self._router.switch.unlisten(self._handle)
        self._lose(error)
        self._let_go()

    def _let_go(self) -> "None":
        self.gone.set()

    def _lose(self, error: "Exception") -> "bool":
        """Note why it is lost, and tell who waits for it; False if that was known."""
        with self._lock:
            if self.error is not None:
                return False
            self.error = error
        self._stop_timer()
        self._settled.set()
        self._router.lose_hop(self.peer_id, error)
        return True

    def _time_out(self) -> "None":
        if not self._settled.is_set():
            doing = "%s told nothing of it" % self.via.name
            error = self._attempt.timed_out("bootstrap", doing)
            if isinstance(error, ConnectTimeout):
                self.end(error)
                self._let_go()

    def _stop_timer(self) -> "None":
        if self._timer is not None:
            self._timer.cancel()

    # -- what is told back -----------------------------------------------------------------------

    def _tend(self, verb: "str", argument: "Any") -> "None":
        """Tell the context that it was started in what to do with it; never blocks."""
        payload = encode((self.peer_id, verb, argument))
        try:
            self._router.switch.send(self.via.id, TEND_CHILD, PLAIN, payload, 0, self.via.auth)
        except (Error, RefusedError):
            self._let_go()  # the way there is lost, and what lies behind it ends by itself

    def _answer(self, question: "str") -> "None":
        """Have the user answer a question of the login (on a thread that may block).

        He is told who asks: whatever is answered, that context can read.
        """
        where = self._order.where
        try:
            if self._prompts is None:
                raise Error("nobody is there to answer %r" % question)
            answer: "Any" = [check_answers(self._prompts(where, "", [(question, False)]))]
        except Exception as error:  # noqa: BLE001 user code; it ends the attempt over there
            answer = "prompts= failed: %s: %s" % (type(error).__name__, error)
        self._tend("answer", answer)
