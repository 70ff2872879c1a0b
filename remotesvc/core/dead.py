"""Dead replies: the errors of ours that travel, as a code and a text.

Only this file knows which code stands for which class.
"""

from . import errors
from .values import decode, encode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["bury", "exhume"]

# code on the wire -> the class that the caller sees
CLASSES = {
    "disconnected": errors.DisconnectedError,
    "refused": errors.RefusedError,
    "congested": errors.RefusedError,
    "busy": errors.Busy,
    "pool": errors.PoolExhausted,
    "value": errors.ValueNotSupported,
    "size": errors.MessageTooLarge,
    "protocol": errors.ProtocolError,
}


def bury(code: "str", text: "str") -> "bytes":
    """Return the payload of a dead reply."""
    return encode((code, text))


def exhume(payload: "bytes") -> "Exception":
    """Return the error that a dead reply stands for; ProtocolError when it stands for none."""
    fields: "Any" = decode(payload)
    if type(fields) is not tuple or tuple(map(type, fields)) != (str, str):
        return errors.ProtocolError("a dead reply without code and text")
    from .visible import visible  # whoever calls may need it; a child that is only called, never

    code, text = fields
    error: "Exception" = CLASSES.get(code, errors.Error)(visible(text))
    return error
