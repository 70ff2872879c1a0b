"""Interrupts: Ctrl-C while the main thread of a program turns the loop.

Python's own handler raises KeyboardInterrupt wherever the main thread is, also in the middle of a
message. For as long as that thread reads, another handler notes the signal and has the loop come
back; what was noted is raised when the first one is in its place again. A program with a handler
of its own keeps it, and its main thread does not read.
"""

import _signal  # type: ignore[import-not-found]
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType

    from ..core.loop import Loop

__all__ = ["Interrupts"]

SIGINT = _signal.SIGINT


class Interrupts:
    """The guard of a Borrower (core/borrower.py); on the main thread only."""

    def __init__(self, loop: "Loop") -> None:
        self.is_due = False
        self._loop = loop
        self._is_taken = False

    def take(self) -> bool:
        """Put our handler in the place of Python's; tell whether it is harmless now."""
        handler = _signal.getsignal(SIGINT)
        if not callable(handler):
            return handler is not None  # ignored, or the end of the process; None is C code's
        if handler is not _signal.default_int_handler:
            return False
        self._is_taken = True
        # A second one may have been raised before the first one was: that was both.
        self.is_due = False
        _signal.signal(SIGINT, self._note)
        return True

    def give_back(self) -> None:
        """Put Python's handler back; raise what was noted."""
        if self._is_taken:
            _signal.signal(SIGINT, _signal.default_int_handler)
            self._is_taken = False
        if self.is_due:
            self.is_due = False
            raise KeyboardInterrupt

    def _note(self, number: int, frame: "FrameType | None") -> None:
        self.is_due = True
        loop = self._loop
        # The loop waits on after a handler has run (PEP 475): only what it waits for ends that.
        with loop._wake_lock:
            if not loop._is_awake:
                loop._is_awake = True
                os.write(loop._wake_write, b"\0")
