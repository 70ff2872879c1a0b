"""What sudo, su and doas share: to become another user of this host, and start a child as him.

The interpreter listens to nobody but its command line (-E -s) and begins in /. A user's login is
waited for, and it is one process: a login that failed is not tried in another way.
"""

import os

from ..bootstrap.command import candidates, probe_argv
from ..bootstrap.payload import build
from ..core.errors import AuthenticationError
from .base import Connection, describe, last_words
from .command import find_program, open_stream
from .login import LoginStream
from .process import ProcessStream
from .prompts import Dialogue
from .typist import Typist

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, Dict, List, Optional, Sequence, Union

    from ..core.errors import ConnectError
    from ..types import Opener
    from .base import Attempt
    from .prompts import Prompt
    from .terminal import Terminal
    from .typist import Prompts

__all__ = ["Way", "become", "check_user"]

# Says the word, and goes on as the child; $0 is the word.
ENTRY = 'cd /;echo "$0";exec "$@"'


class Way:
    """How one program lets somebody in."""

    def __init__(
        self,
        program: "str",
        argv: "Callable[[List[str]], List[str]]",
        prompts: "Sequence[Prompt]" = (),
        terminal: "Optional[Terminal]" = None,
    ) -> "None":
        self.program = program
        # From the command that is to run as the user to the argv of the program.
        self.argv = argv
        self.prompts = prompts
        # Where it may ask; without one, and with `asks_on_pipes`, on its stderr.
        self.terminal = terminal
        self.asks_on_pipes = False
        # Whether the terminal is its stdin, and its pipes wait behind.
        self.is_stdin = False
        # What ENTRY does first.
        self.entry = ""
        self.env: "Optional[Dict[str, str]]" = None
        # What stands in its stderr, and is none of its words.
        self.prompt = ""


def become(
    router: "Opener",
    context_id: "int",
    attempt: "Attempt",
    way: "Way",
    word: "str",
    prompts: "Optional[Prompts]",
    python_path: "Union[None, str, Sequence[str]]",
) -> "Connection":
    """Log in by a program, and return the connection to the child that it will start."""
    dialogue = Dialogue(way.prompts, prompts is not None)
    try:
        names = candidates(python_path)
        payload = build()
        command = ["sh", "-c", way.entry + ENTRY, word]
        argv = way.argv(command + probe_argv(python_path, len(payload), is_isolated=True))
        find_program(attempt, argv[:1])
        if way.terminal is not None:
            argv = way.terminal.argv(argv, way.is_stdin)
        process = open_stream(
            attempt,
            way.program,
            lambda: ProcessStream(router.loop, argv, way.env, way.terminal),
        )
    except BaseException:
        if way.terminal is not None:
            way.terminal.close()
        raise
    typist = _seat(router, attempt, way, process, dialogue, prompts)
    stream = LoginStream(router.loop, process, word, typist, way.terminal, way.prompt)
    stream.wait(attempt, lambda status, said: _refused(attempt, way, status, said, dialogue))
    return Connection(router, stream, context_id, attempt, payload, names)


def _seat(
    router: "Opener",
    attempt: "Attempt",
    way: "Way",
    process: "ProcessStream",
    dialogue: "Dialogue",
    prompts: "Optional[Prompts]",
) -> "Typist":
    """Put a typist where the program asks."""

    def write(secret: "object") -> "None":
        process.write(secret.reveal().encode("utf-8", "surrogateescape") + b"\n")  # type: ignore[attr-defined]

    if way.terminal is None or way.asks_on_pipes:
        typist = Typist(router, attempt.where, dialogue, prompts, write)
        if way.asks_on_pipes:
            process.on_error = typist.read
        return typist
    typist = Typist(router, attempt.where, dialogue, prompts, way.terminal.type)
    way.terminal.on_text = typist.read
    return typist


def _refused(
    attempt: "Attempt",
    way: "Way",
    exit_status: "Optional[int]",
    said: "str",
    dialogue: "Dialogue",
) -> "ConnectError":
    """Return the error for a program that ended before it let us in."""
    if dialogue.has_answered:
        reason = "%s did not let us in with that password" % way.program
        advice = ""
    else:
        status = "no status" if exit_status is None else describe(exit_status)
        reason = "%s let nobody in (%s)" % (way.program, status)
        advice = ". If it wants a password, give password="
        if "tty" in said.lower() and way.terminal is None:
            advice = ". If it wants a terminal, give tty=True"
    text = "%s: %s%s%s" % (attempt.where, reason, last_words(said), advice)
    return AuthenticationError(text, None, None, exit_status, said)


def check_user(username: "str") -> "str":
    """Return the name of a user; ValueError for what a program would take for an option."""
    if not username or username.startswith("-"):
        raise ValueError("username=%r: it is the name of a user of that host" % (username,))
    return username
