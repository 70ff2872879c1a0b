"""Splits a text."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import List

__all__ = ["SEPARATOR", "longest", "split"]

SEPARATOR = " "


def split(text: "str") -> "List[str]":
    """Return the words."""
    return text.split(SEPARATOR)


def longest(text: "str") -> "str":
    """Return the longest word."""
    return max(split(text), key=len)
