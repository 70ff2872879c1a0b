"""A named pipe that keeps a function over there waiting until the test lets it go on."""

import os
from pathlib import Path

__all__ = ["Pipe"]


class Pipe:
    """`path` is for the function to read; a read returns when the test writes."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)
        os.mkfifo(path)

    def release(self, text: str = "") -> None:
        """Let it read `text` and the end of the pipe; waits until it reads."""
        with open(self.path, "w") as pipe:
            pipe.write(text)
