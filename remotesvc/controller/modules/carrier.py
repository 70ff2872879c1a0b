"""Carrier: brings module records to a context, through relays that keep what passes.

What a relay has got for anybody goes to it as a name only, the next time: it has the rest. So
nothing crosses the link to it twice (core/depot.py is its end). What it keeps for others does not
even cross when it needs that itself.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ...core.authority import LOAD_MODULE, PASS_MODULES
from ...core.depot import CACHED, pack_parcel
from ...core.fetch import pack_records
from ...core.finder import MISSING, REFUSED
from ...core.wire import RAW

if TYPE_CHECKING:
    from ...core.switch import Switch

__all__ = ["Carrier", "Record", "is_content"]

# name, kind, file name, source or reason, names of the submodules
Record = tuple[str, str, str, Any, tuple[str, ...] | None]


def is_content(record: Record) -> bool:
    """Tell whether a record holds a module, and not the news that there is none."""
    return record[1] not in (MISSING, REFUSED)


class Carrier:
    """Knows what each neighbour has; who calls it sees to it that only one thread does."""

    def __init__(self, switch: "Switch") -> None:
        self._switch = switch
        # What each has, and of that what it keeps for those behind it.
        self._there: dict[int, set[str]] = {}
        self._kept: dict[int, set[str]] = {}

    def send(self, context_id: int, records: list[Record]) -> None:
        """Send records to a context, ahead of any later call to it."""
        link = self._switch.routes.get(context_id)
        neighbour = context_id if link is None else link.peer_id
        shortened = self._shorten(neighbour, context_id, records)
        if neighbour == context_id:
            handle, payload = LOAD_MODULE, pack_records(shortened)
        else:
            handle, payload = PASS_MODULES, pack_parcel(context_id, shortened)
        self._switch.send(neighbour, handle, RAW, payload)
        self.note(neighbour, context_id, records)

    def pack_answer(
        self, asker: int, context_id: int, records: list[Record], is_whole: bool
    ) -> bytes:
        """Return the payload for a request, by a context itself or by a relay before it.

        is_whole: the asker lacks what it was sent, or is none that keeps anything.
        """
        return pack_records(records if is_whole else self._shorten(asker, context_id, records))

    def note(self, neighbour: int, context_id: int, records: Iterable[Record]) -> None:
        """Note what a neighbour has got, for itself or for a context behind it."""
        link = self._switch.routes.get(neighbour)
        if link is not None and link.peer_id == neighbour:
            names = {record[0] for record in records if is_content(record)}
            self._there.setdefault(neighbour, set()).update(names)
            if neighbour != context_id:
                self._kept.setdefault(neighbour, set()).update(names)

    def forget(self, ids: set[int]) -> None:
        """Drop what was known of lost contexts."""
        for context_id in ids:
            self._there.pop(context_id, None)
            self._kept.pop(context_id, None)

    def _shorten(self, neighbour: int, context_id: int, records: list[Record]) -> list[Record]:
        table = self._kept if neighbour == context_id else self._there
        there = table.get(neighbour, set())
        # What is refused to one must not come as the name of what another one got.
        return [
            (record[0], CACHED, "", "", None)
            if record[0] in there and is_content(record)
            else record
            for record in records
        ]
