"""The sudo connector: sudo and sudo-rs; they ask on stderr, by a prompt of random letters."""

from .become import Way, become
from .login import new_word
from .prompts import Prompt
from .typist import hide

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import List, Optional, Sequence

    from ..bootstrap.command import PythonPath
    from ..types import Opener
    from .base import Attempt, Connection
    from .terminal import Terminal
    from .typist import Prompts

__all__ = ["PROMPT", "TARGET", "argv", "connect"]

# The option that a name such as "sudo:root" ends with.
TARGET = "username"

# That of sudo-rs has our text in brackets, and its own, translated, behind it.
PROMPT = r"{0}|\[sudo: {0}\][^:0-9\n]*: ?"


def argv(
    command: "Sequence[str]",
    username: "str",
    prompt: "Optional[str]",
    program: "str" = "sudo",
    args: "Sequence[str]" = (),
) -> "List[str]":
    """Return how sudo is called; without a prompt it must not ask."""
    asking = ["-n"] if prompt is None else ["-S", "-p", prompt]
    return [program, *asking, "-H", "-u", username, *args, "--", *command]


def connect(
    router: "Opener",
    context_id: "int",
    attempt: "Attempt",
    username: "str" = "root",
    password: "Optional[str]" = None,
    prompts: "Optional[Prompts]" = None,
    tty: "Optional[bool]" = None,
    python_path: "PythonPath" = None,
    program: "str" = "sudo",
    args: "Sequence[str]" = (),
) -> "Connection":
    """Become a user by sudo. Only with a password or prompts= there is a terminal, or by `tty`."""
    may_ask = password is not None or prompts is not None
    mark = "remotesvc-" + new_word()
    terminal: "Optional[Terminal]" = None
    if may_ask if tty is None else tty:
        from .terminal import Terminal

        terminal = Terminal(router.loop, attempt)
    way = Way(
        program,
        lambda command: argv(command, username, mark if may_ask else None, program, args),
        Prompt(PROMPT.format(mark), hide(password), "password of sudo"),
        terminal,
        mark,
    )
    return become(router, context_id, attempt, way, prompts, python_path)
