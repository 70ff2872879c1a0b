"""Depot: modules and files on their way through a relay: kept, so that none crosses a link twice.

Which context may have which module the parents decide, for each by its own grants; a relay keeps
what passes, and serves to a context behind it only what was granted to that one. A record that
this side has already comes as its name (CACHED), and goes on so to a relay that has it too. What
is on its way is not asked for again (errands.py); for a file the parents are asked each time, and
say that it is still the same (shelf.py).

To a child that it started by itself, a relay may give what it has itself.
"""

import threading
import zlib

from .authority import GET_MODULE, GET_RESOURCE, LOAD_MODULE, PASS_MODULES
from .dead import bury
from .errands import Errands
from .errors import Error, MessageTooLarge
from .fetch import FETCH_TIMEOUT, pack_records
from .finder import CODE, MODULE, NAMESPACE, PACKAGE
from .questions import PAYLOAD, read_question
from .shelf import SAME, File, Shelf
from .values import decode, encode
from .wire import DEAD, PLAIN, RAW

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Iterable, List, Optional, Set, Tuple, Union

    from .finder import Finder
    from .link import Link
    from .questions import Question
    from .switch import Switch
    from .wire import Message

    # name, kind, file name, source or reason, names of submodules
    Row = Tuple[str, str, str, Any, Any]
    # Records; a file; or the payload of a dead reply.
    Answer = Union[List[Row], File, bytes]

__all__ = ["CACHED", "Depot", "pack_parcel"]

# The kind of a record whose receiver has it already.
CACHED = "cached"

CONTENT = (MODULE, PACKAGE, NAMESPACE)

# Requests of one child that wait for an answer from above.
ERRANDS_LIMIT = 256

# Bytes of answers, to one neighbour, that may wait to be written; who asks for more and does not
# read gets none.
ANSWERS_LIMIT = 8 * 1024 * 1024

# Who waits for the answer to somebody else is asked for by itself after once or twice this time:
# that answer may be lost, and half of what an import waits is left then.
PATIENCE = FETCH_TIMEOUT / 4


def pack_parcel(context_id: "int", rows: "Iterable[Row]") -> "bytes":
    """Return the payload of PASS_MODULES: records for a context behind who gets it."""
    return zlib.compress(encode((context_id, list(rows))), 6)


