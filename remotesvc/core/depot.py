"""Depot: modules on their way through a relay: kept, so that none crosses a link twice.

Which context may have which module the parents decide, for each by its own grants; a relay keeps
what passes, and serves to a context behind it only what was granted to that one. A record that
this side has already comes as its name (CACHED), and goes on so to a relay that has it too.

To a child that it started by itself, a relay may give what it has itself. Questions are answered
by a clerk (clerk.py), who comes with the first one: to open a context takes none.
"""

import importlib
import threading
import zlib

from .authority import GET_MODULE, GET_RESOURCE, LOAD_MODULE, PASS_MODULES
from .errors import Error
from .fetch import pack_records
from .finder import CODE, MODULE, NAMESPACE, PACKAGE
from .values import decode, encode
from .wire import RAW

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Iterable, List, Optional, Set, Tuple

    from .clerk import Clerk
    from .finder import Finder
    from .link import Link
    from .switch import Switch
    from .wire import Message

    # name, kind, file name, source or reason, names of submodules
    Row = Tuple[str, str, str, Any, Any]

__all__ = ["CACHED", "CONTENT", "Depot", "pack_parcel"]

# The kind of a record whose receiver has it already.
CACHED = "cached"

CONTENT = (MODULE, PACKAGE, NAMESPACE)


def pack_parcel(context_id: "int", rows: "Iterable[Row]") -> "bytes":
    """Return the payload of PASS_MODULES: records for a context behind who gets it."""
    return zlib.compress(encode((context_id, list(rows))), 6)


