"""What a name has to lead to that `remotesvc call` calls, as far as own source shows it.

A class may inherit methods, and a decorator may do whatever it likes: what reading does not show
is left to the host, which knows.
"""

import ast
from collections.abc import Iterable

from .callee import Callee, list_names
from .definitions import Definitions, read_definitions
from .usage import UsageProblem, did_you_mean

__all__ = ["EXAMPLE", "SoughtMethod", "call_parameter"]

EXAMPLE = "module.Class.method, for example app.logs.LogService.tail"

# The decorators of which it is known what they do to a method.
EXPOSE = "expose"
MARKS = frozenset({EXPOSE, "arg_spec", "no_reply"})
NEVER_EXPOSED = frozenset({"classmethod", "property", "staticmethod"})

# The base class that has no exposed methods of its own.
SERVICE = "Service"

# The annotation of a parameter that is filled in over there.
CALL = "Call"


class SoughtMethod:
    """An exposed method of a service class."""

    def describe_word(self, word: str) -> str:
        """Return the text for one word that is no module here."""
        return f"{word!r} is one word: write {EXAMPLE}"

    def describe_module(self, module: str, found: Definitions, beneath: Iterable[str]) -> str:
        """Return the text for a module, with the classes in it, or the modules beneath it."""
        names = _classes(found) or beneath
        return f"{module} is a module: name a class in it, and a method{list_names(names)}"

    def check(self, callee: Callee, found: Definitions, names: tuple[str, ...]) -> Callee:
        """Refuse what is no service, and what it surely does not expose."""
        where, body, node = callee.target.module, found, None
        for name in names[:-1] or names:
            node = _class_in(body, name, where)
            if node is None:
                return callee
            where = f"{where}.{name}"
            body = read_definitions(node.body)
        if node is None or not (node.bases or node.keywords or node.decorator_list):
            raise UsageProblem(f"class {where} is no service: derive it from {SERVICE}")
        if len(names) == 1:
            raise UsageProblem(f"{where} is a class: name a method of it{_offer(node, body)}")
        _check_name(node, body, names[-1], where)
        return _with_function(callee, node, body, names[-1], where)


def call_parameter(function: ast.FunctionDef) -> str | None:
    """Return the parameter of a method that is filled in with the Call, None without one."""
    declared = [*function.args.args, *function.args.kwonlyargs]
    return next((one.arg for one in declared if _last_name(one.annotation) == CALL), None)


def _classes(found: Definitions) -> list[str]:
    return [name for name in found.names if isinstance(found.only(name), ast.ClassDef)]


def _exposed(body: Definitions) -> list[str]:
    return [name for name in body.names if EXPOSE in _decorators(body.only(name))]


def _offer(node: ast.ClassDef, body: Definitions) -> str:
    """Return the list of exposed methods as part of a text, "" where not all stand here."""
    is_whole = all(_last_name(base) == SERVICE for base in node.bases)
    return list_names(_exposed(body), "exposed are") if is_whole else ""


def _class_in(body: Definitions, name: str, where: str) -> ast.ClassDef | None:
    """Return a class that a module or class has; None if that cannot be told by reading."""
    node, constant = body.only(name), body.constant(name)
    if constant is not None:
        raise UsageProblem(f"{where}.{name} is no class, it is {constant}")
    if isinstance(node, ast.FunctionDef) and not node.decorator_list:
        raise UsageProblem(f"{where}.{name} is a function, no service: remotesvc run calls it")
    return node if isinstance(node, ast.ClassDef) else None


def _check_name(node: ast.ClassDef, body: Definitions, method: str, where: str) -> None:
    """Refuse a method that no host will have."""
    if method.startswith("_"):
        text = "names that begin with _ are never exposed"
        raise UsageProblem(f"{where}.{method}: {text}{_offer(node, body)}")
    if method in body.names or not body.is_complete or node.keywords or node.decorator_list:
        return
    if all(_last_name(base) == SERVICE for base in node.bases):
        hint = did_you_mean(method, _exposed(body)) or _offer(node, body)
        raise UsageProblem(f"service {where} has no method {method!r}{hint}")


def _with_function(
    callee: Callee, node: ast.ClassDef, body: Definitions, method: str, where: str
) -> Callee:
    """Refuse what is not exposed; add the `def` where nothing wraps it."""
    function, constant = body.only(method), body.constant(method)
    if constant is not None:
        hint = _offer(node, body)
        raise UsageProblem(f"{where}.{method} is no method, it is {constant}{hint}")
    decorators = _decorators(function)
    if not isinstance(function, ast.FunctionDef) or not decorators <= MARKS | NEVER_EXPOSED:
        return callee
    if EXPOSE not in decorators or decorators & NEVER_EXPOSED:
        hint = "a plain method with @expose(policy=...) above it would be"
        raise UsageProblem(f"{where}.{method} is not exposed: {hint}{_offer(node, body)}")
    return Callee(callee.target, function, is_bound=True)


def _decorators(node: ast.AST | None) -> set[str]:
    """Return the last names of the decorators of a method, "" for what is no name."""
    if not isinstance(node, ast.FunctionDef):
        return set()
    calls = [one.func if isinstance(one, ast.Call) else one for one in node.decorator_list]
    return set(map(_last_name, calls))


def _last_name(node: ast.AST | None) -> str:
    """Return "b" for `a.b`, `b` and "a.b" in quotes, "" for anything else."""
    if isinstance(node, ast.Attribute):
        return node.attr
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value.rpartition(".")[2].strip()
    return node.id if isinstance(node, ast.Name) else ""
