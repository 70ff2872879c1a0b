"""Turns the words after the function's name into its arguments. Pure.

A word is a Python literal if it parses as one, else text. `key=value` is a keyword argument when
the key is an identifier, up to a `--` on the command line.
"""

import ast
from collections.abc import Sequence
from dataclasses import dataclass

from remotesvc.core.errors import ValueNotSupported
from remotesvc.core.values import encode

from .usage import UsageProblem

__all__ = ["Arguments", "parse_arguments"]


@dataclass(frozen=True)
class Arguments:
    """What a function is called with."""

    args: tuple[object, ...]
    kwargs: dict[str, object]


def parse_arguments(
    words: Sequence[str], *, literal_tail: int = 0, is_text: bool = False
) -> Arguments:
    """Return the arguments that some words stand for.

    The last `literal_tail` words stood after `--`: none of them is a keyword. With `is_text`
    every value is text. Raises UsageProblem for a keyword given twice and for what cannot be
    sent to any host.
    """
    args: list[object] = []
    kwargs: dict[str, object] = {}
    for index, word in enumerate(words):
        key, equals, text = word.partition("=")
        is_keyword = equals and key.isidentifier() and index < len(words) - literal_tail
        value = _value(text if is_keyword else word, is_text)
        _check_travels(value, key if is_keyword else str(len(args) + 1), word)
        if not is_keyword:
            args.append(value)
        elif key in kwargs:
            raise UsageProblem(f"the argument {key} is given twice; the second time as {word!r}")
        else:
            kwargs[key] = value
    return Arguments(tuple(args), kwargs)


def _value(word: str, is_text: bool) -> object:
    if is_text:
        return word
    try:
        return ast.literal_eval(word)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return word  # TypeError: a set or a dict of lists parses, and cannot be made


def _check_travels(value: object, name: str, word: str) -> None:
    try:
        encode(value, f"argument {name}")
    except ValueNotSupported as error:
        shown = word if len(word) <= 40 else word[:37] + "..."
        raise UsageProblem(f"{error} (given as {shown!r}; --text sends it as text)") from error
