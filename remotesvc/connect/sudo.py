"""The sudo connector: sudo and sudo-rs; they ask on stderr, by a prompt of random letters."""

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

__all__ = ["TARGET", "argv", "connect"]

# The option that a name such as "sudo:root" ends with.
TARGET = "username"


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
    python_path: "Union[None, str, Sequence[str]]" = None,
    program: "str" = "sudo",
    args: "Sequence[str]" = (),
) -> "Connection":
    """Become a user by sudo. Only with a password or prompts= there is a terminal, or by `tty`."""
    secret, user = hide(password), check_user(username)
    may_ask = secret is not None or prompts is not None
    word, begin = "remotesvc-" + new_word(), new_word()
    # sudo-rs puts its own text around the prompt.
    pattern = r"%s|\[sudo: %s\][^\n]*: ?" % (word, word)
    has_terminal = may_ask if tty is None else tty
    way = Way(
        program,
        lambda command: argv(command, user, word if may_ask else None, program, args),
        [Prompt(pattern, secret, "password of sudo")],
        Terminal(router.loop, attempt) if has_terminal else None,
    )
    way.asks_on_pipes = True
    way.prompt = word
    return become(router, context_id, attempt, way, begin, prompts, python_path)
