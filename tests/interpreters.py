"""The Pythons of this machine that the tests may use as hosts and as controllers.

`REMOTESVC_TEST_PYTHONS` (paths, separated as in PATH) names them all; without it they come from
`$PYENV_ROOT`, else from the `.pyenv` of the account, and from `python3.N` on PATH. The home is
that of the passwd entry: tests run with an empty HOME.
"""

import functools
import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = [
    "REQUIRED",
    "WANTED",
    "Interpreter",
    "find_interpreters",
    "hand_on_interpreters",
    "missing_interpreters",
]

# Names them all, for this process and for those that it starts.
VARIABLE = "REMOTESVC_TEST_PYTHONS"

# What they answered, for processes of pytest-xdist: "3.6=/path", separated likewise.
ANSWERS = "REMOTESVC_TEST_ANSWERS"

# What is looked for: 2.7 to be refused by name, the others to work.
WANTED = ((2, 7), *((3, minor) for minor in range(6, 15)))

# What CI must find: the versions that the documentation promises and that are released for long.
REQUIRED = tuple((3, minor) for minor in range(6, 14))

# A Python that needs longer than this to say its version is of no use to a test.
START_TIMEOUT = 20.0


@dataclass(frozen=True, order=True)
class Interpreter:
    """One Python that runs here."""

    version: tuple[int, int]
    path: str

    def __str__(self) -> str:
        return f"python{self.version[0]}.{self.version[1]}"


def find_interpreters(
    *, at_least: tuple[int, int] = (3, 6), include_python2: bool = False
) -> list[Interpreter]:
    """Return one interpreter per version, oldest first; each was started once and answered."""
    return [
        found
        for found in _find_all()
        if found.version >= at_least or (include_python2 and found.version[0] == 2)
    ]


def missing_interpreters() -> list[str]:
    """Return the versions of REQUIRED that this machine lacks, as "3.6"."""
    found = {interpreter.version for interpreter in _find_all()}
    return [f"{major}.{minor}" for major, minor in REQUIRED if (major, minor) not in found]


def hand_on_interpreters() -> None:
    """Have the processes that this one starts look no further than this one did, nor ask again."""
    found = _find_all()
    os.environ[VARIABLE] = os.pathsep.join(one.path for one in found)
    os.environ[ANSWERS] = os.pathsep.join(f"{str(one)[6:]}={one.path}" for one in found)


@functools.lru_cache(maxsize=1)
def _find_all() -> tuple[Interpreter, ...]:
    by_version: dict[tuple[int, int], Interpreter] = {}
    for path in _candidates():
        version = _version_of(path)
        if version in WANTED:
            by_version.setdefault(version, Interpreter(version, path))
    return tuple(sorted(by_version.values()))


def _candidates() -> Iterator[str]:
    named = os.environ.get(VARIABLE)
    if named:
        yield from filter(None, named.split(os.pathsep))
        return
    root = os.environ.get("PYENV_ROOT") or os.path.join(pwd.getpwuid(os.getuid()).pw_dir, ".pyenv")
    yield from sorted(map(str, Path(root).glob("versions/*/bin/python")))
    for major, minor in WANTED:
        on_path = shutil.which(f"python{major}.{minor}")
        if on_path:
            yield on_path


@functools.cache
def _version_of(path: str) -> tuple[int, int] | None:
    """Return the version that an interpreter says it has, None where it does not start.

    A shim on PATH may stand for a version that is not installed: so it is asked, once.
    """
    for answer in filter(None, os.environ.get(ANSWERS, "").split(os.pathsep)):
        version, _, known = answer.partition("=")
        if known == path:
            numbers = tuple(map(int, version.split(".")))
            return numbers[0], numbers[1]
    program = "import sys; sys.stdout.write('%d.%d' % sys.version_info[:2])"
    try:
        answer = subprocess.run(
            [path, "-c", program],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=START_TIMEOUT,
            check=True,
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    major, _, minor = answer.partition(".")
    return int(major), int(minor)
