"""References in the arguments of a call: a child gets this file with the first of them."""

import importlib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Tuple

    from .wire import Message

__all__ = ["resolve"]


def resolve(call: "Message", code: "int", fields: "Tuple[Any, ...]") -> "Any":
    """Return what a reference in a call stands for; raise ProtocolError if it may not be there."""
    # By name: what it stands for is made on a floor above.
    current = importlib.import_module("remotesvc.current")
    return current.current_router().resolve(call.src, call.auth, code, fields)
