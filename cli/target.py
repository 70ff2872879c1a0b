"""Finds what `module.func` on the command line names, without importing user code.

The longest prefix that is a module is the module, the rest a name in it. What own source is read
and found wanting is refused here; for the standard library and for installed packages the host's
version has the last word, so those only yield hints.
"""

import ast
import importlib
import pkgutil
from collections.abc import Iterable
from dataclasses import dataclass, field

from remotesvc.controller.modules.found import Missing, Module, NotOurs
from remotesvc.controller.modules.locate import Locator
from remotesvc.controller.modules.origin import is_stdlib_name
from remotesvc.controller.modules.syntax import parse
from remotesvc.controller.modules.target import Target

from .definitions import Definitions, read_definitions
from .usage import UsageProblem, did_you_mean

__all__ = ["Callee", "find_callee", "split_target"]

# Importing one of these does something to be seen.
LOUD_MODULES = frozenset({"antigravity", "this"})

# A module without any function named lists this many of those that it has.
SHOWN_FUNCTIONS = 8


@dataclass(frozen=True)
class Callee:
    """What is to be called, and what is known about it here.

    `function` is its `def` where own source shows exactly one, undecorated; `is_bound` when it
    takes its class by itself. `near` are names that a misspelt one may have meant.
    """

    target: Target
    function: ast.FunctionDef | None = None
    is_bound: bool = False
    is_here: bool = True
    near: tuple[str, ...] = field(default=(), repr=False)


def split_target(text: str) -> tuple[str, ...]:
    """Return the parts of a dotted name; UsageProblem for what cannot name a function."""
    parts = tuple(text.split("."))
    if not all(part.isidentifier() for part in parts):
        raise UsageProblem(
            f"{text!r} names no function: write module.function, for example app.health.check"
        )
    if len(parts) == 1:
        hint = f"builtins.{text}" if text in dir(__builtins__) else f"MODULE.{text}"
        raise UsageProblem(f"{text!r} is not in a module: write {hint}")
    if parts[0] == "__main__":
        raise UsageProblem("the command line has no __main__ of yours: name a module")
    return parts


def find_standard(parts: tuple[str, ...]) -> Callee | None:
    """Find a function of the standard library by importing its module; None for others."""
    if not is_stdlib_name(parts[0]):
        return None
    for end in range(len(parts), 0, -1):
        module = _import_standard(".".join(parts[:end]))
        if module is not None:
            return _follow(module, parts[:end], parts[end:])
    return Callee(Target(".".join(parts[:-1]), parts[-1]), is_here=False)


def find_callee(locator: Locator, parts: tuple[str, ...]) -> Callee:
    """Find a function by reading; UsageProblem when own source does not have it."""
    below: Missing | None = None
    for end in range(len(parts), 0, -1):
        found = locator.find(".".join(parts[:end]))
        if isinstance(found, Module):
            return _in_module(locator, found, parts[end:], below)
        if isinstance(found, NotOurs):
            return Callee(Target(found.name, ".".join(parts[end:]) or _none(found.name, ())))
        below = found
    near = [module.name for module in pkgutil.iter_modules()]
    target = Target(".".join(parts[:-1]), parts[-1])
    return Callee(target, is_here=False, near=tuple(near))


# -- the standard library ----------------------------------------------------------------------


def _import_standard(name: str) -> object | None:
    if name.partition(".")[0] in LOUD_MODULES:
        return None
    try:
        return importlib.import_module(name)
    except Exception:  # noqa: BLE001 another platform's module, or one built without its library
        return None


def _follow(value: object, module: tuple[str, ...], names: tuple[str, ...]) -> Callee:
    """Follow names from a module as far as they lead in this Python's version of it."""
    target = Target(".".join(module), ".".join(names))
    if not names:
        raise UsageProblem(_none(target.module, [n for n in dir(value) if not n.startswith("_")]))
    for name in names:
        if not hasattr(value, name):
            return Callee(target, near=tuple(dir(value)))
        value = getattr(value, name)
    if not callable(value):
        kind = type(value).__name__
        raise UsageProblem(f"{'.'.join(module + names)} is no function, it is of type {kind}")
    return Callee(target)


# -- what is read ------------------------------------------------------------------------------


def _in_module(
    locator: Locator, module: Module, names: tuple[str, ...], below: Missing | None
) -> Callee:
    tree = parse(module.source)
    found = read_definitions([] if tree is None else tree.body)
    beneath = locator.submodules(module.name) if module.is_package else frozenset()
    if not names:
        raise UsageProblem(_none(module.name, found.functions() or sorted(beneath)))
    target = Target(module.name, ".".join(names))
    near = (*found.names, *beneath)
    if module.origin != "own" or tree is None:
        return Callee(target, near=near)
    first = names[0]
    if first not in found.names and not _may_have(found, first):
        raise UsageProblem(_unknown(module, first, near, below))
    return _check_names(Callee(target, near=near), found, names)


def _check_names(callee: Callee, found: Definitions, names: tuple[str, ...]) -> Callee:
    where = callee.target.module
    node = found.only(names[0])
    if len(names) == 1:
        return _check_kind(callee, found, names[0], where)
    if not isinstance(node, ast.ClassDef) or not _is_plain(node):
        return callee
    members = read_definitions(node.body)
    if names[1] not in members.names and not _may_have(members, names[1]):
        hint = did_you_mean(names[1], members.names)
        raise UsageProblem(f"class {where}.{names[0]} has no {names[1]!r}{hint}")
    if len(names) > 2:
        return callee
    return _check_kind(callee, members, names[1], f"{where}.{names[0]}")


def _check_kind(callee: Callee, found: Definitions, name: str, where: str) -> Callee:
    constant = found.constant(name)
    if constant is not None:
        functions = found.functions()
        hint = did_you_mean(name, functions) or _list(functions)
        raise UsageProblem(f"{where}.{name} is no function, it is {constant}{hint}")
    node = found.only(name)
    if isinstance(node, ast.Import):
        raise UsageProblem(f"{where}.{name} is a module that is imported there, not a function")
    if not isinstance(node, ast.FunctionDef):
        return callee
    decorators = [ast.unparse(decorator) for decorator in node.decorator_list]
    if decorators not in ([], ["staticmethod"], ["classmethod"]):
        return callee  # what it is called with is the decorator's business
    is_bound = decorators == ["classmethod"]
    return Callee(callee.target, node, is_bound, near=callee.near)


def _may_have(found: Definitions, name: str) -> bool:
    """Tell whether a name may be there although no statement binds it."""
    return not found.is_complete or (name.startswith("__") and name.endswith("__"))


def _is_plain(node: ast.ClassDef) -> bool:
    """Tell whether all members of a class stand in its body."""
    return not (node.bases or node.keywords or node.decorator_list)


# -- words -------------------------------------------------------------------------------------


def _unknown(module: Module, name: str, near: Iterable[str], below: Missing | None) -> str:
    where = f" ({module.path})" if module.path else ""
    hint = did_you_mean(name, near)
    if below is not None and not below.reason.startswith("no module"):
        return below.reason  # it is here, and cannot be read
    if module.is_package:
        return f"package {module.name}{where} has no module or function {name!r}{hint}"
    return f"module {module.name}{where} has no {name!r}{hint}"


def _none(module: str, functions: Iterable[str]) -> str:
    return f"{module} is a module: name a function in it{_list(functions)}"


def _list(names: Iterable[str]) -> str:
    shown = list(names)
    more = ", …" if len(shown) > SHOWN_FUNCTIONS else ""
    return f"; it has {', '.join(shown[:SHOWN_FUNCTIONS])}{more}" if shown else ""
