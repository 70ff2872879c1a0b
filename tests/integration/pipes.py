"""A named pipe that keeps a function over there waiting until the test lets it go on."""

import errno
import os
import time
from pathlib import Path

__all__ = ["Pipe"]

DEADLINE = 60.0
POLL = 0.01


class Pipe:
    """`path` is for the function to read; a read returns when the test writes."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)
        os.mkfifo(path)

    def release(self, text: str = "") -> None:
        """Let it read `text` and the end of the pipe; waits until it has opened the pipe.

        Who is interrupted may close the pipe before it has read: it goes on without the text.
        """
        with open(self._open(), "wb", buffering=0) as pipe:
            try:
                pipe.write(text.encode())
            except BrokenPipeError:
                return

    def _open(self) -> int:
        # An open() that waits would wait for ever where nobody reads.
        limit = time.monotonic() + DEADLINE
        while True:
            try:
                return os.open(self.path, os.O_WRONLY | os.O_NONBLOCK)
            except OSError as error:
                if error.errno != errno.ENXIO:
                    raise
            assert time.monotonic() < limit, f"nobody reads {self.path}"
            time.sleep(POLL)
