"""Writes a package of 60 modules in 5 nested packages: what a first call may have to import.

Ordinary source: each module has a docstring, an import and a few functions, and importing
`nested.entry` imports all others, in a chain of relative and absolute imports. They are written
so that mitogen finds them ahead, too: it does not look through `from . import name`. The numbers
in each module keep compression from making sixty of nearly one.
"""

from pathlib import Path
from random import Random

__all__ = ["ENTRY", "MODULE_COUNT", "write_nested"]

PACKAGES = ("nested", "two", "three", "four", "five")
MODULES_PER_PACKAGE = 12
WEIGHTS = 24
MODULE_COUNT = len(PACKAGES) * MODULES_PER_PACKAGE

# Its run() returns how many modules of the package are loaded where it runs.
ENTRY = "nested.entry"

ENTRY_SOURCE = '''\
"""What is called: it needs everything else."""

import sys

from .part01 import total


def run():
    """Return how many modules of this package are here."""
    assert total(range(3)) == 5
    return sum(name.partition(".")[0] == "nested" for name in sys.modules)
'''

PART_SOURCE = '''\
"""Part {number} of {package}: works out something small."""

{imports}

LIMIT_{number} = {number} * 1000
WEIGHTS_{number} = {weights}


def total(values):
    """Return the sum of the values, shifted by their count, below the limit of this part."""
    result = 0
    for index, value in enumerate(values):
        result += value + index % 2
    return min(result + 1, LIMIT_{number})


def describe_{number}(values, separator=", "):
    """Return the values as one line of text that names this part."""
    words = separator.join("%s=%r" % (index, value) for index, value in enumerate(values))
    return "part {number} of {package}: " + (words or "nothing")
'''


def write_nested(folder: Path) -> None:
    """Write the package into `folder`."""
    random = Random(0)  # the same package in every run
    for depth in range(len(PACKAGES)):
        names = PACKAGES[: depth + 1]
        package = folder.joinpath(*names)
        package.mkdir()
        dotted = ".".join(names)
        sources = {"__init__": f'"""Package {depth + 1} of {len(PACKAGES)}."""\n'}
        if depth == 0:
            sources["entry"] = ENTRY_SOURCE
        parts = MODULES_PER_PACKAGE - len(sources)
        for number in range(1, parts + 1):
            sources[f"part{number:02}"] = PART_SOURCE.format(
                number=number,
                package=dotted,
                imports=_imports(depth, dotted, number, parts),
                weights=tuple(random.randrange(1000) for _ in range(WEIGHTS)),
            )
        for name, text in sources.items():
            (package / f"{name}.py").write_text(text)


def _imports(depth: int, package: str, number: int, parts: int) -> str:
    """Return what one part imports: the next one, or the first one of the nested package."""
    if number < parts:
        nearby = f"part{number + 1:02}"
        relative, absolute = f"from .{nearby} import total as add", f"import {package}.{nearby}"
        return relative if number % 2 else absolute
    if depth + 1 < len(PACKAGES):
        return f"from .{PACKAGES[depth + 1]}.part01 import total as add"
    return "import os"
