"""Terminal: asks the user one question at a time, without echo where the answer is a secret.

The terminal is left as it was found, whatever ends the question: an answer, a signal, or close().
"""

import os
import select
import signal
import sys
import termios
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from remotesvc.core.errors import AuthenticationError
from remotesvc.core.secret import Secret

__all__ = ["NoAnswer", "Terminal"]

# What a terminal gives at once, and more than any answer has.
LINE_LIMIT = 4096

SIGNALS = (signal.SIGINT, signal.SIGTERM)

LOCAL_FLAGS = 3  # where tcgetattr() has them


class NoAnswer(AuthenticationError):
    """What a login wants to know was not answered; the text says why."""


class Terminal:
    """The terminal that controls this process; threads may share it."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._state = threading.Lock()
        self._fd = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
        self._wake, self._waker = os.pipe()
        self._found: list[Any] | None = None
        self._is_closed = False

    @classmethod
    def find(cls) -> "Terminal | None":
        """Return the terminal if the user types into this command, None if he does not."""
        try:
            if sys.stdin is not None and sys.stdin.isatty():
                return cls()
        except (OSError, ValueError):  # none controls us; or stdin is closed
            return None
        return None

    def ask(self, question: str, *, is_echoed: bool = False) -> Secret:
        """Show a question and return the line that is typed; NoAnswer if there is none."""
        with self._turn, self._restored_by_signals():
            if self._is_closed:
                raise NoAnswer("it was interrupted")
            try:
                self._set_echo(is_echoed)
                self._write(question)
                return Secret(self._read_line())
            finally:
                self._restore()
                if not is_echoed:
                    self._write("\n")

    def close(self) -> None:
        """End the question that is open, and ask none any more; from any thread, twice is fine."""
        with self._state:
            if self._is_closed:
                return
            self._is_closed = True
        self._restore()
        os.write(self._waker, b"!")
        with self._turn:  # whoever is asked leaves at once
            for fd in (self._fd, self._wake, self._waker):
                os.close(fd)

    def _set_echo(self, is_echoed: bool) -> None:
        with self._state:
            self._found = termios.tcgetattr(self._fd)
            wanted = list(self._found)
            if not is_echoed:
                wanted[LOCAL_FLAGS] &= ~termios.ECHO
            # What was typed before was no answer to this.
            termios.tcsetattr(self._fd, termios.TCSAFLUSH, wanted)

    def _restore(self) -> None:
        found, self._found = self._found, None
        if found is not None:
            # A signal handler may be here, too: no lock.
            termios.tcsetattr(self._fd, termios.TCSADRAIN, found)

    def _write(self, text: str) -> None:
        os.write(self._fd, text.encode("utf-8", "backslashreplace"))

    def _read_line(self) -> str:
        ready, _, _ = select.select([self._fd, self._wake], [], [])
        if self._wake in ready:
            raise NoAnswer("it was interrupted")
        data = os.read(self._fd, LINE_LIMIT)
        if not data.endswith(b"\n"):
            raise NoAnswer("no line was typed")
        try:
            return data[:-1].decode()
        except UnicodeDecodeError:
            raise NoAnswer("what was typed is no UTF-8") from None

    @contextmanager
    def _restored_by_signals(self) -> Iterator[None]:
        """Have a signal that ends this process restore the terminal before."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.getsignal(number) for number in SIGNALS}
        handlers = {n: self._before_leaving(old) for n, old in before.items() if callable(old)}
        for number, handler in handlers.items():
            signal.signal(number, handler)
        try:
            yield
        finally:
            for number in handlers:
                signal.signal(number, before[number])

    def _before_leaving(
        self, leave: Callable[[int, FrameType | None], Any]
    ) -> Callable[[int, FrameType | None], Any]:
        def restore(number: int, frame: FrameType | None) -> Any:
            self._restore()
            return leave(number, frame)

        return restore
