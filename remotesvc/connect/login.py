"""LoginStream: the stream of a program that lets us in first; nothing is written before it did.

Such a program may read its stdin, so payload would be taken for a password. What it starts says a
random word first: what came before was the login, what comes after is the child's.
"""

import binascii
import os
import threading

from ..core.errors import ConnectError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, Optional

    from ..core.loop import Loop
    from .base import Attempt
    from .process import ProcessStream
    from .terminal import Terminal
    from .typist import Typist

__all__ = ["LoginStream", "new_word"]

# What is printed before the word is kept for an error text; behind it next to nothing can come.
OUTPUT_KEPT = 64 * 1024

# After a login that failed, the program has this long to be gone.
GONE = 5.0


class LoginStream:
    """A ProcessLike; `wait()` for the login before it is given to a Connection."""

    def __init__(
        self,
        loop: "Loop",
        process: "ProcessStream",
        word: "str",
        typist: "Typist",
        terminal: "Optional[Terminal]",
        prompt: "str" = "",
    ) -> "None":
        self.gone = process.gone
        self.on_end: "Callable[[str], None]" = lambda reason: None
        self._loop = loop
        self._process = process
        self._typist = typist
        self._terminal = terminal
        self._prompt = prompt
        self._word = word.encode("ascii") + b"\n"
        self._output = b""
        self._end: "Optional[str]" = None
        self._error: "Optional[Exception]" = None
        self._on_bytes: "Callable[[bytes], None]" = lambda data: None
        self._is_open = False
        self._settled = threading.Event()
        typist.fail = self._fail
        process.on_bytes = self._take
        process.on_end = self._take_end

    # -- the login -------------------------------------------------------------------------------

    def wait(
        self, attempt: "Attempt", explain: "Callable[[Optional[int], str], ConnectError]"
    ) -> "None":
        """Return when we are let in; raise what kept us out, with nothing left running."""
        attempt.cut_by(self._settled.set)
        if self._terminal is not None:
            self._terminal.start()
        self._process.start()
        try:
            self._settled.wait(attempt.left)
            if self._error is not None:
                raise self._error
            if not self._has_begun:
                if self._end is not None:
                    raise explain(self.exit_status, self.stderr)
                raise attempt.timed_out("auth", "the login did not end", self.stderr)
        except BaseException as error:
            if isinstance(error, ConnectError):
                error.elapsed = attempt.elapsed
                error.stderr = self.stderr
            self._process.close()
            self._process.kill()
            self.gone.wait(GONE)
            raise

    @property
    def _has_begun(self) -> "bool":
        return self._word in self._output

    def _fail(self, error: "Exception") -> "None":
        self._error = error
        self._settled.set()

    def _take(self, data: "bytes") -> "None":
        self._output = (self._output + data)[-OUTPUT_KEPT:]
        if self._has_begun:
            self._typist.stop()
            self._settled.set()

    def _take_end(self, reason: "str") -> "None":
        if self._terminal is not None:
            self._terminal.drain()
        self._typist.stop()
        self._end = reason
        self._settled.set()

    # -- the stream ------------------------------------------------------------------------------

    def forget(self) -> "None":
        """Close the descriptors of the program, in a fork."""
        self._process.forget()

    @property
    def exit_status(self) -> "Optional[int]":
        """That of the program, negative for a signal."""
        return self._process.exit_status

    @property
    def stderr(self) -> "str":
        """The end of what it said, on its terminal too."""
        typed_at = "" if self._terminal is None else self._terminal.text
        said = typed_at + self._process.stderr
        return said.replace(self._prompt, "") if self._prompt else said

    @property
    def on_bytes(self) -> "Callable[[bytes], None]":
        """The callback for what arrives."""
        return self._on_bytes

    @on_bytes.setter
    def on_bytes(self, callback: "Callable[[bytes], None]") -> "None":
        self._on_bytes = callback
        if self._is_open:
            self._process.on_bytes = callback

    @property
    def pull(self) -> "Callable[[], bytes]":
        """The callback for what to write next."""
        return self._process.pull

    @pull.setter
    def pull(self, callback: "Callable[[], bytes]") -> "None":
        self._process.pull = callback

    def start(self) -> "None":
        """Hand on what comes, and what came since the login."""
        self._loop.call_soon(self._open)

    def _open(self) -> "None":
        self._is_open = True
        self._process.on_bytes = self._on_bytes
        self._process.on_end = lambda reason: self.on_end(reason)
        noise, _, rest = self._output.partition(self._word)
        for data in (noise, rest):
            if data:
                self._on_bytes(data)
        if self._end is not None:
            self.on_end(self._end)

    def write(self, data: "bytes") -> "bool":
        """Write to the program's stdin, as a Stream does."""
        return self._process.write(data)

    def close(self) -> "None":
        """Close the pipes and see the process off."""
        self._process.close()

    def release(self, child_pid: "int") -> "None":
        """Let a child live on that was detached."""
        self._process.release(child_pid)

    def kill(self) -> "None":
        """End it now."""
        self._process.kill()


def new_word() -> "str":
    """Return a word that nobody has said yet."""
    return binascii.hexlify(os.urandom(12)).decode("ascii")
