"""The doas connector: doas asks on its controlling terminal; its pipes stay where they are."""

import os

from .become import Way, become, check_user
from .login import new_word
from .prompts import Prompt
from .terminal import Terminal
from .typist import hide

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import List, Optional, Sequence, Union

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
    python_path: "Union[None, str, Sequence[str]]" = None,
    program: "str" = "doas",
    args: "Sequence[str]" = (),
) -> "Connection":
    """Become a user by doas; it must not ask where there is neither password nor prompts=."""
    secret, user = hide(password), check_user(username)
    may_ask = secret is not None or prompts is not None
    way = Way(
        program,
        lambda command: argv(command, user, may_ask, program, args),
        [Prompt(PROMPT, secret, "password of doas")],
        Terminal(router.loop, attempt) if (may_ask if tty is None else tty) else None,
    )
    way.env = dict(os.environ, LC_ALL="C")
    return become(router, context_id, attempt, way, new_word(), prompts, python_path)
