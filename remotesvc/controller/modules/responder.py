"""Responder: the wire side of module requests; it answers on workers, never on a reading thread.

What a child asks is a stranger's word: it is decoded with limits, judged by grants, and refusals
are logged. A child has a limited number of requests under way.
"""

import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from ...core.errors import Error
from ...core.fetch import pack_records
from ...core.values import decode, encode
from ...core.visible import visible
from ...core.wire import PLAIN, RAW
from .shipment import Shipment

if TYPE_CHECKING:
    from ...core.link import Link
    from ...core.switch import Switch
    from ...core.wire import Message
    from ..workers import Workers

__all__ = ["Responder"]

# An honest child has one request per importing thread.
REQUESTS_LIMIT = 64

# Longer than any dotted name or path inside a package that a file system takes.
NAME_LIMIT = 4096


class Responder:
    """Handlers of GET_MODULE and GET_RESOURCE."""

    def __init__(
        self,
        switch: "Switch",
        shipment: Shipment,
        workers: "Workers",
        name_of: Callable[[int], str],
    ) -> None:
        self._switch = switch
        self._shipment = shipment
        self._workers = workers
        self._name_of = name_of
        self._under_way: dict[int, int] = {}
        self._lock = threading.Lock()

    def on_module(self, link: "Link | None", message: "Message") -> None:
        """Take a request for a module."""
        self._take(link, message, self._answer_module)

    def on_resource(self, link: "Link | None", message: "Message") -> None:
        """Take a request for a file of a package, or with a trailing slash for a listing."""
        self._take(link, message, self._answer_resource)

    def _take(
        self, link: "Link | None", message: "Message", answer: Callable[["Message"], None]
    ) -> None:
        src = message.src
        with self._lock:
            count = self._under_way.get(src, 0)
            if count >= REQUESTS_LIMIT or len(message.payload) > NAME_LIMIT * 2:
                self._switch.refuse(link, message, "congested", "too many or too long requests")
                return
            self._under_way[src] = count + 1
        self._workers.defer(lambda: self._serve(message, answer))

    def _serve(self, message: "Message", answer: Callable[["Message"], None]) -> None:
        try:
            answer(message)
        except (Error, OSError) as error:
            self._switch.reply_dead(message, "refused", str(error))
        finally:
            with self._lock:
                self._under_way[message.src] -= 1
                if not self._under_way[message.src]:
                    del self._under_way[message.src]

    def _answer_module(self, message: "Message") -> None:
        name = decode(message.payload)
        if not isinstance(name, str) or not _is_dotted_name(name):
            self._switch.reply_dead(message, "protocol", "GET_MODULE without a module name")
            return
        records, refusal = self._shipment.answer(message.src, name)
        if refusal is not None:
            self._log(message.src, f"module {name}", refusal)
        self._switch.reply(message, RAW, pack_records(records))

    def _answer_resource(self, message: "Message") -> None:
        fields = decode(message.payload)
        if not (isinstance(fields, tuple) and tuple(map(type, fields)) == (str, str)):
            self._switch.reply_dead(message, "protocol", "GET_RESOURCE without package and path")
            return
        package, relative = fields
        if relative == "" or relative.endswith("/"):
            entries = self._shipment.listing(message.src, package, relative.rstrip("/"))
            self._switch.reply(message, PLAIN, encode(entries))
            return
        data, reason = self._shipment.resource(message.src, package, relative)
        if data is None:
            self._log(message.src, f"{relative} of {package}", reason)
            self._switch.reply_dead(message, "refused", reason)
        else:
            self._switch.reply(message, RAW, data)

    def _log(self, src: int, what: str, reason: str) -> None:
        text = "%s was refused %s: %s"
        name = visible(self._name_of(src))
        logging.getLogger("remotesvc.modules").warning(text, name, visible(what), visible(reason))


def _is_dotted_name(name: str) -> bool:
    return len(name) <= NAME_LIMIT and all(part.isidentifier() for part in name.split("."))
