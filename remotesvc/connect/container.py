"""What the connectors of containers share: podman and docker are called alike, and err alike."""

from ..core.errors import AuthenticationError, ConnectError, InterpreterError, ResolveError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import List, Optional, Sequence, Tuple

    from .command import Clue

__all__ = ["NO_SHELL", "engine_clues", "exec_argv"]

_NO_SHELL = "it has no sh: nothing can be started in it"

# What runtimes say when there is no such program inside.
NO_SHELL: "Tuple[Clue, ...]" = (
    ("executable file not found", InterpreterError, _NO_SHELL),
    ("executable file `sh` not found", InterpreterError, _NO_SHELL),
    ("failed to exec", InterpreterError, _NO_SHELL),
)


def exec_argv(
    command: "Sequence[str]",
    container: "str",
    user: "Optional[str]" = None,
    workdir: "Optional[str]" = None,
    program: "str" = "podman",
    args: "Sequence[str]" = (),
) -> "List[str]":
    """Return how podman and docker start a command in a container that runs."""
    options = ["-i"]
    if user is not None:
        options += ["-u", user]
    if workdir is not None:
        options += ["-w", workdir]
    return [program, "exec", *options, *args, container, *command]


def engine_clues(program: "str", container: "str", user: "Optional[str]") -> "List[Clue]":
    """Return what podman and docker say, and what it means."""
    missing = "there is no container %s: `%s ps -a` lists them" % (container, program)
    asleep = "container %s does not run: `%s start %s`" % (container, program, container)
    engine = "%s does not reach its engine: is it running, and may you use it?" % program
    folder = "container %s has no such workdir, or its user may not enter it" % container
    nobody = "container %s has no user %s" % (container, user)
    account = "the user of its image" if user is None else "a user %s" % user
    unsaid = "nothing was started, nor said why: does %s have %s?" % (container, account)
    return [
        ("no such container", ResolveError, missing),
        ("no container with name or id", ResolveError, missing),
        ("is not running", ConnectError, asleep),
        ("running containers", ConnectError, asleep),
        ("container state improper", ConnectError, asleep),
        ("cannot connect to", ConnectError, engine),
        ("permission denied while trying to connect", ConnectError, engine),
        ("unable to find user", AuthenticationError, nobody),
        # docker, whose engine is podman
        ("unable to upgrade to tcp, received 500", ConnectError, unsaid),
        ("chdir to cwd", ConnectError, folder),  # runc
        ("crun: chdir ", ConnectError, folder),
        *NO_SHELL,
    ]
