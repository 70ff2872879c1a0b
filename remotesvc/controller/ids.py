"""Ids: the numbers of contexts, given out by the controller alone and never used again.

A child that starts children of its own asks for a block of them. How many one child may have is a
share of what is left, so that no child, however greedy, leaves nothing for the others.
"""

import threading
from typing import TYPE_CHECKING

from ..core.errors import Error
from ..core.values import encode
from ..core.wire import PLAIN

if TYPE_CHECKING:
    from ..core.link import Link
    from ..core.switch import Switch
    from ..core.wire import Message

__all__ = ["BLOCK", "Ids", "refuse_block"]

# Context 0 is the controller.
FIRST = 1
END = 1 << 32

# So many ids at once: a child asks again for its 65th child.
BLOCK = 64

# One child, with all behind it, may have a 256th part of what is left: 16 million at first; and
# one context of these a 16th of that, so that it leaves some to the others.
SHARE = 256
SHARE_OF_ONE = 16


def refuse_block(held: int, held_by_all: int, left: int) -> str | None:
    """Judge a request for a block by a context that holds so many ids. Pure.

    held_by_all: those of the controller's child that it is, or lies behind, with all behind that.
    """
    share = left // SHARE
    if held_by_all + BLOCK > share or held + BLOCK > share // SHARE_OF_ONE:
        return f"{held} context ids were given to it, and there are {left} more for all"
    return None


class Ids:
    """Gives out ids, and blocks of them to whoever asks (handler of ALLOCATE_ID)."""

    def __init__(self, switch: "Switch") -> None:
        self._switch = switch
        self._next = FIRST
        # Of each context that asked, and of each child for all behind it.
        self._held: dict[int, int] = {}
        self._held_by_all: dict[int, int] = {}
        self._lock = threading.Lock()

    def take(self) -> int:
        """Return an id that nobody had before."""
        with self._lock:
            return self._take(1)

    def _take(self, count: int) -> int:
        if self._next + count > END:
            raise Error("all 4 billion context ids of this router are used: open a new Router")
        start = self._next
        self._next += count
        return start

    def give_block(self, link: "Link | None", message: "Message") -> None:
        """Give a block to a child that asks, and tell the relays before it."""
        switch = self._switch
        # Those behind a child share what that one may have: they may be its inventions.
        src, child_id = message.src, message.src if link is None else link.peer_id
        with self._lock:
            held, by_all = self._held.get(src, 0), self._held_by_all.get(child_id, 0)
            refusal = refuse_block(held, by_all, END - self._next)
            if refusal is None:
                start = self._take(BLOCK)
                self._held[src] = held + BLOCK
                self._held_by_all[child_id] = by_all + BLOCK
        if refusal is not None or switch.relay is None:
            switch.refuse(link, message, "refused", refusal or "no child is known here")
            return
        switch.relay.routes.give(start, start + BLOCK, message.src, False)
        switch.reply(message, PLAIN, encode((start, start + BLOCK)))

    def lose(self, ids: set[int], error: Exception) -> None:
        """Forget what lost contexts held (observer of the switch)."""
        with self._lock:
            for context_id in ids:
                self._held.pop(context_id, None)
                self._held_by_all.pop(context_id, None)
