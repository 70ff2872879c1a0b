"""Finds functions outside the standard library by reading their source; imports nothing.

The longest prefix of the name that is a module is the module. Own source travels as it is, so
what it lacks is refused here. An installed package is the host's own version, if the host has
it: it is not refused for what this one lacks, nor is a module that exists only over there.
"""

import ast
import pkgutil

from remotesvc.controller.modules.found import Missing, Module, NotOurs
from remotesvc.controller.modules.locate import Locator
from remotesvc.controller.modules.syntax import parse
from remotesvc.controller.modules.target import Target

from .callee import Callee, describe_module, describe_word, list_names
from .current_folder import current_folder
from .definitions import Definitions, read_definitions
from .usage import UsageProblem, did_you_mean

__all__ = ["find_own"]

# With none of these, what a `def` shows is what is called.
TRANSPARENT: tuple[list[str], ...] = ([], ["staticmethod"], ["classmethod"])


def find_own(locator: Locator, parts: tuple[str, ...]) -> Callee:
    """Find a function by its name; UsageProblem when own source does not have it."""
    below: Missing | None = None
    for end in range(len(parts), 0, -1):
        found = locator.find(".".join(parts[:end]))
        if isinstance(found, Module):
            return _Search(locator, found, below).find(parts[end:])
        if isinstance(found, NotOurs):
            if end == len(parts):
                raise UsageProblem(describe_module(found.name, ()))
            return Callee(Target(found.name, ".".join(parts[end:])))
        below = found
    if len(parts) == 1:
        raise UsageProblem(describe_word(parts[0]))
    near = did_you_mean(parts[0], (module.name for module in pkgutil.iter_modules()))
    hint = f"; nor is {parts[0]!r} here, in {current_folder()} or installed{near}"
    return Callee(Target(".".join(parts[:-1]), parts[-1]), hint=hint)


class _Search:
    """The search for a name in one module; `below` is the longer name that was not found."""

    def __init__(self, locator: Locator, module: Module, below: Missing | None) -> None:
        tree = parse(module.source)
        self._module = module
        self._below = below
        self._found = read_definitions([] if tree is None else tree.body)
        # A source that does not parse here may do so in the host's Python.
        self._is_final = module.origin == "own" and tree is not None
        self._beneath = locator.submodules(module.name) if module.is_package else frozenset()

    def find(self, names: tuple[str, ...]) -> Callee:
        module, found = self._module.name, self._found
        if not names:
            functions = found.functions() or sorted(self._beneath)
            raise UsageProblem(describe_module(module, functions))
        callee = Callee(Target(module, ".".join(names)))
        if not _may_have(found, names[0]):
            hint = did_you_mean(names[0], (*found.names, *self._beneath))
            if self._is_final:
                raise UsageProblem(self._describe_lack(names[0], hint))
            return Callee(callee.target, hint=hint)
        if not self._is_final:
            return callee
        if len(names) == 1:
            return _check_kind(callee, found, names[0], module)
        return _check_member(callee, found.only(names[0]), names)

    def _describe_lack(self, name: str, hint: str) -> str:
        if self._below is not None and not self._below.reason.startswith("no module"):
            return self._below.reason  # a module of that name is here, and cannot be read
        path = f" ({self._module.path})" if self._module.path else ""
        if self._module.is_package:
            return f"package {self._module.name}{path} has no module or function {name!r}{hint}"
        return f"module {self._module.name}{path} has no {name!r}{hint}"


def _check_member(callee: Callee, node: ast.AST | None, names: tuple[str, ...]) -> Callee:
    """Check the second name, if the first is a class whose members all stand in its body."""
    if not isinstance(node, ast.ClassDef) or node.bases or node.keywords or node.decorator_list:
        return callee
    where = f"{callee.target.module}.{names[0]}"
    members = read_definitions(node.body)
    if not _may_have(members, names[1]):
        hint = did_you_mean(names[1], members.names)
        raise UsageProblem(f"class {where} has no {names[1]!r}{hint}")
    if len(names) > 2:
        return callee
    if _wants_instance(members.only(names[1])):
        text = "needs an instance: name a function, a classmethod or a staticmethod"
        raise UsageProblem(f"{where}.{names[1]} {text}")
    return _check_kind(callee, members, names[1], where)


def _wants_instance(member: ast.AST | None) -> bool:
    """Tell a method by its first parameter: a `def` without self can be called on the class."""
    if not isinstance(member, ast.FunctionDef) or member.decorator_list:
        return False
    first = [*member.args.posonlyargs, *member.args.args][:1]
    return [argument.arg for argument in first] == ["self"]


def _check_kind(callee: Callee, found: Definitions, name: str, where: str) -> Callee:
    constant, node = found.constant(name), found.only(name)
    if constant is not None:
        functions = found.functions()
        hint = did_you_mean(name, functions) or list_names(functions)
        raise UsageProblem(f"{where}.{name} is no function, it is {constant}{hint}")
    if isinstance(node, ast.Import):
        raise UsageProblem(f"{where}.{name} is a module that is imported there, no function")
    if isinstance(node, ast.FunctionDef):
        decorators = [ast.unparse(decorator) for decorator in node.decorator_list]
        if decorators in TRANSPARENT:
            return Callee(callee.target, node, decorators == ["classmethod"])
    return callee


def _may_have(found: Definitions, name: str) -> bool:
    """Tell whether a name is bound, or may be although no statement shows it."""
    is_special = name.startswith("__") and name.endswith("__")
    return name in found.names or not found.is_complete or is_special
