"""Roster: the contexts of one router: who is connecting, who is connected, who has to go."""

import itertools
import threading
import time

from ..core.context import Context
from ..core.errors import Error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, Dict, List, Optional, Set, Union

    from ..types import Home
    from .base import Attempt, Connection
    from .hop import Hop

    Opened = Union[Connection, Hop]

__all__ = ["LAST_MOMENT", "Roster", "left_until", "see_off"]

# A thread that was told to end takes some milliseconds, what was killed more on a busy machine.
LAST_MOMENT = 0.1
KILLED = 0.5


class Roster:
    """A table that threads may share; once closed, nothing new is begun. take_id() may block."""

    def __init__(self, router: "Home", take_id: "Callable[[], int]") -> "None":
        self.is_closed = False
        self._router = router
        self._take_id = take_id
        self._contexts: "Dict[int, Context]" = {}
        self._connections: "List[Opened]" = []
        self._attempts: "Set[Attempt]" = set()
        self._lock = threading.Lock()
        self._attempt_ended = threading.Condition(self._lock)

    # -- who is connecting -----------------------------------------------------------------------

    @property
    def attempts(self) -> "List[Attempt]":
        """The attempts that are under way."""
        with self._lock:
            return list(self._attempts)

    def begin(self, attempt: "Attempt") -> "int":
        """Note an attempt, and return an id for what comes of it."""
        with self._lock:
            if self.is_closed:
                raise Error("this router is closed: open a new one")
            self._attempts.add(attempt)
        try:
            return self._take_id()
        except BaseException:
            self.finish(attempt)
            raise

    def finish(self, attempt: "Attempt") -> "None":
        """Note that an attempt is over."""
        with self._lock:
            self._attempts.discard(attempt)
            self._attempt_ended.notify_all()

    # -- who is connected ------------------------------------------------------------------------

    @property
    def contexts(self) -> "List[Context]":
        """The contexts that are connected, or were adopted and are on their way."""
        return list(self._contexts.values())

    def find(self, context_id: "int") -> "Optional[Context]":
        """Return the context with an id, None if there is none (any more)."""
        return self._contexts.get(context_id)

    def name_of(self, context_id: "int") -> "str":
        """Return our own name for a context: what it says of itself is not taken."""
        context = self._contexts.get(context_id)
        return "context %d" % context_id if context is None else context.name

    def adopt(
        self,
        connection: "Opened",
        name: "Optional[str]",
        where: "str",
        takes_pickle: "bool",
    ) -> "Context":
        """Make the context of a connection, under a name that no other one has."""
        context_id = connection.link.peer_id
        with self._lock:
            name = name or self._new_name(where)
            context = Context(self._router, context_id, name, connection, takes_pickle)
            self._note(context, connection)
        return context

    def renew(self, context: "Context", connection: "Opened") -> "None":
        """Give a context that is lost a new connection, and with it a new id."""
        with self._lock:
            context.renew(connection.link.peer_id, connection)
            self._note(context, connection)

    def _note(self, context: "Context", connection: "Opened") -> "None":
        self._contexts[context.id] = context
        # Those that are gone for good need nobody to see them off.
        alive = [other for other in self._connections if not other.stream.gone.is_set()]
        self._connections = [*alive, connection]

    def note(self, context_id: "int", name: "str") -> "Context":
        """Return the context with an id that somebody else opened below this one."""
        with self._lock:
            context = self._contexts.get(context_id)
            if context is None:
                context = self._contexts[context_id] = Context(self._router, context_id, name)
            return context

    def _new_name(self, where: "str") -> "str":
        taken = {context.name for context in self._contexts.values()}
        names = itertools.chain((where,), ("%s.%d" % (where, n) for n in itertools.count(2)))
        return next(name for name in names if name not in taken)

    def forget(self, ids: "Set[int]", error: "Exception") -> "None":
        """Drop lost contexts, and tell whoever wanted to know (observer of the switch)."""
        with self._lock:
            lost = [self._contexts.pop(i) for i in ids if i in self._contexts]
        for context in lost:
            context.lose(error)

    # -- the end ---------------------------------------------------------------------------------

    def close(self) -> "bool":
        """Let nothing new begin; tell whether this was the first time."""
        with self._lock:
            was_open = not self.is_closed
            self.is_closed = True
        return was_open

    def end_attempts(self, patience: "float") -> "List[Opened]":
        """Cancel what is still connecting, wait for it, and return all connections there are."""
        for attempt in self.attempts:
            attempt.cancel()
        with self._lock:
            self._attempt_ended.wait_for(lambda: not self._attempts, patience)
            return self._connections


def see_off(connections: "List[Opened]", limit: "float") -> "None":
    """Wait until everything that was started is gone; kill what is not by `limit`."""
    late = [one for one in connections if not one.stream.gone.wait(left_until(limit, 0))]
    for connection in late:
        connection.stream.kill()
    limit = time.monotonic() + KILLED
    for connection in late:
        connection.stream.gone.wait(left_until(limit, 0))


def left_until(limit: "float", least: "float" = LAST_MOMENT) -> "float":
    """Return the seconds until a moment, at least `least`."""
    return max(least, limit - time.monotonic())
