"""Clerk: answers what a relay is asked for from behind: with what is here, or from above.

The depot knows who was granted which module; whoever was not is asked for above, in his own name.
What is on its way is not asked for again (errands.py); for a file the parents are asked each time,
and say that it is still the same (shelf.py). The same for what this context itself reads.
"""

import zlib

from .authority import GET_MODULE, GET_RESOURCE
from .dead import bury
from .depot import CACHED, CONTENT
from .errands import Errands
from .errors import Error, MessageTooLarge
from .fetch import FETCH_TIMEOUT, pack_records
from .questions import PAYLOAD, read_question
from .shelf import SAME, File, Shelf
from .values import decode, encode
from .wire import DEAD, PLAIN, RAW

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, List, Optional, Set, Union

    from .depot import Depot, Row
    from .finder import Finder
    from .link import Link
    from .questions import Question
    from .switch import Switch
    from .wire import Message

    # Records; a file; or the payload of a dead reply.
    Answer = Union[List[Row], File, bytes]

__all__ = ["Clerk"]

# Requests of one child that wait for an answer from above. A context behind it may have as many of
# them as it leaves free: there is always room for one of another.
ERRANDS_LIMIT = 256

# Bytes of answers, to one neighbour, that may wait to be written; what it asks for meanwhile waits
# until it has read, as many questions as may wait for an answer. How soon that is seen.
ANSWERS_LIMIT = 8 * 1024 * 1024
PAUSE = 0.02

# Who waits for the answer to somebody else is asked for by itself after once or twice this time:
# that answer may be lost, and half of what an import waits is left then.
PATIENCE = FETCH_TIMEOUT / 4


