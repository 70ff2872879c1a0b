"""Questions: the passwords of a command, asked once before anything, and what logins ask later.

With a terminal the user is asked there, without echo. Without one, each password is a line of
stdin, that for SSH first, and what else a login asks is an error. No secret goes anywhere else.
"""

import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from remotesvc.core.secret import Secret
from remotesvc.core.visible import visible

from .options import ConnectOptions
from .terminal import NoAnswer, Terminal
from .usage import UsageProblem

__all__ = ["Passwords", "Questions"]

# A password is a line; who sends a file is told so.
LINE_LIMIT = 4096

# answers(title, instructions, [(question, is echoed)]) -> one answer per question
Prompts = Callable[[str, str, Sequence[tuple[str, bool]]], Sequence[str]]


@dataclass(frozen=True)
class Passwords:
    """What the user was asked for: for logins over SSH, and for becoming another user."""

    ssh: Secret | None = field(default=None, repr=False)
    become: Secret | None = field(default=None, repr=False)


class Questions:
    """Asks for what the options of a command say, and for what logins want to know."""

    def __init__(self, connect: ConnectOptions) -> None:
        self._connect = connect
        self._terminal = Terminal.find()
        # A key may be for many hosts, and many may want it at once.
        self._passphrases: dict[str, Secret] = {}
        self._asking = threading.Lock()

    def ask_passwords(self) -> Passwords:
        """Return the passwords; UsageProblem where nobody is there to give them."""
        connect = self._connect
        ssh = self._ask("SSH password: ", "-k") if connect.is_asking_pass else None
        if not connect.is_asking_become_pass:
            return Passwords(ssh)
        method = connect.become.method if connect.become is not None else "become"
        same = "" if ssh is None else " (empty: that for SSH)"
        return Passwords(ssh, self._ask(f"{method} password{same}: ", "-K") or ssh)

    def prompts_for(self, host: str) -> Prompts | None:
        """Return who answers what the login to a host asks; None where nobody can."""
        terminal = self._terminal
        if terminal is None:
            return None

        def prompts(
            title: str, instructions: str, questions: Sequence[tuple[str, bool]]
        ) -> list[str]:
            said = "".join(f"{visible(text)}\n" for text in (title, instructions) if text.strip())
            return [
                terminal.ask(f"{said}{host}: {visible(question)}", is_echoed=is_echoed)
                for question, is_echoed in questions
            ]

        return prompts

    @property
    def passphrase(self) -> Callable[[str], str] | None:
        """Who knows the passphrase of a key file; None where nobody can be asked."""
        terminal = self._terminal
        if terminal is None:
            return None

        def passphrase(path: str) -> str:
            with self._asking:
                if path not in self._passphrases:
                    question = f"passphrase of {visible(path)} (empty: not to use it): "
                    self._passphrases[path] = terminal.ask(question)
                return self._passphrases[path]

        return passphrase

    def close(self) -> None:
        """Leave the question that is open, and the terminal as it was; twice is fine."""
        if self._terminal is not None:
            self._terminal.close()

    def _ask(self, question: str, option: str) -> Secret:
        try:
            if self._terminal is not None:
                return self._terminal.ask(question)
            return _read_line()
        except NoAnswer as error:
            raise UsageProblem(f"{option} asks for a password: {error}") from None


def _read_line() -> Secret:
    """Return a line of stdin, which is no terminal."""
    if sys.stdin is None or sys.stdin.closed:
        raise NoAnswer("there is no terminal, and stdin is closed")
    try:
        line = sys.stdin.buffer.readline(LINE_LIMIT)
    except OSError as error:
        raise NoAnswer(f"stdin cannot be read: {error.strerror or error}") from None
    if not line:
        raise NoAnswer("there is no terminal, and stdin has no line for it")
    if not line.endswith(b"\n") and len(line) == LINE_LIMIT:
        raise NoAnswer("the line on stdin is too long to be one")
    try:
        return Secret(line.rstrip(b"\r\n").decode())
    except UnicodeDecodeError:
        raise NoAnswer("the line on stdin is no UTF-8") from None
