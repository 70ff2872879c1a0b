"""What a host says of the values that it is given. Python 3.6."""

import hashlib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, List, Union

__all__ = ["digest", "kinds", "same"]


def same(value: "Any") -> "Any":
    """Give back what came."""
    return value


def kinds(values: "List[Any]") -> "List[str]":
    """Name the types that arrived."""
    return [type(value).__name__ for value in values]


def digest(value: "Union[bytes, str]") -> "str":
    """Return the SHA-256 of bytes, or of a text in UTF-8."""
    data = value.encode("utf-8") if isinstance(value, str) else value
    return hashlib.sha256(data).hexdigest()
