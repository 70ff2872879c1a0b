"""The library as the architecture tests see it: its files, its zones, its imports.

Read from the checkout, never imported: what stands here holds for a tree that does not run.
"""

import ast
import functools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = [
    "MODULES",
    "ROOT",
    "Import",
    "imports",
    "is_old_python",
    "module_level_imports",
    "modules_under",
    "old_python_files",
    "parse",
]

ROOT = Path(__file__).resolve().parents[2]

# The folders that hold the library, each with the package that it installs as.
FOLDERS = {"remotesvc": "remotesvc", "bootstrap": "remotesvc.bootstrap", "cli": "remotesvc.cli"}

# Zones 1 and 2: these run on the host, whose Python may be 3.6, and have nothing but the
# standard library there. The rest runs where the program starts.
OLD_PYTHON = (
    "remotesvc.bootstrap",
    "remotesvc.branch",
    "remotesvc.channel",
    "remotesvc.connect",
    "remotesvc.core",
    "remotesvc.current",
    "remotesvc.files",
    "remotesvc.homes",
    "remotesvc.program",
    "remotesvc.router",
    "remotesvc.service",
    "remotesvc.types",
)


@dataclass(frozen=True)
class Import:
    """One import statement's wish for one module."""

    target: str
    line: int
    # "module": runs when the module is imported. "function": runs when a function is called.
    # "types": never runs.
    when: str


def _find_modules() -> dict[str, Path]:
    found: dict[str, Path] = {}
    for folder, package in FOLDERS.items():
        for path in sorted((ROOT / folder).rglob("*.py")):
            parts = path.relative_to(ROOT / folder).with_suffix("").parts
            # The symlinks remotesvc/bootstrap and remotesvc/cli show the other two folders again;
            # some versions of rglob follow them.
            if folder == "remotesvc" and parts[0] in FOLDERS:
                continue
            if parts[-1] == "__init__":
                parts = parts[:-1]
            found[".".join((package, *parts))] = path
    return dict(sorted(found.items()))


MODULES = _find_modules()


def is_under(name: str, package: str) -> bool:
    """Whether a dotted name is a package or lies in it."""
    return name == package or name.startswith(package + ".")


def modules_under(*packages: str) -> list[str]:
    """Return the names of the modules in some packages, the packages included."""
    return [name for name in MODULES if any(is_under(name, package) for package in packages)]


def is_old_python(name: str) -> bool:
    """Whether a module belongs to zone 1 or 2."""
    return name == "remotesvc" or any(is_under(name, package) for package in OLD_PYTHON)


def old_python_files() -> list[Path]:
    """Return the files of zones 1 and 2, relative to the checkout."""
    return [path.relative_to(ROOT) for name, path in MODULES.items() if is_old_python(name)]


@functools.cache
def parse(name: str) -> ast.Module:
    """Return the tree of a module of the library."""
    return ast.parse(MODULES[name].read_text("utf-8"))


@functools.cache
def imports(name: str) -> tuple[Import, ...]:
    """Return what a module imports, by absolute name.

    `from package import name` counts as an import of `package.name` where that is a module of
    the library, else of `package`.
    """
    return tuple(_walk(name, parse(name), "module"))


def module_level_imports(name: str) -> set[str]:
    """Return the names of the modules that are imported when a module is."""
    return {found.target for found in imports(name) if found.when == "module"}


def _walk(name: str, node: ast.AST, when: str) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            for alias in child.names:
                yield Import(alias.name, child.lineno, when)
        elif isinstance(child, ast.ImportFrom):
            for target in _targets(name, child):
                yield Import(target, child.lineno, when)
        elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield from _walk(name, child, "types" if when == "types" else "function")
        elif isinstance(child, ast.If) and _is_for_types(child.test):
            for statement in child.body:
                yield from _walk(name, ast.Module([statement], []), "types")
            for statement in child.orelse:
                yield from _walk(name, ast.Module([statement], []), when)
        else:
            yield from _walk(name, child, when)


def _is_for_types(test: ast.expr) -> bool:
    return ast.unparse(test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")


def _targets(name: str, node: ast.ImportFrom) -> Iterator[str]:
    base = node.module or ""
    if node.level:
        is_package = MODULES[name].name == "__init__.py"
        parts = name.split(".")
        parts = parts[: len(parts) - node.level + is_package]
        base = ".".join([*parts, base] if base else parts)
    for alias in node.names:
        full = f"{base}.{alias.name}"
        yield full if full in MODULES else base
