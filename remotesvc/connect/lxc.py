"""The lxc connector: a child in an instance of incus or LXD, or in a container of classic LXC."""

from ..core.errors import ConnectError, ResolveError
from .command import find_program, start
from .container import NO_SHELL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import List, Optional, Sequence

    from ..bootstrap.command import PythonPath
    from ..types import Opener
    from .base import Attempt, Connection
    from .command import Clue

__all__ = ["PROGRAMS", "TARGET", "argv", "connect"]

TARGET = "instance"

# The first that is installed is used.
PROGRAMS = ("incus", "lxc", "lxc-attach")


def argv(
    command: "Sequence[str]",
    instance: "str",
    user: "Optional[int]" = None,
    workdir: "Optional[str]" = None,
    program: "str" = "incus",
    args: "Sequence[str]" = (),
) -> "List[str]":
    """Return how one of PROGRAMS, by whatever path, is called; `user` is a number."""
    if program.rpartition("/")[2] == "lxc-attach":
        options = [] if user is None else ["-u", str(user)]
        return [program, "-n", instance, *options, *args, "--", *command]
    options = [] if user is None else ["--user", str(user)]
    if workdir is not None:
        options += ["--cwd", workdir]
    return [program, "exec", instance, "-T", *options, *args, "--", *command]


def connect(
    router: "Opener",
    context_id: "int",
    attempt: "Attempt",
    instance: "str",
    user: "Optional[int]" = None,
    workdir: "Optional[str]" = None,
    python_path: "PythonPath" = None,
    program: "Optional[str]" = None,
    args: "Sequence[str]" = (),
) -> "Connection":
    """Start a child in an instance, as root unless `user` says otherwise."""
    name = find_program(attempt, PROGRAMS if program is None else [program])
    if workdir is not None and name.rpartition("/")[2] == "lxc-attach":
        raise ConnectError("%s: lxc-attach knows no workdir: give cwd=" % attempt.where, "resolve")
    return start(
        router,
        context_id,
        attempt,
        lambda command: argv(command, instance, user, workdir, name, args),
        python_path,
        _clues(name, instance),
    )


def _clues(program: "str", instance: "str") -> "List[Clue]":
    lister = "lxc-ls -f" if program.rpartition("/")[2] == "lxc-attach" else program + " list"
    missing = "there is no instance %s: `%s` lists them" % (instance, lister)
    asleep = "instance %s does not run: start it (`%s` shows it)" % (instance, lister)
    return [
        *NO_SHELL,
        ("is not running", ConnectError, asleep),
        ("failed to get init pid", ConnectError, asleep),
        ("instance not found", ResolveError, missing),
        ("not found", ResolveError, missing),
    ]
