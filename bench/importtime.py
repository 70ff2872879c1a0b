"""Lists what a child imports on the way to its first call, by `-X importtime`.

    python -m bench.importtime [PYTHON...]

The children run without `site`: what the host's site-packages import at every start would hide
some of the list. Modules that a bare `python -S -c pass` imports too are left out. Times are those
of the fastest of a few runs, in microseconds, without what a module imports in turn. Python 3.6
has no `-X importtime`.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import remotesvc

__all__ = ["Import", "imports_of_a_child"]

FLAGS = ("-S", "-E", "-X", "importtime")

OWN = "remotesvc"

RUNS = 5


@dataclass(frozen=True)
class Import:
    """One module, and the time that it took without what it imports in turn."""

    name: str
    microseconds: int

    @property
    def is_own(self) -> bool:
        """Whether it came with the bootstrap."""
        return self.name.partition(".")[0] == OWN


def imports_of_a_child(python: str) -> list[Import]:
    """Return what a child in this interpreter imports until `os.getpid` has returned, in order."""
    at_start = {item.name for item in _parse(_bare_start(python))}
    runs = [
        [item for item in _parse(_first_call(python)) if item.name not in at_start]
        for _ in range(RUNS)
    ]
    return min(runs, key=lambda imports: sum(item.microseconds for item in imports))


def _bare_start(python: str) -> Iterable[str]:
    command = [python, *FLAGS, "-c", "pass"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stderr.splitlines()


def _first_call(python: str) -> Iterable[str]:
    """Start a child whose stderr is a file, until it is taken over and arrives here as prints."""
    prints: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        log, wrapper = Path(folder, "log"), Path(folder, "python")
        wrapper.write_text(f'#!/bin/sh\nexec "{python}" {" ".join(FLAGS)} "$@" 2>"{log}"\n')
        wrapper.chmod(0o700)
        with remotesvc.Router(output=lambda name, stream, line: prints.append(line.decode())) as r:
            r.local(python_path=str(wrapper)).call(os.getpid)
        return [*log.read_text().splitlines(), *prints]


def _parse(lines: Iterable[str]) -> Iterator[Import]:
    """Yield the imports; a line is `import time: SELF | CUMULATIVE | NAME`, after a heading."""
    for line in lines:
        head, _, rest = line.partition("import time:")
        fields = rest.split("|")
        if not head and len(fields) == 3 and fields[0].strip().isdigit():
            yield Import(fields[2].strip(), int(fields[0]))


def _table(imports: Iterable[Import]) -> Iterator[str]:
    rows = [(item.name, f"{item.microseconds:,}") for item in imports]
    names, times = zip(("module", "µs"), *rows, strict=True)
    wide, narrow = max(map(len, names)), max(map(len, times))
    yield f"| {'module':{wide}} | {'µs':>{narrow}} |"
    yield f"|{'-' * (wide + 2)}|{'-' * (narrow + 1)}:|"
    for name, time in rows:
        yield f"| {name:{wide}} | {time:>{narrow}} |"


def main(pythons: list[str]) -> None:
    """Print one list per interpreter, the standard library apart from what came along."""
    for python in pythons or [os.path.realpath(sys.executable)]:
        version = subprocess.run([python, "-V"], capture_output=True, text=True, check=True)
        imports = imports_of_a_child(python)
        for title, is_own in (("of the standard library", False), ("of the bootstrap", True)):
            part = [item for item in imports if item.is_own is is_own]
            total = sum(item.microseconds for item in part)
            print(f"\n{version.stdout.strip()}: {len(part)} modules {title}, {total:,} µs\n")
            print("\n".join(_table(part)))


if __name__ == "__main__":
    main(sys.argv[1:])
