"""Depot: modules on their way through a relay: kept here, so that none crosses a link twice.

Which context may have which module the parents decide, for each by its own grants; a relay keeps
what passes, and serves to a context behind it only what was granted to that one. A record that
this side has already comes as its name (CACHED), and goes on so to a relay that has it too.

To a child that it started by itself, a relay may give what it has itself.
"""

import threading
import zlib

from .authority import GET_MODULE, GET_RESOURCE, LOAD_MODULE, PASS_MODULES
from .errors import Error
from .fetch import pack_records
from .finder import CODE, MODULE, NAMESPACE, PACKAGE
from .questions import PAYLOAD, read_question
from .values import decode, encode
from .wire import DEAD, PLAIN, RAW

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Iterable, List, Optional, Set, Tuple

    from .finder import Finder
    from .link import Link
    from .switch import Switch
    from .wire import Message

    # name, kind, file name, source or reason, names of submodules
    Row = Tuple[str, str, str, Any, Any]

__all__ = ["CACHED", "Depot", "pack_parcel"]

# The kind of a record whose receiver has it already.
CACHED = "cached"

CONTENT = (MODULE, PACKAGE, NAMESPACE)

# Requests of one child that wait for an answer from above.
ERRANDS_LIMIT = 256

# Bytes of answers, to one neighbour, that may wait to be written; who asks for more and does not
# read gets none.
ANSWERS_LIMIT = 8 * 1024 * 1024


def pack_parcel(context_id: "int", rows: "Iterable[Row]") -> "bytes":
    """Return the payload of PASS_MODULES: records for a context behind who gets it."""
    return zlib.compress(encode((context_id, list(rows))), 6)


