"""Finds functions of the standard library, by importing their module here.

The host has the library of its own Python, maybe an older or a newer one: what is missing here is
not refused, it only yields a hint.
"""

import importlib
from collections.abc import Iterable
from types import FunctionType

from remotesvc.controller.modules.origin import is_stdlib_name
from remotesvc.controller.modules.target import Target

from .callee import Callee, describe_module
from .usage import UsageProblem, did_you_mean

__all__ = ["find_standard"]

# Importing one of these, or a program within a package, does something to be seen.
LOUD_MODULES = frozenset({"__main__", "antigravity", "idlelib", "test", "this", "turtledemo"})


def find_standard(parts: tuple[str, ...]) -> Callee | None:
    """Find a function by its name; None when that does not begin in the standard library.

    Raises UsageProblem for what is a module, or no function, here and hence everywhere.
    """
    if not is_stdlib_name(parts[0]):
        return None
    for end in range(len(parts), 0, -1):
        module = _import(".".join(parts[:end]))
        if module is not None:
            return _follow(module, parts[:end], parts[end:])
    if len(parts) == 1:
        raise UsageProblem(describe_module(parts[0], ()))
    return Callee(Target(".".join(parts[:-1]), parts[-1]))


def _import(name: str) -> object | None:
    if not LOUD_MODULES.isdisjoint(name.split(".")):
        return None
    try:
        return importlib.import_module(name)
    except Exception:  # noqa: BLE001 another platform's module, or one built without its library
        return None


def _names_in(module: object) -> Iterable[str]:
    """List what a module offers: what it says itself, else its own public functions."""
    functions = [
        name
        for name, value in vars(module).items()
        if isinstance(value, FunctionType)
        and value.__module__ == vars(module)["__name__"]
        and not name.startswith("_")
    ]
    listed: Iterable[str] = getattr(module, "__all__", functions)
    return listed


def _follow(value: object, module: tuple[str, ...], names: tuple[str, ...]) -> Callee:
    """Follow names from a module as far as they lead in this Python's version of it."""
    target = Target(".".join(module), ".".join(names))
    if not names:
        raise UsageProblem(describe_module(target.module, _names_in(value)))
    for name in names:
        if not hasattr(value, name):
            return Callee(target, hint=did_you_mean(name, dir(value)))
        value = getattr(value, name)
    if not callable(value):
        kind = type(value).__name__
        raise UsageProblem(f"{'.'.join(module + names)} is no function, its type is {kind}")
    return Callee(target)
