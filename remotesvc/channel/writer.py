"""Writer: one context that writes to a Receiver: its credit, its unfinished value; and Item."""

from ..core.credit import Allowance
from .frames import END, VALUE_COST

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import List, Optional

    from ..core.wire import Message

__all__ = ["Item", "Writer"]


class Item:
    """What one `take()` of a reading end returns: values as they travelled, or an end.

    kind: one of frames.py; data: its bytes; error: what ended the writer instead of an END.
    """

    __slots__ = ("auth", "cost", "data", "error", "kind", "src")

    def __init__(
        self,
        src: "int",
        auth: "int",
        kind: "int",
        data: "bytes",
        cost: "int" = 0,
        error: "Optional[Exception]" = None,
    ) -> "None":
        self.src = src
        self.auth = auth
        self.kind = kind
        self.data = data
        self.cost = cost
        self.error = error


class Writer:
    """One context that writes, as the reading end counts it."""

    __slots__ = (
        "allowance",
        "cost",
        "failures",
        "is_awaited",
        "is_cut_off",
        "is_over",
        "kind",
        "parts",
        "route",
        "senders",
    )

    def __init__(self, window: "int") -> "None":
        # By a value of more than half the window it may be overdrawn: see Outlet.
        self.allowance = Allowance(window, (window + 1) // 2 + VALUE_COST)
        # How many Senders it was given and has not closed.
        self.senders = 0
        # How many of those failed, unread.
        self.failures = 0
        # An end must come, whatever Senders it was given: it spoke since the last one.
        self.is_awaited = False
        self.is_over = False
        self.is_cut_off = False
        self.route: "Optional[Message]" = None
        self.parts: "List[bytes]" = []
        self.kind = END
        self.cost = 0
