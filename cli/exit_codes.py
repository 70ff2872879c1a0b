"""The one table of exit codes: what each means, and which wins when several hosts differ.

A program that runs `remotesvc` may rely on the numbers; docs/cli.md repeats them.
"""

import signal
from collections.abc import Iterable
from enum import IntEnum

__all__ = ["ExitCode", "after_signal", "combine"]


class ExitCode(IntEnum):
    """How a command ended."""

    OK = 0
    RAISED = 1
    USAGE = 2
    UNREACHABLE = 3
    TIMED_OUT = 4
    # As a process ends that crashed of its own fault (sysexits.h: EX_SOFTWARE).
    INTERNAL = 70
    # As the shell shows a process that SIGINT, SIGPIPE or SIGTERM has ended.
    INTERRUPTED = 130
    OUTPUT_CLOSED = 141
    TERMINATED = 143


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


def after_signal(code: ExitCode, number: int) -> ExitCode:
    """Return the exit code for outcomes that a signal may have cut short."""
    is_cut = code is ExitCode.INTERRUPTED
    return ExitCode.TERMINATED if is_cut and number == signal.SIGTERM else code
