"""The docker connector: a child in a container that runs; it asks nothing."""

from .command import find_program, start
from .container import engine_clues, exec_argv

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import List, Optional, Sequence

    from ..bootstrap.command import PythonPath
    from ..types import Opener
    from .base import Attempt, Connection

__all__ = ["TARGET", "argv", "connect"]

TARGET = "container"


def argv(
    command: "Sequence[str]",
    container: "str",
    user: "Optional[str]" = None,
    workdir: "Optional[str]" = None,
    program: "str" = "docker",
    args: "Sequence[str]" = (),
) -> "List[str]":
    """Return how docker is called."""
    return exec_argv(command, container, user, workdir, program, args)


def connect(
    router: "Opener",
    context_id: "int",
    attempt: "Attempt",
    container: "str",
    user: "Optional[str]" = None,
    workdir: "Optional[str]" = None,
    python_path: "PythonPath" = None,
    program: "str" = "docker",
    args: "Sequence[str]" = (),
) -> "Connection":
    """Start a child in a container."""
    find_program(attempt, [program])
    return start(
        router,
        context_id,
        attempt,
        lambda command: argv(command, container, user, workdir, program, args),
        python_path,
        engine_clues(program, container, user),
    )
