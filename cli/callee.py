"""Callee: the function that `module.func` on the command line names, and what is known of it."""

import ast
import builtins
from collections.abc import Iterable
from dataclasses import dataclass

from remotesvc.controller.modules.target import Target

from .usage import UsageProblem

__all__ = ["Callee", "describe_module", "describe_word", "list_names", "split_target"]

# A list of names in an error text stops here.
SHOWN_NAMES = 8


@dataclass(frozen=True)
class Callee:
    """What is to be called.

    `function` is its `def` where own source shows exactly one, and nothing wraps it; `is_bound`
    when its class is its first argument. `hint` is for when the host does not have it: "" or
    a text that begins with "; ".
    """

    target: Target
    function: ast.FunctionDef | None = None
    is_bound: bool = False
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.target.module}.{self.target.qualname}"


def split_target(text: str) -> tuple[str, ...]:
    """Return the parts of a name; UsageProblem for what cannot name a function or a module."""
    parts = tuple(text.split("."))
    if not all(part.isidentifier() for part in parts):
        raise UsageProblem(
            f"{text!r} names no function: write module.function, for example app.health.check"
        )
    if len(parts) == 1 and text in dir(builtins):
        raise UsageProblem(f"{text!r} names no module: write builtins.{text}")
    if parts[0] == "__main__":
        raise UsageProblem("the command line has no __main__ of yours: name a module")
    return parts


def describe_module(module: str, functions: Iterable[str]) -> str:
    """Return the text for a target that names a module and no function in it."""
    return f"{module} is a module: name a function in it{list_names(functions)}"


def describe_word(word: str) -> str:
    """Return the text for a target of one word that is no module here."""
    text = f"{word!r} is one word: write module.function, for example app.health.check"
    return f"{text}; several hosts are one word too, with commas: web1,web2"


def list_names(names: Iterable[str], words: str = "it has") -> str:
    """Return "; it has a, b, c", "" without names."""
    shown = list(names)
    more = ", …" if len(shown) > SHOWN_NAMES else ""
    return f"; {words} {', '.join(shown[:SHOWN_NAMES])}{more}" if shown else ""
