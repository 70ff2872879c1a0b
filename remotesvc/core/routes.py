"""Routes: what a relay knows of who lies behind its links, and whom it tells who is gone.

An id is given to one context, in a block, by a parent; its route is believed when a parent says
so, or when the child says so that has it from that block, once. Each question goes to reach.py.
Who is gone is told upward, and to those who talked to it; never to others.
"""

from collections import deque

from .authority import ADD_ROUTE, DEL_ROUTE, GIVE_IDS
from .errors import DisconnectedError, Error, ProtocolError
from .lanes import Lanes
from .reach import refuse_claims, refuse_route
from .values import decode, encode
from .visible import visible
from .wire import PLAIN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Deque, Dict, List, Optional, Set, Tuple

    from .link import Link
    from .switch import Switch
    from .wire import Message

__all__ = ["Routes"]

# Of those that one link talks to, so many are remembered: only these are told to it when they go.
TALKS_LIMIT = 16 * 1024

# So many ids that a context was given are remembered until it claims them. It asks for a block
# when it has none left, so what is older than these it gave up.
GIVEN_LIMIT = 256

# So many ids stand in one message, and so much of the text that says why.
IDS_LIMIT = 4096
REASON_LIMIT = 500


class Routes:
    """The routes of one switch with children; `error_of(id, text)` makes the error of a loss."""

    def __init__(self, switch: "Switch") -> "None":
        self.error_of: "Callable[[int, str], Exception]" = _lost
        self._switch = switch
        # Whose each id is that nobody has claimed yet, and the ids of each of these.
        self._given: "Dict[int, int]" = {}
        self._givings: "Dict[int, Deque[int]]" = {}
        # Contexts behind each link that were claimed, and are there.
        self._claims: "Dict[Link, Set[int]]" = {}
        # Whom those count as in what they ask for.
        self._accounts: "Dict[int, int]" = {}
        # The parent of each context below.
        self._above: "Dict[int, int]" = {}
        self._talks: "Dict[Link, Set[int]]" = {}
        # Those below, as they were told to the parent of this context.
        self._below: "Set[int]" = set()
        switch.observe(self._tell)
        switch.serve(ADD_ROUTE, self._take_claim)
        switch.serve(DEL_ROUTE, self._take_loss)
        switch.serve(GIVE_IDS, self._take_ids)

    # -- who is there ----------------------------------------------------------------------------

    def add_link(self, link: "Link") -> "None":
        """Note the child at the other end of a link."""
        Lanes(link.outbox)
        self._add(link, link.peer_id, self._switch.id)

    def give(self, start: "int", stop: "int", owner: "int", is_there: "bool") -> "None":
        """Let a context below have a range of ids, or put a child of it there, all the way down.

        Whoever stands between is told first, so what is sent to it next finds its way.
        """
        switch = self._switch
        link = switch.routes.get(owner)
        if link is None:
            return  # it is lost, and all that is behind it
        if is_there:
            self._add(link, start, owner)
        else:
            self._give_block(start, stop, owner)
        if link.peer_id != owner:
            given = encode((start, stop, owner, is_there))
            _send(switch, link.peer_id, GIVE_IDS, given)

    def announce(self, context_id: "int") -> "None":
        """Tell the parent of a child that was started here without being asked for."""
        switch = self._switch
        if switch.parents:
            _send(switch, switch.parents[0], ADD_ROUTE, encode(context_id))

    def note_talk(self, link: "Link", context_id: "int") -> "None":
        """Note that somebody behind a link talks to a context that is none of its parents."""
        talks = self._talks.setdefault(link, set())
        if len(talks) < TALKS_LIMIT:
            talks.add(context_id)

    def is_behind(self, context_id: "int", other_id: "int") -> "bool":
        """Tell whether a context was started in another one, or in one that was."""
        above = self._above
        while context_id in above:
            context_id = above[context_id]
            if context_id == other_id:
                return True
        return False

    def parent_of(self, context_id: "int") -> "Optional[int]":
        """Return in which context one below was started."""
        return self._above.get(context_id)

    def account_of(self, context_id: "int") -> "int":
        """Return whom a context counts as in what it asks for: itself, if it was opened from here.

        Those that a child started may be its inventions: they count as that child.
        """
        return self._accounts.get(context_id, context_id)

    def children_of(self, context_id: "int") -> "List[int]":
        """Return those below that were started in one context, in the order of their ids."""
        return sorted(one for one, above in list(self._above.items()) if above == context_id)

    def _add(self, link: "Link", context_id: "int", parent_id: "int") -> "None":
        link.reach.add(context_id)
        self._switch.routes[context_id] = link
        self._above[context_id] = parent_id
        self._below.add(context_id)

    def _give_block(self, start: "int", stop: "int", owner: "int") -> "None":
        givings = self._givings.setdefault(owner, deque())
        for context_id in range(start, stop):
            givings.append(context_id)
            self._given[context_id] = owner
        while len(givings) > GIVEN_LIMIT:
            self._given.pop(givings.popleft(), None)

    def _take_ids(self, link: "Optional[Link]", message: "Message") -> "None":
        """Take what a parent gives to a context below (handler of GIVE_IDS)."""
        fields: "Any" = _decode(message.payload)
        if type(fields) is not tuple or tuple(map(type, fields)) != (int, int, int, bool):
            self._switch.refuse(link, message, "protocol", "no ids that are given")
            return
        start, stop, owner, is_there = fields
        self.give(start, stop, owner, is_there)

    def _take_claim(self, link: "Optional[Link]", message: "Message") -> "None":
        """Judge a child's claim, and pass it on (handler of ADD_ROUTE)."""
        switch = self._switch
        claimed: "Any" = _decode(message.payload) if len(message.payload) < 16 else None
        if link is None or link is switch.upstream or type(claimed) is not int:
            switch.refuse(link, message, "protocol", "no claim of a child's")
            return
        owner = self._given.get(claimed, -1)
        given = [(claimed, claimed + 1)] if owner in link.reach else []
        claims = self._claims.setdefault(link, set())
        refusal = refuse_route(
            claimed, switch.id, switch.parents, given, switch.routes
        ) or refuse_claims(len(claims), len(switch.parents))
        if refusal is not None:
            switch.refuse(link, message, "route", refusal)
            return
        self._given.pop(claimed, None)  # ids are never used again
        claims.add(claimed)
        self._accounts[claimed] = self.account_of(owner)
        self._add(link, claimed, owner)
        self.announce(claimed)

    # -- who is gone -----------------------------------------------------------------------------

    def lose(self, context_id: "int", error: "Exception") -> "None":
        """Drop a context behind the link of a child, and tell everybody whom it concerns."""
        link = self._switch.routes.pop(context_id, None)
        if link is not None and link.peer_id != context_id:
            link.reach.discard(context_id)
            self._above.pop(context_id, None)
            self._switch.lose_contexts({context_id}, error)

    def _take_loss(self, link: "Optional[Link]", message: "Message") -> "None":
        """Take the news of a neighbour (handler of DEL_ROUTE).

        A child loses what lies behind it; a parent tells of those that somebody here talked to.
        """
        switch = self._switch
        told = _read_loss(message.payload)
        if link is None or told is None:
            switch.refuse(link, message, "protocol", "no loss of contexts")
            return
        ids, text = told
        if link is switch.upstream:
            for context_id in ids:
                if context_id not in switch.routes and context_id not in switch.parents:
                    switch.lose_contexts({context_id}, self.error_of(context_id, text))
        else:
            for context_id in ids:
                if context_id in link.reach and context_id != link.peer_id:
                    self.lose(context_id, self.error_of(context_id, text))

    def _tell(self, ids: "Set[int]", error: "Exception") -> "None":
        """Tell the parent and those who talked to lost contexts (observer of the switch)."""
        switch = self._switch
        text = str(error)[:REASON_LIMIT]
        lost = ids & self._below
        self._below -= lost
        for context_id in ids:
            self._above.pop(context_id, None)
            self._accounts.pop(context_id, None)
            for given in self._givings.pop(context_id, ()):
                self._given.pop(given, None)
        if lost and switch.upstream is not None and switch.upstream.error is None:
            _tell_loss(switch, switch.parents[0], lost, text)
        for link in list(self._talks):
            if link.error is not None:
                self._talks.pop(link, None)
        for link, claims in list(self._claims.items()):
            claims -= ids
            if link.error is not None:
                self._claims.pop(link, None)
        for link, talks in list(self._talks.items()):
            heard = talks & ids
            if heard:
                talks -= heard
                _tell_loss(switch, link.peer_id, heard, text)


