"""Order: what a parent tells a child of the context to open in it; events: what comes of that.

Only this file knows how both travel. What a child tells is a stranger's word: read_event() judges
it, and everything in it is bounded and made visible.
"""

from ..bootstrap.handshake import refuse_hello
from ..bootstrap.info import Info
from ..core import errors
from ..core.errors import ConnectError, DisconnectedError, Error
from ..core.values import decode, encode
from ..core.visible import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional, Tuple, Union

    Event = Tuple[str, Any]

__all__ = ["EVENT_LIMIT", "Order", "describe_error", "read_event"]

# The largest event: an error with the last words of a program.
EVENT_LIMIT = 64 * 1024

TEXT_LIMIT = 4096

# What an opened child may be lost by, as it is named on the wire.
KINDS = {
    name: getattr(errors, name)
    for name in (
        "AuthenticationError",
        "BootstrapError",
        "ConnectError",
        "ConnectTimeout",
        "DisconnectedError",
        "HostKeyError",
        "InterpreterError",
        "MessageTooLarge",
        "ProtocolError",
        "RefusedError",
        "ResolveError",
        "ValueNotSupported",
    )
}


class Order:
    """One context to be opened: by which module, from which program, with which options."""

    __slots__ = (  # noqa: RUF023  in the order on the wire
        "context_id",
        "module",
        "probe",
        "where",
        "timeout",
        "elapsed",
        "opts",
        "env",
        "cwd",
        "log_level",
    )

    context_id: "int"
    module: "str"
    probe: "str"
    where: "str"
    timeout: "float"
    elapsed: "float"
    opts: "Dict[str, Any]"
    env: "Optional[Dict[str, str]]"
    cwd: "Optional[str]"
    log_level: "int"

    def __init__(self, *fields: "Any") -> "None":
        for name, value in zip(self.__slots__, fields):
            setattr(self, name, value)

    def pack(self, words: "Optional[List[str]]" = None) -> "bytes":
        """Return the payload of OPEN_CHILD; ValueNotSupported names the option that cannot go.

        words: of a program to be started at once, if the connector starts with such a one.
        """
        encode(self.opts, "%s: options" % self.where)  # names the one that is to blame
        told = encode([getattr(self, name) for name in self.__slots__[1:]], self.where)
        return encode((self.context_id, told) if words is None else (self.context_id, told, words))

    @classmethod
    def read(cls, context_id: "int", told: "bytes") -> "Order":
        """Return the order that a parent gave for a context."""
        fields: "Any" = decode(told)
        return cls(context_id, *fields)


def describe_error(error: "BaseException") -> "Tuple[Any, ...]":
    """Return what travels of the error that a context was lost by."""
    kind = type(error).__name__
    if kind not in KINDS:
        text = str(error) if isinstance(error, Error) else "%s: %s" % (kind, error)
        kind = "ConnectError"
    else:
        text = str(error)
    told = error if isinstance(error, ConnectError) else None
    return (
        kind,
        text[:TEXT_LIMIT],
        None if told is None else told.phase,
        None if told is None or told.elapsed is None else float(told.elapsed),
        None if told is None else told.exit_status,
        "" if told is None else told.stderr[-TEXT_LIMIT:],
        error.reason[:TEXT_LIMIT] if isinstance(error, DisconnectedError) else "",
    )


def read_event(fields: "Any") -> "Optional[Event]":
    """Return what a child tells of one that it opened, None for what is no event. Pure.

    ("ready", Info), ("ask", (title, instructions, questions)), ("lost", error) or ("gone", None).
    """
    if type(fields) is not tuple or len(fields) != 2 or type(fields[0]) is not str:
        return None
    verb, told = fields
    if verb == "ready" and refuse_hello(told) is None:
        return verb, Info(*(visible(fact) if type(fact) is str else fact for fact in told))
    if verb == "ask" and type(told) is str:
        return verb, visible(told[-TEXT_LIMIT:])
    if verb == "lost":
        error = _read_error(told)
        return None if error is None else (verb, error)
    return (verb, None) if verb == "gone" else None


def _read_error(told: "Any") -> "Optional[Exception]":
    if type(told) is not tuple or len(told) != 7:
        return None
    kind, text, phase, elapsed, status, stderr, reason = told
    texts = (kind, text, stderr, reason)
    if not all(type(one) is str and len(one) <= TEXT_LIMIT for one in texts) or kind not in KINDS:
        return None
    if not (phase is None or (type(phase) is str and len(phase) < 20)):
        return None
    if not (elapsed is None or type(elapsed) is float) or not _is_status(status):
        return None
    cls: "Any" = KINDS[kind]
    if issubclass(cls, ConnectError):
        said = visible(stderr, is_one_line=False)
        return cls(visible(text), phase and visible(phase), elapsed, status, said)  # type: ignore[no-any-return]
    if cls is DisconnectedError:
        return DisconnectedError(visible(text), visible(reason))
    return cls(visible(text))  # type: ignore[no-any-return]


def _is_status(status: "Union[int, Any, None]") -> "bool":
    return status is None or (type(status) is int and -256 < status < 1 << 16)
