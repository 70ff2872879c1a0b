"""Names what a source may import, by reading it: the candidates, not the certainties.

`from a import b` names both `a` and `a.b`, since reading cannot tell a module from a variable;
whoever asks drops those that are not found. Function bodies and `try` blocks count, as do
`importlib.import_module("literal")` and `__import__("literal")`.
"""

import ast
from collections.abc import Iterator

from remotesvc.controller.modules.syntax import parse, walk_imported

__all__ = ["imports_of", "prefixes"]


def imports_of(source: bytes, name: str, is_package: bool) -> frozenset[str]:
    """Collect the absolute dotted names that a module's source may import.

    Each comes with the packages above it. Relative imports are resolved against `name`; those
    that lead above the top are left out. A source that does not parse imports nothing.
    """
    tree = parse(source)
    if tree is None:
        return frozenset()
    package = name if is_package else name.rpartition(".")[0]
    found: set[str] = set()
    for node in walk_imported(tree):
        for candidate in _candidates(node, package):
            found.update(prefixes(candidate))
    return frozenset(found)


def prefixes(name: str) -> list[str]:
    """List a dotted name's packages from the top down, the name itself last."""
    parts = name.split(".")
    return [".".join(parts[: end + 1]) for end in range(len(parts))]


def _candidates(node: ast.AST, package: str) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        yield from _from_import(node, package)
    elif isinstance(node, ast.Call):
        yield from _import_call(node, package)


def _from_import(node: ast.ImportFrom, package: str) -> Iterator[str]:
    base = _resolve(node.module or "", node.level, package)
    if not base:
        return
    yield base
    yield from (f"{base}.{alias.name}" for alias in node.names if alias.name != "*")


def _import_call(node: ast.Call, package: str) -> Iterator[str]:
    called = _called_name(node.func)
    if called not in {"import_module", "__import__"}:
        return
    literal = _argument(node, 0, "name")
    if not isinstance(literal, ast.Constant) or not isinstance(literal.value, str):
        return
    target = literal.value.lstrip(".")
    level = len(literal.value) - len(target)
    anchor = _anchor(_argument(node, 1, "package"), package) if level else ""
    resolved = _resolve(target, level, anchor)
    if all(resolved.split(".")):
        yield resolved


def _called_name(func: ast.expr) -> str:
    if isinstance(func, ast.Attribute):
        return func.attr
    return func.id if isinstance(func, ast.Name) else ""


def _argument(node: ast.Call, position: int, keyword: str) -> ast.expr | None:
    if len(node.args) > position:
        return node.args[position]
    return next((item.value for item in node.keywords if item.arg == keyword), None)


def _anchor(node: ast.expr | None, package: str) -> str:
    """Read the `package` argument of a relative import_module call; "" when it is unknown."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    # `__name__` is the package only in its own __init__; elsewhere such a call is an error.
    known = isinstance(node, ast.Name) and node.id in {"__package__", "__name__"}
    return package if known else ""


def _resolve(name: str, level: int, package: str) -> str:
    """Make a name absolute; "" when it leads above the top-level package."""
    if level == 0:
        return name
    parts = package.split(".") if package else []
    kept = len(parts) - (level - 1)
    if kept < 1:
        return ""
    return ".".join(parts[:kept] + ([name] if name else []))
