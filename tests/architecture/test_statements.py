"""What no file of the library does, whatever its job."""

import ast
from collections.abc import Iterable, Iterator
from typing import TypeVar

from tests.architecture.tree import MODULES, is_old_python, is_under, parse

Node = TypeVar("Node", bound=ast.AST)

# Where prints belong: the one file of the command line that shows results, and the demonstration
# whose point is that prints arrive.
PRINTERS = ("remotesvc.cli.output", "remotesvc.testing.demo_app")

# Programs, run by name and never imported.
PROGRAMS = ("remotesvc.__main__", "remotesvc.bootstrap.stage0", "remotesvc.bootstrap.unpack")


def found(names: Iterable[str], *kinds: type[Node]) -> Iterator[tuple[str, Node]]:
    """Yield the nodes of some kinds in some modules, each with the place to look at."""
    for name in names:
        for node in ast.walk(parse(name)):
            if isinstance(node, kinds):
                yield f"{name}, line {getattr(node, 'lineno', 0)}", node


def test_library_checks_input_with_errors_not_with_assert() -> None:
    assert [place for place, _ in found(MODULES, ast.Assert)] == []


def test_only_the_output_of_the_command_line_prints() -> None:
    silent = [name for name in MODULES if not any(is_under(name, who) for who in PRINTERS)]
    prints = [
        place for place, call in found(silent, ast.Call) if ast.unparse(call.func) == "print"
    ]

    assert prints == []


def test_every_handler_says_what_it_catches() -> None:
    bare = [place for place, node in found(MODULES, ast.ExceptHandler) if node.type is None]

    assert bare == []


def test_no_class_relies_on_a_finaliser() -> None:
    finalisers = [
        place for place, node in found(MODULES, ast.FunctionDef) if node.name == "__del__"
    ]

    assert finalisers == []


def test_no_function_rebinds_a_global() -> None:
    assert [place for place, _ in found(MODULES, ast.Global)] == []


def test_import_of_a_module_does_nothing_but_define() -> None:
    acting = [
        f"{name}, line {statement.lineno}: {ast.unparse(statement).splitlines()[0]}"
        for name in MODULES
        if name not in PROGRAMS
        for statement in parse(name).body
        if isinstance(statement, ast.For | ast.While | ast.With | ast.Delete)
        or (isinstance(statement, ast.Expr) and not isinstance(statement.value, ast.Constant))
    ]

    assert acting == []


def test_first_line_of_every_module_says_what_it_is_for() -> None:
    silent = [
        name
        for name in MODULES
        if parse(name).body
        and not (ast.get_docstring(parse(name)) or "").partition("\n")[0].endswith((".", ":"))
    ]

    assert silent == []


def test_annotations_are_strings_where_old_pythons_read_them() -> None:
    names = [name for name in MODULES if is_old_python(name) and name != "remotesvc.types"]
    for_checkers = {
        inner
        for _, block in found(names, ast.If)
        if ast.unparse(block.test) == "TYPE_CHECKING"
        for statement in block.body
        for inner in ast.walk(statement)
    }
    annotations = [
        (place, getattr(node, "annotation", None) or getattr(node, "returns", None))
        for place, node in found(
            names, ast.arg, ast.AnnAssign, ast.FunctionDef, ast.AsyncFunctionDef
        )
        if node not in for_checkers
    ]

    assert [
        place
        for place, annotation in annotations
        if annotation is not None and not isinstance(annotation, ast.Constant)
    ] == []
