"""`python -m bench`: run all parts, or those that are named, and print their tables."""

import argparse
import importlib.util
import os
import subprocess
import sys

from bench.machine import describe
from bench.parts import PARTS
from bench.table import Table

# The list of imports is printed by a program of its own.
IMPORTS = "imports"
IMPORTS_MODULE = "bench.importtime"


def main() -> None:
    """Run what the command line asks for; a goal that was missed is said, and is no failure."""
    options = _parse()
    if options.cpu is not None:
        os.sched_setaffinity(0, {options.cpu})
    names = options.parts or [*PARTS, IMPORTS]
    print(describe(), flush=True)
    verdicts: list[str] = []
    for name in names:
        if name == IMPORTS:
            _show_imports()
            continue
        for table in PARTS[name](options.rounds, _say):
            _show(table.title, _lines(table, options.markdown), options.markdown)
            verdicts += table.verdicts()
    if verdicts:
        bullet = "- " * options.markdown
        _show("Goals", [bullet + verdict for verdict in verdicts], options.markdown)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(PARTS)}, {IMPORTS}; all of them")
    parser.add_argument("--rounds", type=int, default=5, help="how often the peers alternate")
    parser.add_argument("--markdown", action="store_true", help="tables for README.md")
    parser.add_argument("--cpu", type=int, help="run everything on this one CPU")
    options = parser.parse_args()
    unknown = set(options.parts) - {*PARTS, IMPORTS}
    if unknown:
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    if options.rounds < 1:
        parser.error("--rounds: at least 1")
    return options


def _lines(table: Table, is_markdown: bool) -> list[str]:
    """Return a table as text: labels to the left, figures to the right."""
    rows = table.rows()
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    if is_markdown:
        rows.insert(1, ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])])
    lines = []
    for row in rows:
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        lines.append(f"| {' | '.join(cells)} |" if is_markdown else "  ".join(cells))
    return lines


def _show(title: str, lines: list[str], is_markdown: bool) -> None:
    print("", "### " * is_markdown + title, "", *lines, sep="\n", flush=True)


def _show_imports() -> None:
    """Run the program that lists them."""
    if importlib.util.find_spec(IMPORTS_MODULE) is None:
        _say(f"{IMPORTS}: there is no {IMPORTS_MODULE} in this checkout")
        return
    sys.stdout.flush()
    subprocess.run([sys.executable, "-m", IMPORTS_MODULE], check=True)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
