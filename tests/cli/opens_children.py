"""Functions for a context: one opens another one in it, one has it lie about that."""

import remotesvc.connect.tally
from remotesvc import current_router

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def open_another() -> "int":
    """Open a context in this one, and keep it; return its id."""
    return current_router().local().id


def lie_about_traffic(told: "Any") -> "None":
    """Have this context tell something else of the traffic of its children."""
    remotesvc.connect.tally.count_traffic = lambda ids: told
