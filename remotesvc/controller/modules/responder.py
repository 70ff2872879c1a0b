"""Responder: the wire side of module requests; it answers on workers, never on a reading thread.

What a child asks is a stranger's word: it is decoded with limits, judged by grants, and refusals
are logged. A child has a limited number of requests waiting, and one at a time is answered, once
it has read most of the answers before: who floods us waits behind himself, and the import of
another child does not.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from ...core.errors import Error, RefusedError
from ...core.questions import read_question
from ...core.shelf import File
from ...core.values import encode
from ...core.visible import visible
from ...core.wire import PLAIN, RAW
from ..reports import account_of
from .search import is_module_name
from .shipment import Shipment

if TYPE_CHECKING:
    from ...core.link import Link
    from ...core.switch import Switch
    from ...core.wire import Message
    from ..workers import Workers

    Answer = Callable[[Message], None]
    Job = tuple[Message, Answer]

__all__ = ["Responder"]

# An honest child has one request per importing thread; one that waits here costs about 1 KB.
REQUESTS_LIMIT = 1024

# Longer than any dotted name or path inside a package that a file system takes.
REQUEST_LIMIT = 8192

# Refusals that are logged for one context: what a hostile one asks may not fill the disk.
LOG_LIMIT = 100

# Bytes of answers, to one context, that may wait to be written before the next is made; and how
# soon it is seen that they were.
ANSWERS_LIMIT = 8 * 1024 * 1024
PAUSE = 0.02


class Responder:
    """Handlers of GET_MODULE and GET_RESOURCE."""

    def __init__(
        self,
        switch: "Switch",
        shipment: Shipment,
        workers: "Workers",
        name_of: Callable[[int], str],
        call_later: Callable[[float, Callable[[], None]], object],
    ) -> None:
        self._switch = switch
        self._shipment = shipment
        self._workers = workers
        self._name_of = name_of
        self._call_later = call_later
        # What waits, of each context that a worker is at work for, and of those it made up.
        self._waiting: dict[int, deque[Job]] = {}
        self._refusals: dict[int, int] = {}
        self._lock = threading.Lock()

    def on_module(self, link: "Link | None", message: "Message") -> None:
        """Take a request for a module."""
        self._take(link, message, self._answer_module)

    def on_resource(self, link: "Link | None", message: "Message") -> None:
        """Take a request for a file of a package, or with a trailing slash for a listing."""
        self._take(link, message, self._answer_resource)

    def _take(self, link: "Link | None", message: "Message", answer: "Answer") -> None:
        # Children that a child made up wait behind that one.
        src = account_of(self._switch, message.src)
        with self._lock:
            queue = self._waiting.get(src, ())
            is_taken = len(queue) < REQUESTS_LIMIT and len(message.payload) <= REQUEST_LIMIT
            is_idle = is_taken and src not in self._waiting
            if is_taken:
                self._waiting.setdefault(src, deque()).append((message, answer))
        text = "too many or too long requests"
        if is_idle:
            self._workers.defer(lambda: self._serve(src))
        elif not is_taken and self._is_congested(src):
            # Not even a refusal is kept for it.
            self._switch.report_once(link, "congested", f"dropped {message!r}: {text}")
        elif not is_taken:
            self._switch.refuse(link, message, "congested", text)

    def forget(self, ids: set[int]) -> None:
        """Drop what lost contexts asked for, and what was counted for them."""
        with self._lock:
            for context_id in ids:
                self._refusals.pop(context_id, None)
                self._waiting.pop(context_id, None)

    def _is_congested(self, src: int) -> bool:
        """Tell whether a context has not read its answers yet; or it does not read at all."""
        link = self._switch.routes.get(src)
        return link is not None and link.outbox.size > ANSWERS_LIMIT

    def _serve(self, src: int) -> None:
        """Answer the first request of a context; behind those of others comes its next one."""

        def serve_next() -> None:
            self._workers.defer(lambda: self._serve(src))

        if self._is_congested(src):
            self._call_later(PAUSE, serve_next)
            return
        with self._lock:
            queue = self._waiting.get(src)
            if not queue:
                self._waiting.pop(src, None)
                return
            message, answer = queue.popleft()
        self._answer(message, answer)
        serve_next()

    def _answer(self, message: "Message", answer: "Answer") -> None:
        try:
            answer(message)
        except (Error, OSError) as error:
            self._switch.reply_dead(message, "refused", str(error))
        except Exception as error:  # noqa: BLE001 else an import over there would wait for nothing
            self._switch.reply_dead(message, "refused", f"looking for it failed: {error!r}")

    def _answer_module(self, message: "Message") -> None:
        question = read_question(message)
        name, context_id, lacks_it = question or ("", 0, False)
        if not is_module_name(name):
            self._switch.reply_dead(message, "protocol", "GET_MODULE without a module name")
            return
        # Who does not say for whom it asks knows nothing of records that are only names.
        is_whole = lacks_it or not context_id
        context_id = self._whom(message, context_id)
        refusal = self._shipment.answer(
            context_id,
            name,
            lambda payload: self._switch.reply(message, RAW, payload),
            message.src,
            is_whole,
        )
        if refusal is not None:
            self._log(context_id, f"module {name}", refusal)

    def _whom(self, message: "Message", context_id: int) -> int:
        """Return for whom somebody asks; RefusedError unless that is itself or behind it."""
        if context_id in (0, message.src):
            return message.src
        link = self._switch.routes.get(message.src)
        if link is None or link.peer_id != message.src or context_id not in link.reach:
            raise RefusedError(f"context {context_id} does not lie behind who asks for it")
        return context_id

    def _answer_resource(self, message: "Message") -> None:
        question = read_question(message)
        if question is None:
            self._switch.reply_dead(message, "protocol", "GET_RESOURCE without package and path")
            return
        package, relative = question[0]
        context_id = self._whom(message, question[1])
        try:
            if relative == "" or relative.endswith("/"):
                entries = self._shipment.listing(context_id, package, relative[:-1])
                file = File(PLAIN, encode(entries))
            else:
                file = File(RAW, self._shipment.resource(context_id, package, relative))
            self._switch.reply(message, *file.answer_to(question[2]))
        except RefusedError as refusal:
            self._log(context_id, f"{relative} of {package}", str(refusal))
            raise

    def _log(self, src: int, what: str, reason: str) -> None:
        account = account_of(self._switch, src)
        with self._lock:
            count = self._refusals[account] = self._refusals.get(account, 0) + 1
        if count > LOG_LIMIT:
            return
        name = visible(self._name_of(src))
        logger = logging.getLogger("remotesvc.modules")
        logger.warning("%s was refused %s: %s", name, visible(what), visible(reason))
        if count == LOG_LIMIT:
            logger.warning("%s was refused %d requests; no more are shown", name, count)
