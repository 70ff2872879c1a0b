"""Tally: the bytes on the links of a context to its children. Called in it, to learn of them.

What it tells is a stranger's word: read_tally() judges it.
"""

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional, Sequence, Tuple

    Counts = Optional[Tuple[int, int]]

__all__ = ["count_traffic", "read_tally"]

# Nothing was ever sent so often: larger numbers are nonsense, and 64 bits hold them.
MOST = 1 << 63


def count_traffic(ids: "Sequence[int]") -> "List[Counts]":
    """Return the bytes sent to and received from each of these children of this process.

    With those of what lies behind it; None for what is no child of it.
    """
    finders: "List[Any]" = [one for one in sys.meta_path if getattr(one, "child", None)]
    links = [finders[0].child.switch.routes.get(one) for one in ids]
    return [
        (link.bytes_sent, link.bytes_received) if link and link.peer_id == one else None
        for one, link in zip(ids, links)
    ]


def read_tally(ids: "Sequence[int]", told: "Any") -> "Dict[int, Tuple[int, int]]":
    """Return what a context told of its children, without those it knows nothing of. Pure.

    Nothing of it is believed if one thing makes no sense.
    """
    if type(told) not in (list, tuple) or len(told) != len(ids):
        return {}
    if not all(one is None or _is_counts(one) for one in told):
        return {}
    return {key: tuple(counts) for key, counts in zip(ids, told) if counts is not None}


def _is_counts(told: "Any") -> "bool":
    return (
        type(told) in (list, tuple)
        and len(told) == 2
        and all(type(one) is int and 0 <= one < MOST for one in told)
    )
