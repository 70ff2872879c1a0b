"""How the report looks; the words come from `words.txt`, a data file beside this module."""

import pkgutil

__all__ = ["heading", "progress"]


def progress(title: "str", number: "int", total: "int") -> "str":
    """Return one line of progress."""
    return f"[{number}/{total}] {title}: {_word(number)}"


def heading(hostname: "object") -> "str":
    """Return the first line of the report."""
    return _words()[0].format(hostname)


def _word(number: "int") -> "str":
    words = _words()[1:]
    return words[(number - 1) % len(words)]


def _words() -> "list[str]":
    data = pkgutil.get_data(__package__, "words.txt")
    if data is None:
        raise FileNotFoundError("words.txt did not travel with " + __package__)
    return data.decode("utf-8").splitlines()