def _decode(payload: "bytes") -> "Any":
    try:
        return decode(payload)
    except ProtocolError:
        return None


def _lost(context_id: "int", text: "str") -> "Exception":
    return DisconnectedError("context %d: %s" % (context_id, text), text)


def _read_loss(payload: "bytes") -> "Optional[Tuple[List[int], str]]":
    """Return what a neighbour says of lost contexts; None for what says nothing."""
    if len(payload) > 5 * IDS_LIMIT + 8 * REASON_LIMIT:
        return None
    fields: "Any" = _decode(payload)
    if type(fields) is not tuple or tuple(map(type, fields)) != (list, str):
        return None
    ids, text = fields
    if not all(type(one) is int for one in ids):
        return None
    return ids, visible(text[:REASON_LIMIT])


def _tell_loss(switch: "Switch", neighbour: "int", ids: "Set[int]", text: "str") -> "None":
    told = sorted(ids)
    for start in range(0, len(told), IDS_LIMIT):
        _send(switch, neighbour, DEL_ROUTE, encode((told[start : start + IDS_LIMIT], text)))


def _send(switch: "Switch", neighbour: "int", handle: "int", payload: "bytes") -> "None":
    try:
        switch.send(neighbour, handle, PLAIN, payload)
    except Error:
        return  # it is lost, and needs no news any more
