"""What a child tells its parent: HELLO. Stays with the parent: the child only sends the fields.

Only this file knows their order on the wire; `_facts()` in child.py follows it.
"""

from ..core.visible import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Tuple

__all__ = ["Info"]


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

    def plain(self) -> "Tuple[Any, ...]":
        """Return the fields in their order."""
        return tuple(getattr(self, name) for name in self.__slots__)

    def describe(self) -> "str":
        """Return the facts in words, made visible: they are the child's."""
        version = ".".join(map(str, self.python_version))
        words = "Python %s at %s, pid %d, uid %d, on %s (%s)"
        fields = version, self.executable, self.pid, self.uid, self.hostname, self.platform
        return visible(words % fields)

    def __repr__(self) -> "str":
        fields = ", ".join("%s=%r" % (name, getattr(self, name)) for name in self.__slots__)
        return "Info(%s)" % fields
