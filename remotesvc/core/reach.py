"""Reach: what is believed of what comes from below, the rest of authority.py for who has children.

    reach  the ids that lie behind a link

Pure, like authority.py; a child that starts no children never gets this file.
"""

from .wire import PICKLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Collection, Container, Iterable, Optional, Tuple

__all__ = [
    "refuse_claims",
    "refuse_pickled_result",
    "refuse_relay",
    "refuse_route",
    "refuse_source",
]

# Contexts that one child of the controller may have started by itself, all generations, at one
# time; each costs about 1 KB there. One generation down it is a quarter of that, so nobody takes
# all that his parent may have; and so on, to a last one that may still have a few.
CLAIMS_LIMIT = 65536
CLAIMS_LEAST = 64


def refuse_pickled_result(
    encoding: "int", is_asked: "bool", opened_with: "Collection[bool]"
) -> "Optional[str]":
    """Judge a reply that is neither plain nor an error, before a byte of it is looked at.

    `is_asked` tells whether this very call asked for a pickle, `opened_with` for each link up to
    the callee whether it was opened with results="pickle": each could have put it there.
    """
    if encoding != PICKLE:
        return "encoding %d, which is not taken from below" % encoding
    if not is_asked:
        return "a pickle, which this call did not ask for"
    if not opened_with or not all(opened_with):
        return "a pickle, by a link that was not opened with results='pickle'"
    return None


def refuse_source(reach: "Container[int]", src: "int", auth: "int") -> "Optional[str]":
    """Judge src and auth of what came over the link of a child."""
    if src not in reach:
        return "src %d does not lie behind this link" % src
    if auth not in reach:
        return "auth %d does not lie behind this link" % auth
    return None


def refuse_relay(from_below: "bool", to_below: "bool", siblings: "bool") -> "Optional[str]":
    """Judge a message that passes through: between two children only if siblings may talk."""
    if from_below and to_below and not siblings:
        return "siblings may not talk to each other; Router(siblings=True) would let them"
    return None


def refuse_route(
    claimed: "int",
    own_id: "int",
    parents: "Container[int]",
    blocks: "Iterable[Tuple[int, int]]",
    routed: "Collection[int]",
) -> "Optional[str]":
    """Judge a child's claim that `claimed` lies behind it.

    `blocks` are the half-open ranges of ids given to that very child, `routed` the ids that have a
    route already.
    """
    if claimed == own_id or claimed in parents:
        return "a claim to be context %d, which is above it" % claimed
    if not any(start <= claimed < stop for start, stop in blocks):
        return "a claim for context %d, which was not given to it" % claimed
    if claimed in routed:
        return "a second claim for context %d" % claimed
    return None


def refuse_claims(count: "int", depth: "int") -> "Optional[str]":
    """Judge one more claim over a link that has so many, to a context with `depth` parents."""
    limit = max(CLAIMS_LIMIT >> 2 * depth, CLAIMS_LEAST)
    if count >= limit:
        return "more than %d contexts that were started behind one child" % limit
    return None
