"""A relay without processes: a depot between neighbours that say what the test wants."""

import zlib
from typing import Any

from remotesvc.core.authority import GET_MODULE, PASS_MODULES
from remotesvc.core.depot import CACHED, Depot, pack_parcel
from remotesvc.core.fetch import pack_records
from remotesvc.core.finder import MODULE, REFUSED, Finder
from remotesvc.core.switch import Switch
from remotesvc.core.values import decode, encode
from remotesvc.core.wire import RAW, Message
from tests.core.ends import Clock, Neighbour, message

__all__ = ["Relay", "Row", "cached", "records", "refused", "row"]

Row = tuple[str, str, str, Any, Any]


def row(name: str, source: str = "x = 1") -> Row:
    return (name, MODULE, name + ".py", source, None)


def cached(name: str) -> Row:
    return (name, CACHED, "", "", None)


class Relay:
    """Context 10 below 1 and 0, its children 20, behind which is 21, and 30."""

    def __init__(self, capacity: int | None = None, max_message_size: int = 1 << 27) -> None:
        self.reports: list[str] = []
        self.switch = Switch(10, (1, 0), max_message_size, False, self.reports.append)
        self.finder = Finder()
        self.clock = Clock()
        self.depot = Depot(self.switch, self.finder, self.clock.call_later)
        self.parent = Neighbour(self.switch, 1, 0, is_parent=True)
        self.child = Neighbour(self.switch, 20, 21)
        self.other = Neighbour(self.switch, 30, capacity=capacity)
        for end in (self.parent, self.child, self.other):
            end.hear()

    def pass_on(self, context_id: int, *rows: Row) -> None:
        """Have the controller send records for a context."""
        payload = pack_parcel(context_id, rows)
        self.parent.say(message(payload, dst=10, src=0, handle=PASS_MODULES, encoding=RAW))

    def ask(
        self, end: Neighbour, question: Any, handle: int = GET_MODULE, src: int | None = None
    ) -> list[Message]:
        """Have a child ask; return what it hears."""
        src = end.link.peer_id if src is None else src
        end.say(message(encode(question), dst=10, src=src, handle=handle, reply_to=900))
        return end.hear()

    def asked(self) -> list[Any]:
        """Return what the parent was asked, and forget it."""
        self.questions = self.parent.hear()
        return [decode(one.payload) for one in self.questions]

    def answer(self, payload: bytes, encoding: int = RAW, index: int = 0) -> None:
        """Have the parent answer one of these."""
        handle = self.questions[index].reply_to
        self.parent.say(message(payload, dst=10, src=1, handle=handle, encoding=encoding))


def records(one: Message) -> list[Row]:
    """Return what a message brings to the context that it is for."""
    value: Any = decode(zlib.decompress(one.payload))
    return value[1] if one.handle == PASS_MODULES else value  # type: ignore[no-any-return]


def refused(name: str) -> bytes:
    """Return the answer that refuses a module."""
    return pack_records([(name, REFUSED, "", "not granted", None)])
