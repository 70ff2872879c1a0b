"""The one table of exit codes: what each means, and which wins when several hosts differ.

A program that runs `remotesvc` may rely on the numbers; docs/cli.md repeats them.
"""

from collections.abc import Iterable
from enum import IntEnum

__all__ = ["ExitCode", "combine"]


class ExitCode(IntEnum):
    """How a command ended."""

    OK = 0
    RAISED = 1
    USAGE = 2
    UNREACHABLE = 3
    TIMED_OUT = 4
    # As a process ends that crashed of its own fault (sysexits.h: EX_SOFTWARE).
    INTERNAL = 70
    # As the shell shows a process that SIGINT, or SIGPIPE, has ended.
    INTERRUPTED = 130
    OUTPUT_CLOSED = 141


# The worst first: what keeps the other results from being all there are.
PRECEDENCE = (
    ExitCode.INTERRUPTED,
    ExitCode.INTERNAL,
    ExitCode.UNREACHABLE,
    ExitCode.TIMED_OUT,
    ExitCode.RAISED,
    ExitCode.USAGE,
)


def combine(codes: Iterable[ExitCode]) -> ExitCode:
    """Return the one exit code for the outcomes of several hosts."""
    seen = set(codes)
    return next((code for code in PRECEDENCE if code in seen), ExitCode.OK)
