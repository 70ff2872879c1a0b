"""Serves the main program: its source with everything cut out that would start it again.

Over there the rest runs as an import would run it: what stands under
`if __name__ == "__main__":` is blanked, an `else` beside it runs, and a function decorated with
`@remotesvc.main()` is blanked whole. Line numbers stay. A program without such a guard is
refused, for importing it would run it on the host.
"""

import ast
import functools
import os
import sys
from dataclasses import dataclass
from types import ModuleType
from typing import TypeAlias

from remotesvc.controller.modules.found import Module
from remotesvc.controller.modules.locate import MAX_SOURCE_BYTES, encode_source
from remotesvc.controller.modules.syntax import is_main_guard, is_not_main_guard, parse

__all__ = ["MainSource", "Refused", "TrueName", "bound_names", "cut_at_guard", "main_source"]

_MAIN_NAMES = frozenset({"__main__", "__mp_main__"})
_WAY_OUT = (
    "put the code that starts the program under `if __name__ == '__main__':`, or move the "
    "function into a module of its own"
)


@dataclass(frozen=True)
class Refused:
    """The main program does not travel; `reason` says why and what to do.

    `has_file` is False for what was typed, piped or given with -c: no guard could help there.
    """

    reason: str
    has_file: bool = True


@dataclass(frozen=True)
class TrueName:
    """The program was started with `python -m`: it travels as the module that it really is."""

    name: str


MainSource: TypeAlias = Module | TrueName | Refused


def main_source(module: ModuleType | None = None) -> MainSource:
    """Give the main program as it may travel; by default that of this process."""
    if module is None:
        module = sys.modules["__main__"]
    path = vars(module).get("__file__")
    if not isinstance(path, str) or path.startswith("<"):  # "<stdin>"
        return _no_file()
    try:
        source = _read(module, path)
    except (OSError, ImportError, UnicodeError, SyntaxError) as error:
        return Refused(f"the source of the main program cannot be read: {error}; {_WAY_OUT}")
    if source is None:
        return _no_file()
    rest = cut_at_guard(source)
    if rest is None:
        return Refused(f"{path} has no main guard, so sending it would run it there: {_WAY_OUT}")
    true_name = _true_name(module)
    # Imported by its true name the guard is false over there: nothing needs to be cut.
    return TrueName(true_name) if true_name else Module("__main__", "module", path, rest)


def cut_at_guard(source: bytes) -> bytes | None:
    """Blank what runs only in the main program; None without a guard, or without syntax."""
    tree = parse(source)
    if tree is None:
        return None
    cutter = _Cutter(source, tree)
    for node in tree.body:
        cutter.visit(node)
    return b"".join(cutter.lines) if cutter.has_cut else None


@functools.lru_cache(maxsize=1)  # there is one main program, and every call of its asks
def bound_names(source: bytes) -> frozenset[str]:
    """Collect the names that a source defines or assigns, anywhere in it."""
    tree = parse(source)
    names: set[str] = set()
    for node in () if tree is None else ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
    return frozenset(names)


class _Cutter:
    """The lines of a program while top-level statements are blanked in them.

    A statement that is cut always owns its lines: `if`, `def` and `else` start theirs.
    """

    def __init__(self, source: bytes, tree: ast.Module) -> None:
        # bytes.splitlines knows the same line ends as the parser; str.splitlines knows more.
        self.lines = source.splitlines(keepends=True)
        self.has_cut = False
        self._decorators = _main_decorators(tree)

    def visit(self, node: ast.stmt) -> None:
        if isinstance(node, ast.If):
            self._visit_if(node)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and self._starts(node):
            first = min(item.lineno for item in node.decorator_list)
            self._blank(first, _last_line(node))

    def _starts(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
        """Tell whether a function is decorated with `remotesvc.main`."""
        spelled = {ast.unparse(_called(item)) for item in node.decorator_list}
        return bool(spelled & self._decorators)

    def _visit_if(self, node: ast.If) -> None:
        if is_main_guard(node.test):
            if node.orelse:
                self._keep_else(node)
            else:
                self._blank(node.lineno, _last_line(node))
        elif is_not_main_guard(node.test) and node.orelse:
            self._blank(self._else_line(node), _last_line(node))

    def _keep_else(self, node: ast.If) -> None:
        """Make the other branch a statement of its own, in place."""
        line = self._else_line(node)
        self._blank(node.lineno, line - 1)
        text = self.lines[line - 1]
        is_elif = text.lstrip(b"\f").startswith(b"elif")
        old, new = (b"elif", b"if  ") if is_elif else (b"else", b"if 1")
        self.lines[line - 1] = text.replace(old, new, 1)

    def _else_line(self, node: ast.If) -> int:
        # Between the body and the other branch stand only comments and this one keyword.
        first, last = _last_line(node.body[-1]) + 1, node.orelse[0].lineno
        candidates = range(first, last + 1)
        return next(number for number in candidates if self._is_else(number))

    def _is_else(self, number: int) -> bool:
        # A form feed is all that may stand before a keyword at the top level.
        return self.lines[number - 1].lstrip(b"\f").startswith((b"else", b"elif"))

    def _blank(self, first: int, last: int) -> None:
        self.has_cut = True
        for index in range(first - 1, last):
            line = self.lines[index]
            self.lines[index] = line[len(line.rstrip(b"\r\n")) :]


def _main_decorators(tree: ast.Module) -> frozenset[str]:
    """Collect the spellings under which this program knows `remotesvc.main`."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            toolkits = [alias for alias in node.names if alias.name == "remotesvc"]
            names.update(f"{alias.asname or alias.name}.main" for alias in toolkits)
        elif isinstance(node, ast.ImportFrom) and node.module == "remotesvc":
            mains = [alias for alias in node.names if alias.name == "main"]
            names.update(alias.asname or alias.name for alias in mains)
    return frozenset(names)


def _called(decorator: ast.expr) -> ast.expr:
    return decorator.func if isinstance(decorator, ast.Call) else decorator


def _last_line(node: ast.stmt) -> int:
    return node.lineno if node.end_lineno is None else node.end_lineno


def _true_name(module: ModuleType) -> str:
    name = getattr(vars(module).get("__spec__"), "name", "")
    return "" if name in _MAIN_NAMES else name


def _read(module: ModuleType, path: str) -> bytes | None:
    if path.endswith((".pyc", ".pyo")):
        return None
    if os.path.isfile(path):
        if os.stat(path).st_size > MAX_SOURCE_BYTES:
            raise OSError(f"{path} has more than {MAX_SOURCE_BYTES} bytes")
        with open(path, "rb") as file:
            return file.read(MAX_SOURCE_BYTES)
    # A program that is a zip file: `__file__` leads inside of it.
    get_source = getattr(vars(module).get("__loader__"), "get_source", None)
    text = None if get_source is None else get_source("__main__")
    return encode_source(text) if isinstance(text, str) else None


def _no_file() -> Refused:
    return Refused(
        "the main program has no source file (interactive session, notebook, `python -c`, "
        "standard input or bytecode): its functions travel only by cloudpickle, which needs the "
        "same Python version over there; or put them into a module",
        has_file=False,
    )
