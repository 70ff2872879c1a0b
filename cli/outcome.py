"""What became of one call on one host: the values that the command line reports.

Data only. Which kind an exception is stands in `explain`, how it looks in `render` and `report`.
"""

from dataclasses import dataclass
from enum import Enum

from .exit_codes import ExitCode

__all__ = ["Item", "Kind", "Outcome", "Problem"]


class Kind(Enum):
    """How a call ended: its name in --json, its words in the summary, its exit code."""

    OK = ("ok", "ok", ExitCode.OK)
    RAISED = ("raised", "raised", ExitCode.RAISED)
    # It ran, but its result did not arrive: it cannot travel, is too large, was refused.
    FAILED = ("failed", "failed", ExitCode.RAISED)
    # There is no such function over there, or it does not take these arguments.
    MISUSED = ("misused", "misused", ExitCode.USAGE)
    UNREACHABLE = ("unreachable", "unreachable", ExitCode.UNREACHABLE)
    # It was reached, and the connection ended during the call.
    LOST = ("lost", "lost", ExitCode.UNREACHABLE)
    TIMED_OUT = ("timed_out", "timed out", ExitCode.TIMED_OUT)
    INTERRUPTED = ("interrupted", "interrupted", ExitCode.INTERRUPTED)
    INTERNAL = ("internal", "failed here", ExitCode.INTERNAL)

    def __init__(self, label: str, words: str, exit_code: ExitCode) -> None:
        self.label = label
        self.words = words
        self.exit_code = exit_code


@dataclass(frozen=True)
class Problem:
    """Why there is no result.

    `text` is what people read after the host's name: one line, unless it is a message of ours
    with several. `type_name` and `message` are those of the exception, `traceback` is the remote
    one, `phase` how far a connection came.
    """

    text: str
    type_name: str
    message: str
    traceback: str | None = None
    phase: str | None = None


@dataclass(frozen=True)
class Item:
    """One of the values that a method yields, before its outcome; counted from 0."""

    host: str
    index: int
    value: object


@dataclass(frozen=True)
class Outcome:
    """The result of a host, or the reason why there is none; `elapsed` in seconds."""

    host: str
    kind: Kind
    elapsed: float
    value: object = None
    problem: Problem | None = None

    @classmethod
    def interrupted(cls, host: str, elapsed: float) -> "Outcome":
        """Return the outcome of a host whose turn was cut short by Ctrl-C."""
        problem = Problem("interrupted", "KeyboardInterrupt", "")
        return cls(host, Kind.INTERRUPTED, elapsed, None, problem)