class Depot:
    """What passes through one relay, and the answers to those behind it."""

    def __init__(self, switch: "Switch", finder: "Finder") -> "None":
        self._switch = switch
        self._finder = finder
        self._kept: "Dict[str, Row]" = {}
        # Of each context behind this one: the names that it was granted, and those it was sent.
        self._granted: "Dict[int, Set[str]]" = {}
        self._sent: "Dict[int, Set[str]]" = {}
        # Of each child that was started from here: the top-level names that it may have.
        self._roots: "Dict[int, Set[str]]" = {}
        self._errands: "Dict[int, int]" = {}
        # Answers of one record, packed: who asks for the same again and again has this thread
        # compress it once.
        self._packed: "Dict[str, bytes]" = {}
        self._lock = threading.RLock()
        switch.serve(PASS_MODULES, self._pass_on)
        switch.serve(GET_MODULE, self._take_question)
        switch.serve(GET_RESOURCE, self._take_question)
        switch.observe(self._forget)

    # -- on the way down -------------------------------------------------------------------------

    def _pass_on(self, link: "Optional[Link]", message: "Message") -> "None":
        """Take records for a context behind this one (handler of PASS_MODULES)."""
        context_id, rows = decode(zlib.decompress(message.payload))
        with self._lock:
            self._send(context_id, self._keep(context_id, rows))

    def allow(self, context_id: "int", root: "str") -> "None":
        """Let a child that was started from here have a top-level package of ours."""
        with self._lock:
            self._roots.setdefault(context_id, {"remotesvc"}).add(root)

    def push(self, context_id: "int", names: "Iterable[str]") -> "None":
        """Send modules of ours to a child that was started from here, once."""
        with self._lock:
            sent = self._sent.get(context_id, ())
            rows = [self._find(name) for name in names if name not in sent]
            self._send(context_id, [row for row in rows if row is not None])

    def _keep(self, context_id: "int", rows: "Iterable[Row]") -> "List[Row]":
        """Note what a context was granted; return the records whole, as far as they are here."""
        granted = self._granted.setdefault(context_id, set())
        whole: "List[Row]" = []
        for row in rows:
            name, kind = row[:2]
            found: "Optional[Row]" = row
            if kind == CACHED:
                found = self._find(name)
            elif kind in CONTENT:
                self._kept[name] = row
            if found is not None:  # else it will be asked for, by who needs it
                whole.append(found)
            if kind == CACHED or kind in CONTENT:
                granted.add(name)
        return whole

    def _find(self, name: "str") -> "Optional[Row]":
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
        rows = self._shorten(link.peer_id, is_last, rows)
        handle = LOAD_MODULE if is_last else PASS_MODULES
        payload = pack_records(rows) if is_last else pack_parcel(context_id, rows)
        try:
            self._switch.send(link.peer_id, handle, RAW, payload)
        except Error:
            return  # it is lost; or too large for it, and it will ask for each

    def _shorten(
        self, peer_id: "int", is_last: "bool", rows: "List[Row]", wanted: "Any" = ""
    ) -> "List[Row]":
        """Return records without what a neighbour has already, but with what is `wanted`."""
        sent = self._sent.setdefault(peer_id, set())
        short: "List[Row]" = []
        for row in rows:
            is_news = row[1] not in CONTENT  # to be refused what others got is no name of it
            if is_news or row[0] not in sent or row[0] == wanted:
                short.append(row)
            elif not is_last:
                short.append((row[0], CACHED, "", "", None))
        sent.update(row[0] for row in rows if row[1] in CONTENT)
        return short

    # -- on the way up ---------------------------------------------------------------------------

    def _take_question(self, link: "Optional[Link]", message: "Message") -> "None":
        """Answer a neighbour, or ask the parent for it (handler of GET_MODULE, GET_RESOURCE)."""
        question = read_question(message)
        context_id = message.src if question is None else question[1] or message.src
        is_neighbour = link is not None and message.src == link.peer_id
        if question is None or not is_neighbour or context_id not in link.reach:  # type: ignore[union-attr]
            self._switch.refuse(link, message, "protocol", "no request of a child's for a module")
            return
        if link.outbox.size > ANSWERS_LIMIT:  # type: ignore[union-attr]
            # Not even a refusal is kept for it.
            self._switch.report_once(link, "congested", "dropped %r: it does not read" % message)
            return
        wanted, _, is_whole = question
        payload = vars(self._finder).get("payload") if wanted == PAYLOAD else None
        if payload is not None:
            self._switch.reply(message, RAW, payload)
            return
        name = wanted if isinstance(wanted, str) else wanted[0]
        is_ours = name.partition(".")[0] in self._roots.get(context_id, ())
        if message.handle == GET_MODULE:
            with self._lock:
                row = self._find(name)
                is_granted = is_ours or name in self._granted.get(context_id, ())
                if row is not None and is_granted:
                    self._answer(message, context_id, [row], is_whole)
                    return
        self._ask(message, wanted, context_id, is_ours, is_whole)

    def _ask(
        self,
        message: "Message",
        wanted: "Any",
        context_id: "int",
        is_ours: "bool",
        is_whole: "bool",
    ) -> "None":
        """Have the parent answer; for what this context may have itself, in its own name."""
        src = message.src
        with self._lock:
            count = self._errands.get(src, 0)
            if count >= ERRANDS_LIMIT:
                self._switch.refuse(None, message, "congested", "too many requests")
                return
            self._errands[src] = count + 1
        errand = _Errand(self, message, wanted, context_id, is_ours, is_whole)
        errand.ask(self._switch)

    def settle(self, errand: "_Errand", message: "Optional[Message]", text: "str" = "") -> "None":
        """Hand an answer from above to who asked."""
        asked, switch = errand.message, self._switch
        if message is None:
            switch.reply_dead(asked, "disconnected", text)
        elif message.encoding == DEAD or asked.handle != GET_MODULE:
            if errand.wanted == PAYLOAD and message.encoding == RAW:
                # For the next one, and for this child (bootstrap/seed.py).
                vars(self._finder)["payload"] = message.payload
            switch.reply(asked, message.encoding, message.payload)
        elif not self._pass_answer(errand, decode(zlib.decompress(message.payload))):
            if not errand.is_whole:
                errand.is_whole = True  # its name alone came, and it is not here yet
                errand.ask(switch)
                return
            switch.reply_dead(asked, "refused", "module %r got lost" % errand.wanted)
        with self._lock:
            left = self._errands.get(asked.src, 1) - 1
            if left:
                self._errands[asked.src] = left
            else:
                self._errands.pop(asked.src, None)

    def _pass_answer(self, errand: "_Errand", rows: "List[Row]") -> "bool":
        """Keep records from above and pass them on; False if what was asked for is not there."""
        with self._lock:
            whole = self._keep(errand.context_id, rows)
            is_there = any(row[0] == errand.wanted for row in whole)
            if is_there:
                self._answer(errand.message, errand.context_id, whole, errand.is_whole)
            return is_there

    def _answer(
        self, message: "Message", context_id: "int", rows: "List[Row]", is_whole: "bool"
    ) -> "None":
        asker = message.src
        is_last = asker == context_id
        wanted = rows[0][0] if is_last or is_whole else ""
        rows = self._shorten(asker, is_last, rows, wanted)
        self._switch.reply(message, RAW, self._pack(rows))

    def _pack(self, rows: "List[Row]") -> "bytes":
        if len(rows) != 1 or rows[0][1] not in CONTENT:
            return pack_records(rows)
        name = rows[0][0]
        packed = self._packed.get(name)
        if packed is None:
            packed = self._packed[name] = pack_records(rows)
        return packed

    def _forget(self, ids: "Set[int]", error: "Exception") -> "None":
        """Drop what concerns lost contexts (observer of the switch)."""
        with self._lock:
            for context_id in ids:
                for table in (self._granted, self._sent, self._roots, self._errands):
                    table.pop(context_id, None)


class _Errand:
    """A question that was passed on; waits for the answer of the parent."""

    limit = 0

    def __init__(
        self,
        depot: "Depot",
        message: "Message",
        wanted: "Any",
        context_id: "int",
        is_ours: "bool",
        is_whole: "bool",
    ) -> "None":
        self.message = message
        self.wanted = wanted
        self.context_id = context_id
        self.respondent = 0
        self._depot = depot
        self.is_whole = is_whole
        self._is_ours = is_ours

    def ask(self, switch: "Switch") -> "None":
        """Send it up."""
        self.respondent = switch.parents[0]
        for_whom = switch.id if self._is_ours else self.context_id
        question = (self.wanted, for_whom, self.is_whole)
        reply_to = switch.listen(self)
        try:
            switch.send(self.respondent, self.message.handle, PLAIN, encode(question), reply_to)
        except Error as error:
            if switch.unlisten(reply_to) is not None:
                self.lose(error)

    def deliver(self, message: "Message") -> "None":
        """Take the answer."""
        self._depot.settle(self, message)

    def lose(self, error: "Exception") -> "None":
        """Take the news that there will be none."""
        self._depot.settle(self, None, str(error))
