"""The doas connector: doas asks on its controlling terminal; its pipes stay where they are."""

from .become import Way, become
from .prompts import Prompt
from .terminal import Terminal
from .typist import hide

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import List, Optional, Sequence

    from ..bootstrap.command import PythonPath
    from ..types import Opener
    from .base import Attempt, Connection
    from .typist import Prompts

__all__ = ["PROMPT", "TARGET", "argv", "connect"]

TARGET = "username"

PROMPT = r"(doas \([^\n]+\) )?[Pp]assword: ?"


def argv(
    command: "Sequence[str]",
    username: "str",
    may_ask: "bool",
    program: "str" = "doas",
    args: "Sequence[str]" = (),
) -> "List[str]":
    """Return how doas is called."""
    return [program, *([] if may_ask else ["-n"]), "-u", username, *args, "--", *command]


def connect(
    router: "Opener",
    context_id: "int",
    attempt: "Attempt",
    username: "str" = "root",
    password: "Optional[str]" = None,
    prompts: "Optional[Prompts]" = None,
    tty: "Optional[bool]" = None,
    python_path: "PythonPath" = None,
    program: "str" = "doas",
    args: "Sequence[str]" = (),
) -> "Connection":
    """Become a user by doas; it must not ask where there is neither password nor prompts=."""
    may_ask = password is not None or prompts is not None
    has_terminal = may_ask if tty is None else tty
    way = Way(
        program,
        lambda command: argv(command, username, may_ask, program, args),
        Prompt(PROMPT, hide(password) if has_terminal else None, "password of doas"),
        Terminal(router.loop, attempt) if has_terminal else None,
        speaks_c=True,
    )
    return become(router, context_id, attempt, way, prompts, python_path)
