"""The su connector: su asks on its stdin, so a terminal stands there until it has let us in."""

import os
import shlex
import sys

from .become import Way, become
from .prompts import Prompt
from .terminal import PIPES_BACK, Terminal
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

# What is asked in the locale C, by PAM and without it.
PROMPT = r"[Pp]assword: ?"


def argv(
    command: "Sequence[str]",
    username: "str",
    program: "str" = "su",
    args: "Sequence[str]" = (),
    has_shell_option: "bool" = True,
) -> "List[str]":
    """Return how su is called: it takes one string, for the shell that it is given."""
    line = "exec " + " ".join(map(shlex.quote, command))
    shell = ["-s", "/bin/sh"] if has_shell_option else []
    return [program, *args, *shell, "-c", line, username]


def connect(
    router: "Opener",
    context_id: "int",
    attempt: "Attempt",
    username: "str" = "root",
    password: "Optional[str]" = None,
    prompts: "Optional[Prompts]" = None,
    tty: "Optional[bool]" = None,
    python_path: "PythonPath" = None,
    program: "str" = "su",
    args: "Sequence[str]" = (),
) -> "Connection":
    """Become a user by su; root is not asked, everybody else is."""
    is_asked = os.geteuid() != 0 if tty is None else tty
    has_shell_option = sys.platform.startswith("linux")
    way = Way(
        program,
        lambda command: argv(command, username, program, args, has_shell_option),
        Prompt(PROMPT, hide(password) if is_asked else None, "password of %s" % username),
        Terminal(router.loop, attempt) if is_asked else None,
        is_stdin=is_asked,
        entry=PIPES_BACK if is_asked else "",
        speaks_c=True,
    )
    return become(router, context_id, attempt, way, prompts, python_path)
