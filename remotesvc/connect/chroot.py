"""The chroot connector: a child in another root folder; only root may."""

from ..core.errors import ConnectError, InterpreterError, ResolveError
from .command import find_program, start

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import List, Optional, Sequence

    from ..bootstrap.command import PythonPath
    from ..types import Opener
    from .base import Attempt, Connection

__all__ = ["TARGET", "argv", "connect"]

TARGET = "root"


def argv(
    command: "Sequence[str]",
    root: "str",
    user: "Optional[str]" = None,
    program: "str" = "chroot",
    args: "Sequence[str]" = (),
) -> "List[str]":
    """Return how chroot is called; `user` is USER or USER:GROUP, by name or number."""
    options = [] if user is None else ["--userspec=" + user]
    return [program, *options, *args, root, *command]


def connect(
    router: "Opener",
    context_id: "int",
    attempt: "Attempt",
    root: "str",
    user: "Optional[str]" = None,
    python_path: "PythonPath" = None,
    program: "str" = "chroot",
    args: "Sequence[str]" = (),
) -> "Connection":
    """Start a child in a root folder."""
    find_program(attempt, [program])
    denied = "only root may change the root folder: become root first"
    missing = "there is no folder %s to be its root" % root
    return start(
        router,
        context_id,
        attempt,
        lambda command: argv(command, root, user, program, args),
        python_path,
        [
            ("operation not permitted", ConnectError, denied),
            ("failed to run command", InterpreterError, "%s has no sh in it" % root),
            ("no such file or directory", ResolveError, missing),
            ("not a directory", ResolveError, missing),
        ],
    )
