"""The local connector: a child in an interpreter of this host, started as our own process."""

import sys

from ..bootstrap.command import candidates, interpreter_argv, probe_argv
from ..bootstrap.seed import get_payload
from ..core.errors import InterpreterError
from .base import Attempt, Connection
from .process import ProcessStream

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Sequence, Union

    from ..types import Opener

__all__ = ["connect"]


def connect(
    router: "Opener",
    context_id: "int",
    attempt: "Attempt",
    python_path: "Union[str, Sequence[str], None]" = None,
) -> "Connection":
    """Start an interpreter: this one, the one named, or the first found of several."""
    payload = get_payload(is_same=not python_path)
    tried: "Sequence[str]" = ()
    if python_path is None or isinstance(python_path, str):
        tried = (python_path or sys.executable,)  # no shell reads it: any name will do
        argv = interpreter_argv(tried[0], len(payload))
    else:
        tried = candidates(python_path)
        argv = probe_argv(python_path, len(payload))
    try:
        stream = ProcessStream(router.loop, argv)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        text = "%s: %s could not be started: %s. Name a Python with python_path" % (
            attempt.where,
            argv[0],
            reason,
        )
        raise InterpreterError(text, None, attempt.elapsed) from error
    return Connection(router, stream, context_id, attempt, payload, tried)
