"""Desk: the calls that are here: counted, cancelled, ended with a reason.

A call is here until it was answered, its method has ended, and so has the stream that it returned.
"""

import itertools
import threading

from ..core.dead import bury
from ..core.errors import MessageTooLarge, ProtocolError
from ..core.wire import DEAD
from .admission import refuse_key, refuse_waiting
from .call import running_call

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, Dict, Iterable, List, Optional, Tuple

    from ..core.link import Link
    from ..core.loop import Loop
    from ..core.switch import Switch
    from .call import Call
    from .runner import Runner

__all__ = ["Desk"]

# A cancel may overtake its call, which may be large; one that comes too late looks the same, so
# no more of them are remembered than this.
EARLY_LIMIT = 1000


class Desk:
    """Takes calls in and answers them; `defer(job, *args)` runs what may not run on the reader."""

    def __init__(
        self,
        switch: "Switch",
        loop: "Loop",
        runner: "Runner",
        defer: "Callable[..., None]",
        grace: "float",
    ) -> "None":
        self._switch = switch
        self._loop = loop
        self._runner = runner
        self._defer = defer
        self._grace = grace
        self._calls: "Dict[Tuple[int, int], Call]" = {}
        # Of each sender, with the children that it made up: calls, bytes.
        self._accounts: "Dict[int, List[int]]" = {}
        self._numbers = itertools.count(1)
        self._early: "Dict[Tuple[int, int], None]" = {}
        self._lock = threading.Lock()
        self._left = threading.Condition(self._lock)
        # Whether somebody waits for those that are here to leave.
        self._is_closing = False

    def open(self, call: "Call") -> "Optional[str]":
        """Take a call in; return why not, or raise ProtocolError."""
        relay = self._switch.relay
        if relay is not None:
            call.account = relay.routes.account_of(call.src)
        with self._lock:
            if not call.is_awaited:
                call.key = (call.src, -next(self._numbers))  # nobody can name it
            breach = refuse_key(call.key in self._calls, call.message.reply_to)
            if breach is not None:
                raise ProtocolError(breach)
            calls, size = self._accounts.get(call.account, (0, 0))
            refusal = refuse_waiting(call.is_commanded, calls, size + call.size)
            if refusal is None:
                self._accounts[call.account] = [calls + 1, size + call.size]
                self._calls[call.key] = call
                call.desk = self
                if self._early and self._early.pop(call.key, 0) is None:
                    call.cancel()
            return refusal

    def answer(self, call: "Call", encoding: "int", payload: "bytes") -> "None":
        """Answer a call that was taken in, once; if its caller is a parent, wait for room."""
        link = self._answer(call, encoding, payload)
        if link is not None and call.is_commanded and not self._loop.is_current():
            link.wait_for_room()

    def _answer(self, call: "Call", encoding: "int", payload: "bytes") -> "Optional[Link]":
        with self._lock:
            if call.is_answered:
                return None
            call.is_answered = True
            self._leave(call)
        try:
            return self._switch.reply(call.message, encoding, payload)
        except MessageTooLarge as error:
            self._switch.reply_dead(call.message, "size", "%s: %s" % (call.name, error))
            return None

    def leave(self, call: "Call") -> "None":
        """Forget a call, if it is over."""
        with self._lock:
            self._leave(call)

    def _leave(self, call: "Call") -> "None":
        is_over = call.is_answered and not (call.is_running or call.is_offered)
        if not is_over or self._calls.get(call.key) is not call:
            return
        del self._calls[call.key]
        if self._is_closing:
            self._left.notify_all()
        account = self._accounts[call.account]
        account[0] -= 1
        account[1] -= call.size
        if not account[0]:
            del self._accounts[call.account]
        if call.origin is not None:
            call.origin.is_offered = False  # this one has read its stream
            self._leave(call.origin)

    def cancel(self, key: "Tuple[int, int]", may_be_early: "bool") -> "None":
        """Cancel a call: one that waits is not begun, one that runs is interrupted."""
        with self._lock:
            call = self._calls.get(key)
            if call is None and may_be_early:
                if len(self._early) >= EARLY_LIMIT:
                    self._early.clear()
                self._early[key] = None
        if call is not None:
            self._end(call)

    def lose(self, ids: "Iterable[int]") -> "None":
        """Cancel all calls of lost contexts."""
        wanted = set(ids)
        with self._lock:
            lost = [call for call in self._calls.values() if call.src in wanted]
        for call in lost:
            self._end(call)

    def refuse_all(self, text: "str", patience: "float" = 0.0) -> "None":
        """Tell all callers why they get no result, and cancel their calls.

        What runs and nobody waits for was let begin, and its caller relies on that: it has
        `patience` seconds to end by itself.
        """
        with self._lock:
            self._is_closing = True
            calls = list(self._calls.values())
        own = running_call()
        unheard = [call for call in calls if call is not own and _is_unheard(call)]
        for call in calls:
            if call not in unheard:
                self._answer(call, DEAD, bury("refused", "%s: %s" % (call.name, text)))
                self._end(call)
        with self._left:
            self._left.wait_for(lambda: not self._are_here(unheard), patience)
            unheard = self._are_here(unheard)
        for call in unheard:
            self._end(call)

    def _are_here(self, calls: "List[Call]") -> "List[Call]":
        return [call for call in calls if self._calls.get(call.key) is call]

    def _end(self, call: "Call") -> "None":
        if call.is_dropped:
            return
        # In this order: a thread that begins with it notes that, and then looks whether it may.
        call.is_dropped = True
        run = call if call.invoker is None else call.invoker.cancel(call)
        if run is not None:
            run.cancel()
        if call.wake is not None:
            call.wake()
        if run is not None and run.ident:
            self._defer(self._runner.interrupt, run)
            self._loop.call_later(self._grace, lambda: self._defer(self._runner.give_up, run))


def _is_unheard(call: "Call") -> "bool":
    """Tell whether the method of a call runs, and nobody waits for what comes of it."""
    return call.is_running and (call.is_answered or not call.is_awaited) and not call.is_offered
