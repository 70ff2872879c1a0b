"""Openings: how user code in a child opens contexts of its own, as the controller's Router does.

Ids come from the controller, a block at a time. The parent is told of each new context, and passes
on what that prints and asks for.
"""

import threading

from ..core.authority import ALLOCATE_ID
from ..core.errors import RefusedError
from ..core.hops import HOP_MODULES, hops_of
from ..core.pending import Pending
from ..core.values import decode
from ..core.wire import DEAD, RAW
from .connectors import find_connector
from .opener import Opener
from .opening import Common, open_child
from .roster import Roster
from .ways import Ways

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Union

    from ..branch import Branch
    from ..core.context import Context
    from .base import Connection
    from .hop import Hop

__all__ = ["Openings"]

# The controller answers a request for ids at once.
ALLOCATE_TIMEOUT = 30.0


class Openings(Ways, Opener):
    """What opens contexts in one child, for its Branch."""

    on_step = None

    def __init__(self, branch: "Branch") -> "None":
        child = branch.child
        Opener.__init__(self, child, child.settings.log_level)
        self.home = branch
        for name in HOP_MODULES:
            # They are to be here before the I/O thread imports the last of them: it cannot ask.
            child._finder.find_spec(name)
        self.hops = hops_of(child)
        self.roster = Roster(branch, self._take_id)
        self._ids: "List[int]" = []
        self._lock = threading.Lock()
        self.switch.observe(self.roster.forget)

    def _open(
        self, kind: "str", where: "str", opts: "Dict[str, Any]", *args: "Any", **common: "Any"
    ) -> "Context":
        self.home.check_may_block()
        options = Common(*args, **common)
        if options.results != "plain":
            raise RefusedError("results='pickle' is for the controller: a child takes no pickles")
        context = open_child(self, self.roster, find_connector(kind), where, opts, options)
        context.kind = kind
        return context

    @property
    def contexts(self) -> "List[Context]":
        """The contexts that were opened from here."""
        return self.roster.contexts

    def _take_id(self) -> "int":
        """Return an id that nobody had before, from the block of this child."""
        with self._lock:
            if not self._ids:
                self._ids = self._ask_for_ids()
            return self._ids.pop(0)

    def _ask_for_ids(self) -> "List[int]":
        switch = self.switch
        root = switch.parents[-1]
        pending = Pending(root)
        handle = switch.listen(pending)
        try:
            switch.send(root, ALLOCATE_ID, RAW, b"", handle)
            reply = pending.wait(ALLOCATE_TIMEOUT, "the request for context ids")
        finally:
            switch.unlisten(handle)
        fields: "Any" = decode(reply.payload)
        if reply.encoding == DEAD:
            raise RefusedError("no context can be opened here: %s" % fields[1])
        return list(range(*fields))

    # -- what open_child() asks ------------------------------------------------------------------

    def announce(self, connection: "Union[Connection, Hop]") -> "None":
        """Tell the parent of a context before anything of it can come there."""
        context_id = connection.link.peer_id
        self.hops.depot.allow(context_id, "remotesvc")
        if hasattr(connection, "via"):
            self.add_hop(context_id, connection.via.id)
        else:
            self.hops.connections[context_id] = connection
            self.switch.add_link(connection.link)
        self.switch.relay.routes.announce(context_id)  # type: ignore[union-attr]

    def add_hop(self, context_id: "int", via_id: "int") -> "None":
        """Make the way to a context that is going to be opened in another one."""
        if context_id not in self.switch.routes:
            self.switch.relay.routes.give(context_id, context_id + 1, via_id, True)  # type: ignore[union-attr]

    def lose_hop(self, context_id: "int", error: "Exception") -> "None":
        """Drop it, and tell those whom it concerns."""
        self.switch.relay.routes.lose(context_id, error)  # type: ignore[union-attr]

    def push_connector(self, via_id: "int", module: "str") -> "None":
        """Send ahead what a context must have before its first order; it asks for the rest."""
        self.hops.depot.allow(via_id, module.partition(".")[0])
        self.hops.depot.push(via_id, HOP_MODULES)
