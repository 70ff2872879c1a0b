"""The command line that starts a child: probe, launcher and stage0 as words of one shell command.

Values enter as argv words. Nothing in the command is special to any login shell inside single
quotes: no single quote, no `!` (csh), no backslash (fish), no newline.
"""

import functools

from remotesvc.bootstrap.seed import get_probe, get_stage0
from remotesvc.core.errors import InterpreterError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import List, Sequence, Tuple, Union

    PythonPath = Union[None, str, Sequence[str]]

__all__ = ["LAUNCHER", "candidates", "interpreter_argv", "probe_argv", "shell_command"]

# Runs stage0 out of sys.argv[2]: chr(126) is the ~ that stands for a newline there. It is started
# with -B: nothing is written on the host, no __pycache__ either.
LAUNCHER = "import sys;exec(sys.argv[2].replace(chr(126),chr(10)))"

# The flags of an interpreter, as probe.sh and stage0 have them too.
FLAGS = "-Bc"

# Newest first: the first one found runs, and stage0 hands over when it is too old.
DEFAULT_CANDIDATES = (
    "python3",
    *("python3.%d" % minor for minor in range(14, 5, -1)),
    "/usr/libexec/platform-python",
    "python",
)

# What some login shell treats specially even inside single quotes.
FORBIDDEN = "'!\\\n\0"


def candidates(python_path: "PythonPath") -> "Tuple[str, ...]":
    """Return the interpreters to try, in order; InterpreterError for a name no shell can take."""
    if python_path is None:
        return DEFAULT_CANDIDATES
    names = (python_path,) if isinstance(python_path, str) else tuple(python_path)
    for name in names:
        if not name or name.startswith("-") or any(char in name for char in FORBIDDEN):
            raise InterpreterError(
                "python_path %r: name an interpreter without quotes, !, backslash or newline"
                % (name,)
            )
    return names


def interpreter_argv(
    python: "str", payload_size: "int", is_isolated: "bool" = False
) -> "List[str]":
    """Return the argv that starts stage0 in a known interpreter of this host.

    is_isolated: whether PYTHON* of the environment and the user's site-packages are left out.
    """
    words = [python, FLAGS, LAUNCHER, LAUNCHER, _stage0(), str(payload_size)]
    return _isolate(words) if is_isolated else words


def probe_argv(
    python_path: "PythonPath", payload_size: "int", is_isolated: "bool" = False
) -> "List[str]":
    """Return the argv that finds an interpreter and starts stage0 in it, isolated or not."""
    words = ["sh", "-c", _probe(), LAUNCHER, _stage0(), str(payload_size)]
    return (_isolate(words) if is_isolated else words) + list(candidates(python_path))


def _isolate(words: "List[str]") -> "List[str]":
    """Return the words with the flags of an interpreter that must not listen to who starts it."""
    return [word.replace(FLAGS, "-EsBc") for word in words]


def shell_command(python_path: "PythonPath", payload_size: "int") -> "str":
    """Return `probe_argv` as one line that sh, bash, csh, tcsh, fish and ksh read alike."""
    return " ".join(map(_quote, probe_argv(python_path, payload_size)))


def _quote(word: "str") -> "str":
    safe = word.replace("/", "").replace(".", "").replace("-", "").isalnum()
    return word if safe else "'%s'" % word


@functools.lru_cache(maxsize=1)
def _probe() -> "str":
    return get_probe()


@functools.lru_cache(maxsize=1)
def _stage0() -> "str":
    return get_stage0()
