"""Dead replies: the errors of ours that travel, as a code and a text.

Only this file knows which code stands for which class. "busy" may come as the name of the call
that nobody waits for any more, and the seconds since it was cancelled.
"""

from . import errors
from .values import decode, encode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["bury", "code_of", "exhume"]

# Of what a child says of an abandoned call: characters of its name, seconds since.
NAME_LIMIT = 200
SINCE_LIMIT = 1e9

# Characters of any other text: escaping it takes time, and no text of ours is as long.
TEXT_LIMIT = 64 * 1024

# code on the wire -> the class that the caller sees
CLASSES = {
    "disconnected": errors.DisconnectedError,
    "refused": errors.RefusedError,
    "congested": errors.RefusedError,
    "busy": errors.Busy,
    "chain": errors.RefusedError,
    "pool": errors.PoolExhausted,
    "value": errors.ValueNotSupported,
    "size": errors.MessageTooLarge,
    "protocol": errors.ProtocolError,
}


def bury(code: "str", text: "str") -> "bytes":
    """Return the payload of a dead reply."""
    return encode((code, text))


def code_of(payload: "bytes") -> "str":
    """Return the code of a dead reply; "" when it is none."""
    fields: "Any" = decode(payload)
    has_code = type(fields) is tuple and len(fields) > 0 and type(fields[0]) is str
    return fields[0] if has_code else ""


def exhume(payload: "bytes", where: "str" = "") -> "Exception":
    """Return the error that a dead reply from `where` stands for; ProtocolError if for none.

    The words are those of the other side, so our name for it stands before them.
    """
    fields: "Any" = decode(payload)
    kinds = tuple(map(type, fields)) if type(fields) is tuple else ()
    from .visible import visible  # whoever calls may need it; a child that is only called, never

    if kinds == (str, str, float) and fields[0] == "busy":
        return _busy(where or "the context", visible(fields[1][:NAME_LIMIT]), fields[2])
    if kinds != (str, str):
        return errors.ProtocolError("a dead reply without code and text")
    code, text = fields
    text = visible(text[:TEXT_LIMIT])
    error: "Exception" = CLASSES.get(code, errors.Error)(
        "%s: %s" % (where, text) if where else text
    )
    return error


def _busy(where: "str", call: "str", since: "float") -> "errors.Busy":
    since = since if 0 <= since < SINCE_LIMIT else 0.0
    error = errors.Busy(
        "%s is still inside %s, which was cancelled %.1f s ago: end it with cancel(hard=True) on "
        "its future or with kill() on the context, or wait" % (where, call, since)
    )
    error.call, error.since = call, since
    return error
