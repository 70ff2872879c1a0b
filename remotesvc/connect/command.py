"""What connectors share that start a child by a program: to find it, start it, explain its end.

A connector file says how its program is called (`argv`, pure) and what its last words mean.
"""

import os

from ..bootstrap.command import candidates, probe_argv
from ..bootstrap.seed import get_payload
from ..core.errors import ConnectError
from .base import Connection, last_words
from .process import ProcessStream

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, List, Optional, Sequence, Tuple, Type

    from ..bootstrap.command import PythonPath
    from ..types import Opener
    from .base import Attempt, Explain

    # A part of what a program may say, the error that it means, and what to do about it.
    Clue = Tuple[str, Type[ConnectError], str]

__all__ = ["explainer", "find_program", "open_stream", "start"]


def start(
    router: "Opener",
    context_id: "int",
    attempt: "Attempt",
    argv: "Callable[[List[str]], List[str]]",
    python_path: "PythonPath" = None,
    clues: "Sequence[Clue]" = (),
) -> "Connection":
    """Start a child by a program that asks nothing; `argv(command)` is how it is called."""
    names = candidates(python_path)
    payload = get_payload()
    words = argv(probe_argv(python_path, len(payload)))
    stream = open_stream(attempt, words[0], lambda: ProcessStream(router.loop, words))
    explain = explainer(words[0], clues)
    return Connection(router, stream, context_id, attempt, payload, names, explain)


def open_stream(
    attempt: "Attempt",
    program: "str",
    start: "Callable[[], ProcessStream]",
    advice: "str" = "Install it, or name it with program=",
) -> "ProcessStream":
    """Return start(); ConnectError that names the program if that cannot be run."""
    try:
        return start()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        text = "%s: %s could not be started: %s. %s" % (attempt.where, program, reason, advice)
        raise ConnectError(text, "resolve", attempt.elapsed) from error


def find_program(attempt: "Attempt", names: "Sequence[str]") -> "str":
    """Return the first of some programs that is here; ConnectError if none is."""
    for name in names:
        if _is_here(name):
            return name
    text = "%s: %s is not installed on %s: install it, or name it with program="
    where = (attempt.where, " or ".join(names), os.uname()[1])
    raise ConnectError(text % where, "resolve", attempt.elapsed)


def _is_here(program: "str") -> "bool":
    """Tell whether a program can be started; shutil, which knows too, takes 2 ms to import."""
    folders = [""] if os.sep in program else os.get_exec_path()
    paths = [os.path.join(folder, program) for folder in folders]
    return any(os.path.isfile(path) and os.access(path, os.X_OK) for path in paths)


def explainer(program: "str", clues: "Sequence[Clue]") -> "Explain":
    """Return what explains the end of a program by clues: the first that stands in its words."""

    def explain(
        where: "str", exit_status: "Optional[int]", stderr: "str"
    ) -> "Optional[ConnectError]":
        said = stderr.lower()
        for clue, kind, advice in clues:
            if clue in said:
                said = last_words(stderr.replace("\r", ""))
                text = "%s: %s%s" % (where, advice, said[1:] if advice.endswith("?") else said)
                return kind(text, None, None, exit_status, stderr)
        return None

    return explain
