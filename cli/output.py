"""Output: the one place that prints. Results go to stdout, talk goes to stderr, line by line.

Talk that cannot be written is dropped: nobody is there to read it. A result that cannot be
written is an error, and a quiet one when the reader has gone (`remotesvc run … | head`).
"""

import contextlib
import errno
import os
import sys
import threading
from typing import TextIO

from remotesvc.core.visible import visible

__all__ = ["Output", "OutputClosed", "OutputFailed"]


class OutputClosed(Exception):
    """Nobody reads stdout any more."""


class OutputFailed(Exception):
    """A result could not be written; the text says why."""


class Output:
    """Writes whole lines; threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, "reconfigure"):
                # A terminal that cannot show a character shows its escape; nothing fails for it.
                stream.reconfigure(errors="backslashreplace")

    def result(self, text: str) -> None:
        """Write to stdout; OutputClosed or OutputFailed when that is impossible."""
        if sys.stdout is None:
            raise OutputClosed
        try:
            with self._lock:
                _write(sys.stdout, text)
        except (BrokenPipeError, ValueError) as error:
            _abandon(sys.stdout)
            raise OutputClosed from error
        except OSError as error:
            _abandon(sys.stdout)
            if error.errno == errno.EBADF:
                raise OutputClosed from error
            raise OutputFailed(f"the result cannot be written: {error.strerror}") from error

    def talk(self, text: str) -> None:
        """Write to stderr, if anybody listens."""
        if sys.stderr is None:
            return
        try:
            with self._lock:
                _write(sys.stderr, text)
        except (OSError, ValueError):
            _abandon(sys.stderr)

    def remote_line(self, name: str, stream: str, line: bytes) -> None:
        """Write a line that a function printed over there: the sink of a Router."""
        self.talk(f"{name}: {visible(line.decode('utf-8', 'backslashreplace'))}")


def _write(stream: TextIO, text: str) -> None:
    print(text, file=stream, flush=True)


def _abandon(stream: TextIO) -> None:
    """Send what is still buffered nowhere: the interpreter's last flush would complain."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)
