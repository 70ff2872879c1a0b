"""Questions: what a context asks its parent for: a module, or a file of a package.

A module is asked for by its name, a file as (package, path). A relay that asks for a context
behind it says which one, and what it has: (what, context, has).
"""

from .authority import GET_MODULE
from .errors import ProtocolError
from .values import decode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Optional, Tuple

    from .wire import Message

    Question = Tuple[Any, int, Any]

__all__ = ["PAYLOAD", "read_question"]

# What a child asks for that needs the payload as source (bootstrap/seed.py).
PAYLOAD = ("remotesvc.bootstrap", "payload")

# Longer than any dotted name or path inside a package that a file system takes.
REQUEST_LIMIT = 8192


def read_question(message: "Message") -> "Optional[Question]":
    """Return what is asked for, for whom, and what the asker has of it; None if that is nothing.

    For whom: 0 for who asks. Of a module: whether not even the name will do; of a file: the stamp
    of what is there (shelf.py), or 0. Pure.
    """
    if len(message.payload) > REQUEST_LIMIT:
        return None
    try:
        wanted: "Any" = decode(message.payload)
    except ProtocolError:
        return None
    is_module = message.handle == GET_MODULE
    context_id, has = 0, False if is_module else 0
    if type(wanted) is tuple and len(wanted) == 3:
        wanted, context_id, has = wanted
    fits = type(wanted) is str if is_module else _is_place(wanted)
    if fits and type(context_id) is int and type(has) is (bool if is_module else int):
        return wanted, context_id, has
    return None


def _is_place(wanted: "Any") -> "bool":
    return type(wanted) is tuple and tuple(map(type, wanted)) == (str, str)