class Clerk:
    """The answers to those behind one relay, and to this one where it reads files.

    `ask(handle, question, what)` asks the parent for this context itself, and waits.
    """

    def __init__(
        self,
        depot: "Depot",
        switch: "Switch",
        finder: "Finder",
        ask: "Any",
        call_later: "Callable[[float, Callable[[], None]], object]",
    ) -> "None":
        self._depot = depot
        self._switch = switch
        self._finder = finder
        self._ask = ask
        self._call_later = call_later
        # How many questions of each neighbour, and of those for each context behind it, are not
        # answered yet; and which wait for which.
        self._counts: "Dict[int, int]" = {}
        self._errands = Errands()
        # What neighbours asked for that have not read their answers.
        self._late: "Dict[int, List[Message]]" = {}
        self._is_watching = False
        self._shelf = Shelf()
        # Answers of one record, packed: who asks for the same again and again has this thread
        # compress it once.
        self._packed: "Dict[str, bytes]" = {}
        self._lock = depot.lock
        switch.observe(self._forget)

    def _forget(self, ids: "Set[int]", error: "Exception") -> "None":
        """Drop what concerns lost contexts (observer of the switch)."""
        with self._lock:
            self._errands.forget(ids)
            for context_id in ids:
                self._counts.pop(context_id, None)
                self._late.pop(context_id, None)

    def take_question(self, link: "Optional[Link]", message: "Message") -> "None":
        """Answer a neighbour, or ask the parent for it (for both handlers of the depot)."""
        question = read_question(message)
        context_id = message.src if question is None else question[1] or message.src
        is_neighbour = link is not None and message.src == link.peer_id
        if question is None or not is_neighbour or context_id not in link.reach:  # type: ignore[union-attr]
            self._switch.refuse(link, message, "protocol", "no request of a child's for a module")
            return
        if link.outbox.size > ANSWERS_LIMIT:  # type: ignore[union-attr]
            self._put_off(link, message)  # type: ignore[arg-type]
            return
        errand = _Errand(self, message, question)
        if question[0] == PAYLOAD and "payload" in vars(self._finder):
            self._switch.reply(message, RAW, vars(self._finder)["payload"])
            return
        with self._lock:
            name, whom = errand.name, errand.context_id
            row = self._depot.find(name) if message.handle == GET_MODULE else None
            if row is not None and self._depot.may_have(whom, name):
                self._answer(message, whom, [row], errand.is_whole)
                return
            if self._depot.is_ours(whom, name):
                errand.whom = self._switch.id
            if not self._begin(errand):
                return
        errand.ask(self._switch)

    def _put_off(self, link: "Link", message: "Message") -> "None":
        """Keep what is asked by one who is still to read; it may be that it never does."""
        with self._lock:
            late = self._late.setdefault(link.peer_id, [])
            if len(late) < ERRANDS_LIMIT:
                late.append(message)
                if len(late) == 1:
                    self._call_later(PAUSE, lambda: self._take_late(link))
                return
        # Not even a refusal is kept for it.
        self._switch.report_once(link, "congested", "dropped %r: it does not read" % message)

    def _take_late(self, link: "Link") -> "None":
        with self._lock:
            if link.peer_id in self._late and link.outbox.size > ANSWERS_LIMIT:
                self._call_later(PAUSE, lambda: self._take_late(link))
                return
            late = self._late.pop(link.peer_id, [])
        for message in late:
            self.take_question(link, message)

    def ask(self, name: "str") -> "None":
        """Ask for a module for this context itself; it comes as its name if it is kept here."""
        what = "the request for module %r" % name
        for lacks_it in (False, True):
            question = (name, self._switch.id, lacks_it)
            try:
                reply = self._ask(GET_MODULE, question, what)
            except Error as error:
                raise ImportError("module %r: %s" % (name, error), name=name) from None
            if reply.encoding == DEAD:
                text = "module %r: %s" % (name, decode(reply.payload)[1])
                raise ImportError(text, name=name)
            if name in self._depot.add(decode(zlib.decompress(reply.payload))):
                return
        raise ImportError("module %r got lost on its way here" % name, name=name)

    def request(self, place: "Any", what: "str") -> "Message":
        """Ask for a file for this context itself; what came once is kept."""
        with self._lock:
            file = self._shelf.get(place)
        question = (place, 0, 0 if file is None else file.stamp)
        reply: "Message" = self._ask(GET_RESOURCE, question, what)
        if file is not None and (reply.encoding, reply.payload) == (PLAIN, SAME):
            reply.encoding, reply.payload = file.encoding, file.payload
        elif reply.encoding != DEAD:
            with self._lock:
                self._shelf.keep(place, File(reply.encoding, reply.payload))
        return reply

    def _begin(self, errand: "_Errand") -> "bool":
        """Take what the parent has to answer; tell whether it is to be asked now."""
        accounts, counts = {errand.src, errand.context_id}, self._counts
        if sum(counts.get(one, 0) for one in accounts) >= ERRANDS_LIMIT:
            self._switch.refuse(None, errand.message, "congested", "too many requests")
            return False
        for one in accounts:
            counts[one] = counts.get(one, 0) + 1
        if self._is_here(errand) or self._errands.join(errand):
            return True
        self._watch()
        return False

    def _is_here(self, errand: "_Errand") -> "bool":
        """Tell whether what is wanted would come as its name."""
        if errand.message.handle == GET_MODULE:
            return self._depot.find(errand.name) is not None
        return self._shelf.get(errand.wanted) is not None

    def find_file(self, errand: "_Errand") -> "Optional[File]":
        """Return the file that is wanted as it is here."""
        with self._lock:
            return None if errand.message.handle == GET_MODULE else self._shelf.get(errand.wanted)

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
            find = self._depot.find
            here = {row[0] for row in rows if row[1] != CACHED or find(row[0]) is not None}
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
            whole = self._depot.keep(errand.context_id, answer)
            self._answer(message, errand.context_id, whole, errand.is_whole)
        elif isinstance(answer, File):
            self._shelf.keep(errand.wanted, answer)
            if errand.wanted == PAYLOAD:
                # For the next one, and for this child (bootstrap/seed.py).
                vars(self._finder)["payload"] = answer.payload
            self._switch.reply(message, *answer.answer_to(errand.has))
        else:
            self._switch.reply(message, DEAD, answer)
        for one in {errand.src, errand.context_id}:
            left = self._counts.get(one, 1) - 1
            if left:
                self._counts[one] = left
            else:
                self._counts.pop(one, None)

    def _answer(
        self, message: "Message", context_id: "int", rows: "List[Row]", is_whole: "bool"
    ) -> "None":
        asker = message.src
        if asker not in self._switch.routes:
            return
        wanted = rows[0][0] if is_whole else ""
        rows = self._depot.shorten(asker, asker == context_id, rows, wanted)
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


class _Errand:
    """A question that is passed on; waits for the answer of the parent.

    context_id: for which context it was asked; whom: for which one it is asked on, which is this
    one for what that may have itself; has: what the asker has of it, see read_question().
    """

    limit = 0

    def __init__(self, clerk: "Clerk", message: "Message", question: "Question") -> "None":
        self.message = message
        self.src = message.src
        self.wanted, context_id, self.has = question
        self.name: "str" = self.wanted if message.handle == GET_MODULE else self.wanted[0]
        self.context_id = self.whom = context_id or message.src
        # Who does not say for whom it asks knows nothing of records that are only names.
        self.is_whole = bool(self.has) or not context_id
        self.key = (message.handle, self.wanted)
        self.is_retry = False
        self.kept: "Optional[File]" = None
        self.respondent = 0
        self._clerk = clerk

    def ask(self, switch: "Switch") -> "None":
        """Send it up."""
        self.respondent = switch.parents[0]
        has: "Any" = self.is_retry
        if self.message.handle != GET_MODULE:
            self.kept = self._clerk.find_file(self)
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
        self._clerk.settle(self, message)

    def lose(self, error: "Exception") -> "None":
        """Take the news that there will be none."""
        self._clerk.settle(self, None, str(error))
