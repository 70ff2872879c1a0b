"""What a parent tells a new child: CONFIGURE. What it answers, HELLO, is in info.py.

Only this file knows the order of the fields on the wire.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Optional, Tuple

__all__ = ["MARKER", "Settings"]

# Stands before the first frame, followed by the connection's nonce: login scripts print too.
MARKER = b"\0remotesvc\0"


class Settings:
    """The payload of CONFIGURE: who the child is, its limits, and where it works."""

    __slots__ = (  # noqa: RUF023  in the order on the wire
        "nonce",
        "own_id",
        "parents",
        "max_message_size",
        "siblings",
        "window",
        "heartbeat",
        "heartbeat_misses",
        "grace",
        "log_level",
        "env",
        "cwd",
    )

    nonce: "bytes"
    own_id: "int"
    parents: "Tuple[int, ...]"
    max_message_size: "int"
    siblings: "bool"
    window: "int"
    heartbeat: "float"
    heartbeat_misses: "int"
    grace: "float"
    log_level: "int"
    env: "Optional[Dict[str, str]]"
    cwd: "Optional[str]"

    def __init__(self, *fields: "Any") -> "None":
        for name, value in zip(self.__slots__, fields):
            setattr(self, name, value)

    def plain(self) -> "Tuple[Any, ...]":
        """Return the fields in their order."""
        return tuple(getattr(self, name) for name in self.__slots__)
