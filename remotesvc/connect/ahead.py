"""Ahead: a program that runs before its connector is there, while that is still being compiled.

What a login program is called with is often known to who gave the order. It takes a while to log
in, and so does it to read the modules that talk to it; so both are done at a time.
"""

from .process import ProcessStream

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import List, Optional

    from ..core.loop import Loop

__all__ = ["Ahead"]


class Ahead:
    """The stream of a program that nobody reads yet; it stands where its connection will."""

    def __init__(self, loop: "Loop", words: "List[str]") -> "None":
        self.stream = ProcessStream(loop, words)
        self._words: "Optional[List[str]]" = words

    def take(self, words: "List[str]") -> "Optional[ProcessStream]":
        """Give the stream to who would have started these very words; once, and nobody else."""
        if words != self._words:
            return None
        self._words = None
        return self.stream

    def close(self) -> "None":
        """End what nobody has taken."""
        if self._words is not None:
            self._words = None
            self.stream.close()
            self.stream.kill()
