"""The kubectl connector: a child in a container of a pod."""

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

__all__ = ["TARGET", "argv", "connect"]

TARGET = "pod"


def argv(
    command: "Sequence[str]",
    pod: "str",
    namespace: "Optional[str]" = None,
    container: "Optional[str]" = None,
    cluster: "Optional[str]" = None,
    program: "str" = "kubectl",
    args: "Sequence[str]" = (),
) -> "List[str]":
    """Return how kubectl is called; `cluster` is a context of its configuration."""
    options = ["-i"]
    for option, value in (("--context", cluster), ("-n", namespace), ("-c", container)):
        if value is not None:
            options += [option, value]
    return [program, "exec", *options, *args, pod, "--", *command]


def connect(
    router: "Opener",
    context_id: "int",
    attempt: "Attempt",
    pod: "str",
    namespace: "Optional[str]" = None,
    container: "Optional[str]" = None,
    cluster: "Optional[str]" = None,
    python_path: "PythonPath" = None,
    program: "str" = "kubectl",
    args: "Sequence[str]" = (),
) -> "Connection":
    """Start a child in a pod; as which user, the pod says."""
    find_program(attempt, [program])
    return start(
        router,
        context_id,
        attempt,
        lambda command: argv(command, pod, namespace, container, cluster, program, args),
        python_path,
        _clues(program, pod),
    )


def _clues(program: "str", pod: "str") -> "List[Clue]":
    missing = "there is no pod %s there: `%s get pods -A` lists them" % (pod, program)
    container = "pod %s has no such container: `%s describe pod %s`" % (pod, program, pod)
    asleep = "pod %s does not run: `%s describe pod %s` says why" % (pod, program, pod)
    server = "%s does not reach the cluster: `%s config current-context`" % (program, program)
    return [
        *NO_SHELL,
        ("container not found", ResolveError, container),
        ("is not valid for pod", ResolveError, container),
        ("not found", ResolveError, missing),
        ("a completed pod", ConnectError, asleep),
        ("does not have a host assigned", ConnectError, asleep),
        ("unable to connect to the server", ConnectError, server),
        ("was refused - did you specify", ConnectError, server),
    ]
