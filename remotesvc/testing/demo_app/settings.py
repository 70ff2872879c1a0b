"""Reads the settings of the demo from a file; here so that an error has some way to go."""

__all__ = ["first_setting"]


def first_setting(path: "str") -> "str":
    """Return the first line of the file; OSError when it cannot be read."""
    return _lines(path)[0]


def _lines(path: "str") -> "list[str]":
    with open(path) as stream:
        return stream.read().splitlines()
