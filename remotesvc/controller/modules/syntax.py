"""Reads Python source without running it, and knows the conditions that are never true there.

The one place that parses user source: quiet (no warning of the compiler reaches the user a
second time), and without touching the process-wide warning filters, which other threads use.
"""

import ast
import re
from collections.abc import Iterator
from importlib.util import decode_source

from ...bootstrap.parse import parse as parse_text

__all__ = ["is_main_guard", "is_not_main_guard", "parse", "walk_imported"]

# One escape in a string. The parser warns about unknown ones ("\d"); their value is of no
# interest here, so the backslash gives way to a character that keeps every offset.
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_KNOWN_ESCAPES = frozenset("\n\\'\"abfnrtv0123xNuU")


def parse(source: bytes) -> ast.Module | None:
    """Parse source bytes, honouring their PEP 263 encoding; None when they do not compile."""
    try:
        return parse_text(_ESCAPE.sub(_without_unknown_escape, decode_source(source)))
    except (SyntaxError, ValueError, LookupError, RecursionError, MemoryError):
        return None


def walk_imported(tree: ast.Module) -> Iterator[ast.AST]:
    """Walk every node that can run when the module is imported or its functions are called.

    Left out: what is only for type checkers, and what runs only as the main program. Walks
    without recursion: a long sum is a deep tree.
    """
    pending: list[ast.AST] = [tree]
    while pending:
        node = pending.pop()
        yield node
        pending.extend(_live_children(node))


def is_main_guard(test: ast.expr) -> bool:
    """Tell whether a condition holds only in the main program, however it is spelled."""
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And):
        return any(is_main_guard(value) for value in test.values)
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return is_not_main_guard(test.operand)
    return _compares_name(test, (ast.Eq, ast.Is)) or _name_in_collection(test)


def is_not_main_guard(test: ast.expr) -> bool:
    """Tell whether a condition is `__name__ != "__main__"`: its else part is the program."""
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return is_main_guard(test.operand)
    return _compares_name(test, (ast.NotEq, ast.IsNot))


def _without_unknown_escape(match: re.Match[str]) -> str:
    follower = match.group(1)
    return match.group() if follower in _KNOWN_ESCAPES else "_" + follower


def _live_children(node: ast.AST) -> Iterator[ast.AST]:
    if not isinstance(node, ast.If):
        yield from ast.iter_child_nodes(node)
        return
    yield node.test
    if not (_is_type_checking(node.test) or is_main_guard(node.test)):
        yield from node.body
    if not (_is_not_type_checking(node.test) or is_not_main_guard(node.test)):
        yield from node.orelse


def _is_type_checking(test: ast.expr) -> bool:
    if isinstance(test, ast.Attribute):
        return test.attr == "TYPE_CHECKING"
    return isinstance(test, ast.Name) and test.id == "TYPE_CHECKING"


def _is_not_type_checking(test: ast.expr) -> bool:
    negated = isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not)
    return negated and _is_type_checking(test.operand)  # type: ignore[attr-defined]


def _compares_name(test: ast.expr, operators: tuple[type[ast.cmpop], ...]) -> bool:
    if not isinstance(test, ast.Compare) or len(test.ops) != 1:
        return False
    sides = (test.left, test.comparators[0])
    return (
        isinstance(test.ops[0], operators)
        and any(_is_name_variable(side) for side in sides)
        and any(_is_main_literal(side) for side in sides)
    )


def _name_in_collection(test: ast.expr) -> bool:
    if not isinstance(test, ast.Compare) or len(test.ops) != 1:
        return False
    choices = test.comparators[0]
    return (
        isinstance(test.ops[0], ast.In)
        and _is_name_variable(test.left)
        and isinstance(choices, ast.Tuple | ast.List | ast.Set)
        and any(_is_main_literal(choice) for choice in choices.elts)
    )


def _is_name_variable(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "__name__"


def _is_main_literal(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value == "__main__"
