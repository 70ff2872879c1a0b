"""What a source defines at its top, found by reading it: enough to refuse a misspelt name.

Nothing is run. Where running the source could bind names that reading it does not show, the
answer says so, and nobody is refused because of it.
"""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

__all__ = ["Definitions", "read_definitions"]

# Whoever uses one of these may bind any name, at import or later.
DYNAMIC_NAMES = frozenset({"exec", "globals", "locals", "setattr", "vars"})
DYNAMIC_ATTRIBUTES = frozenset({"__dict__", "modules"})

SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)

# What is surely not a function, and how it is called in an error text.
CONSTANTS: dict[type[ast.expr], str] = {
    ast.Dict: "a dict",
    ast.DictComp: "a dict",
    ast.JoinedStr: "a text",
    ast.List: "a list",
    ast.ListComp: "a list",
    ast.Set: "a set",
    ast.SetComp: "a set",
    ast.Tuple: "a tuple",
}


# Patterns and handlers have the names that they bind as text in a field.
NAMED = (ast.ExceptHandler, ast.MatchAs, ast.MatchStar)


@dataclass
class Definitions:
    """Names with all the nodes that bind each, and the values of plain assignments."""

    names: dict[str, list[ast.AST]] = field(default_factory=dict)
    values: dict[str, ast.expr] = field(default_factory=dict)
    is_complete: bool = True

    def only(self, name: str) -> ast.AST | None:
        """Return the one node that binds a name; None when there are several, or none."""
        nodes = self.names.get(name, [])
        return nodes[0] if len(nodes) == 1 else None

    def functions(self) -> list[str]:
        """List the public functions, as a hint for whoever named none."""
        return [
            name
            for name, nodes in self.names.items()
            if isinstance(nodes[-1], ast.FunctionDef) and not name.startswith("_")
        ]

    def constant(self, name: str) -> str | None:
        """Say what a name is if it is surely no function ("a list"), else None."""
        value = self.values.get(name) if self.only(name) else None
        if isinstance(value, ast.Constant):
            return f"the constant {repr(value.value)[:40]}"
        return None if value is None else CONSTANTS.get(type(value))


def read_definitions(body: list[ast.stmt]) -> Definitions:
    """Collect what the statements of a module or of a class bind."""
    found = Definitions()
    for node in _walk(body):
        for name, binder in _bindings(node):
            found.names.setdefault(name, []).append(binder)
        found.values.update(_values(node))
    found.is_complete = not (
        "*" in found.names or "__getattr__" in found.names or any(map(_is_dynamic, body))
    )
    return found


def _walk(body: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """Walk the nodes of one scope; functions and classes come, what is in them does not."""
    pending = list(reversed(list(body)))
    while pending:
        node = pending.pop()
        yield node
        if not isinstance(node, SCOPES):
            pending.extend(reversed(list(ast.iter_child_nodes(node))))


def _bindings(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name, node
    elif isinstance(node, ast.Import | ast.ImportFrom):
        for alias in node.names:
            yield _imported_name(node, alias), node
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        yield node.id, node
    elif isinstance(node, NAMED) and node.name is not None:
        yield node.name, node
    elif isinstance(node, ast.MatchMapping) and node.rest is not None:
        yield node.rest, node


def _imported_name(node: ast.Import | ast.ImportFrom, alias: ast.alias) -> str:
    if alias.asname:
        return alias.asname
    return alias.name.partition(".")[0] if isinstance(node, ast.Import) else alias.name


def _values(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """Yield name and value for `name = value`, annotated or not."""
    if not isinstance(node, ast.Assign | ast.AnnAssign) or node.value is None:
        return
    for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
        if isinstance(target, ast.Name):
            yield target.id, node.value


def _is_dynamic(statement: ast.stmt) -> bool:
    """Tell whether a statement, or a function in it, could bind names unseen."""
    return any(
        (isinstance(node, ast.Name) and node.id in DYNAMIC_NAMES)
        or (isinstance(node, ast.Attribute) and node.attr in DYNAMIC_ATTRIBUTES)
        or isinstance(node, ast.Global)
        for node in ast.walk(statement)
    )
