"""What sudo, su and doas share: to become another user of this host, and start a child as him.

The interpreter listens to nobody but its command line (-E -s) and begins in /. The login is waited
for, as its program may read the pipe that the payload goes down; it is one process, and what
failed is not tried in another way.
"""

import os
import shlex

from ..bootstrap.command import candidates, probe_argv
from ..bootstrap.seed import get_payload
from ..core.errors import AuthenticationError
from .base import Connection, describe, last_words
from .command import find_program, open_stream
from .login import LoginStream, new_word
from .process import ProcessStream
from .prompts import Dialogue
from .typist import Typist

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, List, Optional

    from ..bootstrap.command import PythonPath
    from ..core.errors import ConnectError
    from ..core.secret import Secret
    from ..types import Opener
    from .base import Attempt
    from .prompts import Prompt
    from .terminal import Terminal
    from .typist import Prompts

__all__ = ["Way", "become"]

# Says the word, and goes on as the child; $0 is the word.
ENTRY = 'cd /;echo "$0";exec "$@"'


class Way:
    """How one program lets somebody in.

    argv(command) is how it is called. terminal: the one it gets, None for none. mark: a text that
    only its prompt has; then it asks on its stderr, else on the terminal. is_stdin: whether that
    is its stdin, and its pipes wait behind. entry: lines of sh for what it runs to begin with.
    speaks_c: whether it is asked in the locale C, as its prompt is known in that one only.
    """

    __slots__ = ("argv", "entry", "is_stdin", "mark", "program", "prompt", "speaks_c", "terminal")

    def __init__(
        self,
        program: "str",
        argv: "Callable[[List[str]], List[str]]",
        prompt: "Prompt",
        terminal: "Optional[Terminal]",
        mark: "str" = "",
        is_stdin: "bool" = False,
        entry: "str" = "",
        speaks_c: "bool" = False,
    ) -> "None":
        self.program = program
        self.argv = argv
        self.prompt = prompt
        self.terminal = terminal
        self.mark = mark
        self.is_stdin = is_stdin
        self.entry = entry
        self.speaks_c = speaks_c


def become(
    router: "Opener",
    context_id: "int",
    attempt: "Attempt",
    way: "Way",
    prompts: "Optional[Prompts]",
    python_path: "PythonPath",
) -> "Connection":
    """Log in by a program, and return the connection to the child that it will start."""
    names = candidates(python_path)
    payload = get_payload()
    word = new_word()
    entry = way.entry + (_own_locale() if way.speaks_c else "")
    command = ["sh", "-c", entry + ENTRY, word]
    argv = way.argv(command + probe_argv(python_path, len(payload), is_isolated=True))
    process = _start(router, attempt, way, argv)
    dialogue = Dialogue([way.prompt], prompts is not None)
    typist = _seat(router, attempt, way, process, dialogue, prompts)
    stream = LoginStream(router.loop, process, word, typist, way.terminal, way.mark)
    stream.wait(attempt, lambda status, said: _refused(attempt, way, status, said))
    attempt.note("auth", "%s let us in" % way.program)
    return Connection(router, stream, context_id, attempt, payload, names)


def _start(router: "Opener", attempt: "Attempt", way: "Way", argv: "List[str]") -> "ProcessStream":
    """Start the program, in its terminal if it has one."""
    terminal = way.terminal
    env = dict(os.environ, LC_ALL="C") if way.speaks_c else None
    try:
        find_program(attempt, argv[:1])
        if terminal is not None:
            argv = terminal.argv(argv, way.is_stdin)
        return open_stream(
            attempt, way.program, lambda: ProcessStream(router.loop, argv, env, terminal)
        )
    except BaseException:
        if terminal is not None:
            terminal.close()
        raise


def _own_locale() -> "str":
    """Return the line of sh that gives LC_ALL back where it came through: C was for the prompt."""
    own = os.environ.get("LC_ALL")
    give = "unset LC_ALL" if own is None else "export LC_ALL=%s" % shlex.quote(own)
    return '[ "$LC_ALL" != C ]||%s;' % give


def _seat(
    router: "Opener",
    attempt: "Attempt",
    way: "Way",
    process: "ProcessStream",
    dialogue: "Dialogue",
    prompts: "Optional[Prompts]",
) -> "Typist":
    """Put a typist where the program asks."""

    def type_into_pipe(secret: "Secret") -> "None":
        process.write(secret.reveal().encode("utf-8", "surrogateescape") + b"\n")

    if way.mark or way.terminal is None:
        typist = Typist(router, attempt.where, dialogue, prompts, type_into_pipe)
        process.on_error = typist.read
    else:
        typist = Typist(router, attempt.where, dialogue, prompts, way.terminal.type)
        way.terminal.on_text = typist.read
    return typist


def _refused(
    attempt: "Attempt", way: "Way", exit_status: "Optional[int]", said: "str"
) -> "ConnectError":
    """Return the error for a program that ended before it let us in."""
    if way.prompt.is_answered:
        reason, advice = "%s did not let us in with that password" % way.program, ""
    else:
        status = "no status" if exit_status is None else describe(exit_status)
        reason = "%s let nobody in (%s)" % (way.program, status)
        # Whoever was given one, and did not ask for it, wants something else.
        has_one = way.prompt.secret is not None
        advice = "" if has_one else ". If it wants a password, give password="
        if "tty" in said.lower() and way.terminal is None:
            advice = ". If it wants a terminal, give tty=True"
    text = "%s: %s%s%s" % (attempt.where, reason, last_words(said), advice)
    return AuthenticationError(text, None, None, exit_status, said)
