"""The program `remotesvc`: quiet about Ctrl-C from its first moment to its last.

Before anything is connected, and again once all is reported, there is nothing to clean up: a
signal just ends the process. What is done about it in between stands in `interrupts`.
"""

import atexit
import os
import signal
from types import FrameType

__all__ = ["main"]

SIGNALS = (signal.SIGINT, signal.SIGTERM)


def main() -> int:
    """Load the command line, run it, and return its exit code."""
    for number in SIGNALS:
        # A shell that starts a command in the background has it ignore Ctrl-C.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _leave)
    # Registered first, it runs last: all is said, and the exit code stays what it is.
    atexit.register(_ignore_signals)
    # Loading it takes a while, so it is loaded where an interrupt is quiet.
    from .main import main as run_command_line

    return run_command_line()


def _leave(number: int, frame: FrameType | None) -> None:
    """End the process with the exit code that a shell shows for this signal."""
    os._exit(128 + number)


def _ignore_signals() -> None:
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
