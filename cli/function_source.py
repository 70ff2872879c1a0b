"""What a name has to lead to that `remotesvc run` calls, as far as own source shows it."""

import ast
from collections.abc import Iterable

from .callee import Callee, describe_module, describe_word, list_names
from .definitions import Definitions, read_definitions
from .own_source import may_have
from .usage import UsageProblem, did_you_mean

__all__ = ["SoughtFunction"]

# With none of these, what a `def` shows is what is called.
TRANSPARENT: tuple[list[str], ...] = ([], ["staticmethod"], ["classmethod"])


class SoughtFunction:
    """A function, or a class method or static method."""

    def describe_word(self, word: str) -> str:
        """Return the text for one word that is no module here."""
        return describe_word(word)

    def describe_module(self, module: str, found: Definitions, beneath: Iterable[str]) -> str:
        """Return the text for a module, with the functions in it, or the modules beneath it."""
        return describe_module(module, found.functions() or beneath)

    def check(self, callee: Callee, found: Definitions, names: tuple[str, ...]) -> Callee:
        """Refuse what is no function, or needs an instance."""
        if len(names) == 1:
            return _check_kind(callee, found, names[0], callee.target.module)
        return _check_member(callee, found.only(names[0]), names)


def _check_member(callee: Callee, node: ast.AST | None, names: tuple[str, ...]) -> Callee:
    """Check the second name, if the first is a class whose members all stand in its body."""
    if not isinstance(node, ast.ClassDef) or node.bases or node.keywords or node.decorator_list:
        return callee
    where = f"{callee.target.module}.{names[0]}"
    members = read_definitions(node.body)
    if not may_have(members, names[1]):
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
