"""The exec connector: any program that starts a command somewhere, by a template of its argv.

A word {command} becomes the words of the command; {line}, anywhere in a word, the command as one
string for a shell; {python} the words of the one interpreter that python_path names. Nothing else
is quoted, no shell is started. Without any of them the command follows behind the last word.
"""

import shlex

from ..bootstrap.command import candidates, interpreter_argv, probe_argv
from ..bootstrap.seed import get_payload
from ..core.errors import ConnectError
from .base import Connection
from .command import open_stream
from .process import ProcessStream

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import List, Optional, Sequence

    from ..bootstrap.command import PythonPath
    from ..types import Opener
    from .base import Attempt

__all__ = ["TARGET", "argv", "connect"]

TARGET = "template"

COMMAND, LINE, PYTHON = "{command}", "{line}", "{python}"


def argv(
    command: "Sequence[str]", template: "Sequence[str]", python: "Optional[Sequence[str]]" = None
) -> "List[str]":
    """Return the words of a template with the command put in."""
    words: "List[str]" = []
    is_put = False
    for word in template:
        if word == COMMAND:
            words += command
        elif word == PYTHON and python is not None:
            words += python
        elif LINE in word:
            words.append(word.replace(LINE, " ".join(map(shlex.quote, command))))
        else:
            words.append(word)
            continue
        is_put = True
    return words if is_put else words + list(command)


def connect(
    router: "Opener",
    context_id: "int",
    attempt: "Attempt",
    template: "Sequence[str]",
    python_path: "PythonPath" = None,
) -> "Connection":
    """Start a child by a program that asks nothing."""
    if isinstance(template, str) or not template:
        raise ValueError("template=%r: it is a list of words, the program first" % (template,))
    names = candidates(python_path)
    if PYTHON in template and not isinstance(python_path, str):
        text = "%s: {python} stands in the template: name one interpreter with python_path"
        raise ConnectError(text % attempt.where, "interpreter")
    payload = get_payload()
    python = interpreter_argv(names[0], len(payload))
    words = argv(probe_argv(python_path, len(payload)), template, python)
    stream = open_stream(
        attempt,
        words[0],
        lambda: ProcessStream(router.loop, words),
        "Correct the first word of the template",
    )
    return Connection(router, stream, context_id, attempt, payload, names)
