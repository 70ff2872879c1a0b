"""Shortage: what to say when a context cannot be opened for want of descriptors.

Whatever runs out of them says so in words of its own; here it is told what is needed, what the
limit is, and how to have more.
"""

import errno

from ..core.errors import ConnectError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Optional

    from .base import Attempt

__all__ = ["NEEDED", "explain_shortage"]

# What one child takes here at most, while it is started: three pairs for its streams, and what
# an SSH connection or a terminal takes. Later it has two to four.
NEEDED = 8


def explain_shortage(attempt: "Attempt", error: "BaseException") -> "Optional[ConnectError]":
    """Return the error to raise in the place of one that says that there are too many files."""
    number = _find_errno(error)
    if number not in (errno.EMFILE, errno.ENFILE):
        return None
    if number == errno.ENFILE:
        limit = "the limit of the whole system (fs.file-max) is reached"
    else:
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        limit = "this process may have %d, and %s if it asks for more" % (soft, _shown(hard))
    text = (
        "%s: out of file descriptors: a context takes up to %d while it is opened, and %s. Raise "
        "it (ulimit -n), or shut contexts down that are not needed; those that are open go on"
    )
    where = (attempt.where, NEEDED, limit)
    phase = getattr(error, "phase", "resolve")
    return ConnectError(text % where, phase, attempt.elapsed)


def _find_errno(error: "Optional[BaseException]") -> "Optional[int]":
    """Return the first error number among an error and what it was raised from."""
    seen = 0
    while error is not None and seen < 10:
        if isinstance(error, OSError) and error.errno is not None:
            return error.errno
        error = error.__cause__ or error.__context__
        seen += 1
    return None


def _shown(limit: "int") -> "str":
    return "any number" if limit < 0 else str(limit)
