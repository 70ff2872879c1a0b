"""Files and functions stay small enough to be read in one go.

An exception gives its reason on the line of its `def`: `# long: why`.
"""

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.architecture.tree import MODULES, ROOT, parse

FILE_LIMIT = 400
TEST_FILE_LIMIT = 600
FUNCTION_LIMIT = 40
EXCUSE = "# long: "


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def long_files(paths: Iterable[Path], limit: int) -> dict[str, int]:
    counts = {path: len(path.read_text("utf-8").splitlines()) for path in paths}
    return {str(path.relative_to(ROOT)): count for path, count in counts.items() if count > limit}


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Count the lines from `def` to the last one, without the docstring."""
    end = function.end_lineno or function.lineno
    lines = end - function.lineno + 1
    first = function.body[0]
    if ast.get_docstring(function, clean=False) is not None:
        lines -= (first.end_lineno or first.lineno) - first.lineno + 1
    return lines


def test_library_files_are_short() -> None:
    assert long_files(MODULES.values(), FILE_LIMIT) == {}


def test_test_files_are_short() -> None:
    assert long_files((ROOT / "tests").rglob("*.py"), TEST_FILE_LIMIT) == {}


def test_library_functions_are_short_or_say_why_not() -> None:
    long: dict[str, int] = {}
    for name, path in MODULES.items():
        lines = path.read_text("utf-8").splitlines()
        for function in functions(parse(name)):
            if length(function) > FUNCTION_LIMIT and EXCUSE not in lines[function.lineno - 1]:
                long[f"{name}.{function.name}, line {function.lineno}"] = length(function)

    assert long == {}
