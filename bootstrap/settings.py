"""What a parent tells a new child, and what a child tells its parent: CONFIGURE and HELLO.

Only this file knows the order of the fields on the wire.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Optional, Tuple

__all__ = ["MARKER", "Info", "Settings"]

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


class Info:
    """The payload of HELLO: facts about a child's interpreter, by its own word.

    `python_version` is (major, minor, micro); `platform` reads like "Linux-6.1.0-x86_64".
    """

    __slots__ = (  # noqa: RUF023  in the order on the wire
        "protocol",
        "python_version",
        "executable",
        "pid",
        "hostname",
        "platform",
        "uid",
    )

    protocol: "int"
    python_version: "Tuple[int, int, int]"
    executable: "str"
    pid: "int"
    hostname: "str"
    platform: "str"
    uid: "int"

    def __init__(self, *fields: "Any") -> "None":
        for name, value in zip(self.__slots__, fields):
            setattr(self, name, value)

    def __repr__(self) -> "str":
        fields = ", ".join("%s=%r" % (name, getattr(self, name)) for name in self.__slots__)
        return "Info(%s)" % fields