class Depot:
    """What passes through one relay, and the answers to those behind it.

    `call_later(seconds, callback)` is that of the loop.
    """

    def __init__(
        self,
        switch: "Switch",
        finder: "Finder",
        call_later: "Callable[[float, Callable[[], None]], object]",
    ) -> "None":
        self._switch = switch
        self._call_later = call_later
        self._finder = finder
        self._kept: "Dict[str, Row]" = {}
        # Of each context behind this one: the names that it was granted, and those it was sent.
        self._granted: "Dict[int, Set[str]]" = {}
        self._sent: "Dict[int, Set[str]]" = {}
        # Of each child that was started from here: the top-level names that it may have.
        self._roots: "Dict[int, Set[str]]" = {}
        # How many questions of each neighbour are not answered yet, and which wait for which.
        self._counts: "Dict[int, int]" = {}
        self._errands = Errands()
        self._is_watching = False
        self._shelf = Shelf()
        # Answers of one record, packed: who asks for the same again and again has this thread
        # compress it once.
        self._packed: "Dict[str, bytes]" = {}
        self._lock = threading.RLock()
        self._request_of, finder.request_of = finder.request_of, self._request
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
        granted: "Set[str]" = set()
        if context_id in self._switch.routes:  # else it is lost, and nobody forgets it again
            granted = self._granted.setdefault(context_id, granted)
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
        errand = _Errand(self, message, question)
        if question[0] == PAYLOAD and "payload" in vars(self._finder):
            self._switch.reply(message, RAW, vars(self._finder)["payload"])
            return
        with self._lock:
            name = errand.name
            is_ours = name.partition(".")[0] in self._roots.get(errand.context_id, ())
            row = self._find(name) if message.handle == GET_MODULE else None
            if row is not None and (is_ours or name in self._granted.get(errand.context_id, ())):
                self._answer(message, errand.context_id, [row], errand.has)
                return
            if is_ours:
                errand.whom = self._switch.id
            if not self._begin(errand):
                return
        errand.ask(self._switch)

    def _begin(self, errand: "_Errand") -> "bool":
        """Take what the parent has to answer; tell whether it is to be asked now."""
        count = self._counts.get(errand.src, 0)
        if count >= ERRANDS_LIMIT:
            self._switch.refuse(None, errand.message, "congested", "too many requests")
            return False
        self._counts[errand.src] = count + 1
        if self._is_here(errand) or self._errands.join(errand):
            return True
        self._watch()
        return False

    def _is_here(self, errand: "_Errand") -> "bool":
        """Tell whether what is wanted would come as its name."""
        if errand.message.handle == GET_MODULE:
            return self._find(errand.name) is not None
        return self._shelf.get(errand.wanted) is not None

    def find_file(self, errand: "_Errand") -> "Optional[File]":
        """Return the file that is wanted as it is here."""
        with self._lock:
            return None if errand.message.handle == GET_MODULE else self._shelf.get(errand.wanted)

    def _request(self, handle: "int", question: "Any", what: "str") -> "Message":
        """Ask for something for this context itself: of files, too, what came once is kept."""
        ask: "Any" = self._request_of
        if handle != GET_RESOURCE:
            return ask(handle, question, what)  # type: ignore[no-any-return]
        with self._lock:
            file = self._shelf.get(question)
        reply: "Message" = ask(handle, (question, 0, 0 if file is None else file.stamp), what)
        if file is not None and (reply.encoding, reply.payload) == (PLAIN, SAME):
            reply.encoding, reply.payload = file.encoding, file.payload
        elif reply.encoding != DEAD:
            with self._lock:
                self._shelf.keep(question, File(reply.encoding, reply.payload))
        return reply

    def _watch(self) -> "None":
        if not self._is_watching:
            self._is_watching = True
            self._call_later(PATIENCE, self._free_the_patient)

    def _free_the_patient(self) -> "None":
        """Ask for what has waited for others for long."""
        with self._lock:
            freed = self._errands.lapse()
            self._is_watching = False
            if self._errands:
                self._watch()
        for errand in freed:
            errand.ask(self._switch)

    def settle(self, errand: "_Errand", message: "Optional[Message]", text: "str" = "") -> "None":
        """Hand an answer from above to who asked, and to who waits for the very same one."""
        with self._lock:
            answer = self._open(errand, message, text)
            if answer is None:
                errand.is_retry = True  # its name alone came, and it is not here yet
                freed = [errand]
            else:
                self._close(errand, answer)
                is_over = message is None or self._is_here(errand)
                same, freed = self._errands.end(errand, is_over)
                for one in same:
                    self._close(one, answer)
        for one in freed:
            one.ask(self._switch)

    def _open(
        self, errand: "_Errand", message: "Optional[Message]", text: "str"
    ) -> "Optional[Answer]":
        """Return what came; None if a module is to be asked for once more, in full."""
        if message is None:
            return bury("disconnected", text)
        if message.encoding == DEAD:
            return message.payload
        if errand.message.handle == GET_MODULE:
            rows: "List[Row]" = decode(zlib.decompress(message.payload))
            here = {row[0] for row in rows if row[1] != CACHED or self._find(row[0]) is not None}
            if errand.name in here:
                return rows
            lost = bury("refused", "module %r got lost" % errand.name)
            return lost if errand.is_retry else None
        if (message.encoding, message.payload) != (PLAIN, SAME):
            return File(message.encoding, message.payload)
        return errand.kept or bury("refused", "file %r got lost" % (errand.wanted,))

    def _close(self, errand: "_Errand", answer: "Answer") -> "None":
        """Keep what came, and answer one who asked for it."""
        message = errand.message
        if isinstance(answer, list):
            whole = self._keep(errand.context_id, answer)
            self._answer(message, errand.context_id, whole, errand.has)
        elif isinstance(answer, File):
            self._shelf.keep(errand.wanted, answer)
            if errand.wanted == PAYLOAD:
                # For the next one, and for this child (bootstrap/seed.py).
                vars(self._finder)["payload"] = answer.payload
            self._switch.reply(message, *answer.answer_to(errand.has))
        else:
            self._switch.reply(message, DEAD, answer)
        left = self._counts.get(errand.src, 1) - 1
        if left:
            self._counts[errand.src] = left
        else:
            self._counts.pop(errand.src, None)

    def _answer(
        self, message: "Message", context_id: "int", rows: "List[Row]", is_whole: "bool"
    ) -> "None":
        asker = message.src
        if asker not in self._switch.routes:
            return
        is_last = asker == context_id
        wanted = rows[0][0] if is_last or is_whole else ""
        rows = self._shorten(asker, is_last, rows, wanted)
        try:
            self._switch.reply(message, RAW, self._pack(rows))
        except MessageTooLarge as error:  # names take less than what they stand for
            self._switch.reply_dead(message, "size", str(error))

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
            self._errands.forget(ids)
            for context_id in ids:
                for table in (self._granted, self._sent, self._roots, self._counts):
                    table.pop(context_id, None)


class _Errand:
    """A question that is passed on; waits for the answer of the parent.

    context_id: for which context it was asked; whom: for which one it is asked on, which is this
    one for what that may have itself; has: what the asker has of it, see read_question().
    """

    limit = 0

    def __init__(self, depot: "Depot", message: "Message", question: "Question") -> "None":
        self.message = message
        self.src = message.src
        self.wanted, context_id, self.has = question
        self.name: "str" = self.wanted if message.handle == GET_MODULE else self.wanted[0]
        self.context_id = self.whom = context_id or message.src
        self.key = (message.handle, self.wanted)
        self.is_retry = False
        self.kept: "Optional[File]" = None
        self.respondent = 0
        self._depot = depot

    def ask(self, switch: "Switch") -> "None":
        """Send it up."""
        self.respondent = switch.parents[0]
        has: "Any" = self.is_retry
        if self.message.handle != GET_MODULE:
            self.kept = self._depot.find_file(self)
            has = 0 if self.kept is None else self.kept.stamp
        reply_to = switch.listen(self)
        question = encode((self.wanted, self.whom, has))
        try:
            switch.send(self.respondent, self.message.handle, PLAIN, question, reply_to)
        except Error as error:
            if switch.unlisten(reply_to) is not None:
                self.lose(error)

    def deliver(self, message: "Message") -> "None":
        """Take the answer."""
        self._depot.settle(self, message)

    def lose(self, error: "Exception") -> "None":
        """Take the news that there will be none."""
        self._depot.settle(self, None, str(error))
