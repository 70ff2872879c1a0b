"""Counts; imports its sibling only when it runs."""

__all__ = ["count"]


def count(text: "str") -> "int":
    """Return the number of words."""
    from .words import split

    return len(split(text))