class Depot:
    """What passes through one relay.

    `call_later(seconds, callback)` is that of the loop; `lock` guards this and the clerk.
    """

    def __init__(
        self,
        switch: "Switch",
        finder: "Finder",
        call_later: "Callable[[float, Callable[[], None]], object]",
    ) -> "None":
        self.lock = threading.RLock()
        self._switch = switch
        self._call_later = call_later
        self._finder = finder
        self._clerk: "Optional[Clerk]" = None
        self._kept: "Dict[str, Row]" = {}
        # Of each context behind this one: the names that it was granted, and those it was sent.
        self._granted: "Dict[int, Set[str]]" = {}
        self._sent: "Dict[int, Set[str]]" = {}
        # Of each neighbour that is a relay: what it keeps for those behind it.
        self._passed: "Dict[int, Set[str]]" = {}
        # Of each child that was started from here: the top-level names that it may have.
        self._roots: "Dict[int, Set[str]]" = {}
        self._request_of, finder.request_of = finder.request_of, self._request
        finder.ask = self._ask
        switch.serve(LOAD_MODULE, self._load)
        switch.serve(PASS_MODULES, self._pass_on)
        switch.serve(GET_MODULE, self._take_question)
        switch.serve(GET_RESOURCE, self._take_question)
        switch.observe(self._forget)

    def _forget(self, ids: "Set[int]", error: "Exception") -> "None":
        """Drop what concerns lost contexts (observer of the switch)."""
        with self.lock:
            for context_id in ids:
                for table in (self._granted, self._sent, self._passed, self._roots):
                    table.pop(context_id, None)

    # -- questions -------------------------------------------------------------------------------

    @property
    def clerk(self) -> "Clerk":
        """Who answers questions, made at the first one: compiling it takes a while.

        That may be on the I/O thread, which cannot ask: all of it came ahead (HOP_MODULES).
        """
        with self.lock:
            if self._clerk is None:
                clerk = importlib.import_module("remotesvc.core.clerk")
                self._clerk = clerk.Clerk(
                    self, self._switch, self._finder, self._request_of, self._call_later
                )
            return self._clerk

    def _take_question(self, link: "Optional[Link]", message: "Message") -> "None":
        """Have what a neighbour asks answered (handler of GET_MODULE, GET_RESOURCE)."""
        self.clerk.take_question(link, message)

    def _request(self, handle: "int", question: "Any", what: "str") -> "Message":
        """Ask for something for this context itself."""
        if handle == GET_RESOURCE:
            return self.clerk.request(question, what)
        return self._request_of(handle, question, what)  # type: ignore[misc]

    def _ask(self, name: "str") -> "None":
        """Ask for a module for this context itself."""
        self.clerk.ask(name)

    def may_have(self, context_id: "int", name: "str") -> "bool":
        """Tell whether a context was granted a module, or what it is started with here."""
        return name in self._granted.get(context_id, ()) or self.is_ours(context_id, name)

    def is_ours(self, context_id: "int", name: "str") -> "bool":
        """Tell whether a child that was started from here may have what we may have."""
        return name.partition(".")[0] in self._roots.get(context_id, ())

    # -- on the way down -------------------------------------------------------------------------

    def _load(self, link: "Optional[Link]", message: "Message") -> "None":
        """Take records for this context itself (handler of LOAD_MODULE)."""
        self.add(decode(zlib.decompress(message.payload)))

    def add(self, rows: "Iterable[Row]") -> "Set[str]":
        """Give the finder what came; return the names of all but what is not here, of names."""
        added: "Set[str]" = set()
        for row in rows:
            found = row
            if row[1] == CACHED:
                with self.lock:
                    found = self.find(row[0])  # type: ignore[assignment]
            if found is not None:  # else it will be asked for
                self._finder.add(found[0], tuple(found[1:]))
                added.add(found[0])
        return added

    def _pass_on(self, link: "Optional[Link]", message: "Message") -> "None":
        """Take records for a context behind this one (handler of PASS_MODULES)."""
        context_id, rows = decode(zlib.decompress(message.payload))
        with self.lock:
            self._send(context_id, self.keep(context_id, rows))

    def allow(self, context_id: "int", root: "str") -> "None":
        """Let a child that was started from here have a top-level package of ours."""
        with self.lock:
            self._roots.setdefault(context_id, {"remotesvc"}).add(root)

    def push(self, context_id: "int", names: "Iterable[str]") -> "None":
        """Send modules of ours to a child that was started from here, once."""
        with self.lock:
            sent = self._sent.get(context_id, ())
            rows = [self.find(name) for name in names if name not in sent]
            self._send(context_id, [row for row in rows if row is not None])

    def keep(self, context_id: "int", rows: "Iterable[Row]") -> "List[Row]":
        """Note what a context was granted; return the records whole, as far as they are here."""
        granted: "Set[str]" = set()
        if context_id in self._switch.routes:  # else it is lost, and nobody forgets it again
            granted = self._granted.setdefault(context_id, granted)
        whole: "List[Row]" = []
        for row in rows:
            name, kind = row[:2]
            found: "Optional[Row]" = row
            if kind == CACHED:
                found = self.find(name)
            elif kind in CONTENT:
                self._kept[name] = row
            if found is not None:  # else it will be asked for, by who needs it
                whole.append(found)
            if kind == CACHED or kind in CONTENT:
                granted.add(name)
        return whole

    def find(self, name: "str") -> "Optional[Row]":
        """Return a module that is here as source."""
        row = self._kept.get(name)
        if row is None:
            record = self._finder.records.get(name)
            if record is None or record[0] not in CONTENT or isinstance(record[2], CODE):
                return None
            row = (name, *record)
        return row

    def _send(self, context_id: "int", rows: "List[Row]") -> "None":
        """Send records towards a context; a relay before it gets the names of what it has."""
        link = self._switch.routes.get(context_id)
        if link is None or not rows:
            return
        is_last = link.peer_id == context_id
        rows = self.shorten(link.peer_id, is_last, rows)
        handle = LOAD_MODULE if is_last else PASS_MODULES
        payload = pack_records(rows) if is_last else pack_parcel(context_id, rows)
        try:
            self._switch.send(link.peer_id, handle, RAW, payload)
        except Error:
            return  # it is lost; or too large for it, and it will ask for each

    def shorten(
        self, peer_id: "int", is_last: "bool", rows: "List[Row]", wanted: "Any" = ""
    ) -> "List[Row]":
        """Return records without what a neighbour has already, but with what is `wanted`."""
        sent = self._sent.setdefault(peer_id, set())
        passed = self._passed.setdefault(peer_id, set())
        short: "List[Row]" = []
        for row in rows:
            is_news = row[1] not in CONTENT  # to be refused what others got is no name of it
            if is_news or row[0] not in sent or row[0] == wanted:
                short.append(row)
            elif not is_last or row[0] in passed:
                short.append((row[0], CACHED, "", "", None))
        names = {row[0] for row in rows if row[1] in CONTENT}
        sent.update(names)
        if not is_last:
            passed.update(names)
        return short
