"""What the library logs, as lines on stderr: warnings by default, more with each -v.

Each text is shown once: a thousand hosts with the same line in known_hosts warn once of it.
"""

import contextlib
import logging
from collections.abc import Iterator

from remotesvc.core.visible import visible

from .output import Output

__all__ = ["show_log"]

LEVELS = (logging.WARNING, logging.INFO, logging.DEBUG)

# Its errors reach the user as errors of ours; its own log is for who looks for a bug in it.
TRANSPORT = "remotesvc.paramiko"
TRANSPORT_VERBOSITY = 3


class _Lines(logging.Handler):
    """Writes each record as one line."""

    def __init__(self, output: Output, verbose: int) -> None:
        super().__init__()
        self._output = output
        self._shows_transport = verbose >= TRANSPORT_VERBOSITY
        self._seen: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        if record.name.startswith(TRANSPORT) and not self._shows_transport:
            return
        line = f"{record.name}: {record.levelname.lower()}: {visible(record.getMessage())}"
        if line not in self._seen:
            self._seen.add(line)
            self._output.talk(line)


@contextlib.contextmanager
def show_log(output: Output, verbose: int) -> Iterator[None]:
    """Show what remotesvc logs while the block runs."""
    logger, transport = logging.getLogger("remotesvc"), logging.getLogger(TRANSPORT)
    handler, levels = _Lines(output, verbose), (logger.level, transport.level)
    logger.addHandler(handler)
    logger.setLevel(LEVELS[min(verbose, len(LEVELS) - 1)])
    if verbose >= TRANSPORT_VERBOSITY:
        # The library keeps it silent unless it has a level of its own.
        transport.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(levels[0])
        transport.setLevel(levels[1])
