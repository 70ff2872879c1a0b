"""What the library and the hosts log, as lines on stderr: warnings by default, more with each -v.

A text of the library's is shown once: a thousand hosts with the same line in known_hosts warn once
of it. What a function logs on its host is shown as its prints are, as often as it comes.
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

# The logger of a host is this one's child; the dots of its name are escaped there.
HOSTS = "remotesvc.host."
DOT = "\\x2e"


class _Lines(logging.Handler):
    """Writes each record as one line, and a remote traceback below it."""

    def __init__(self, output: Output, verbose: int) -> None:
        super().__init__()
        self._output = output
        self._shows_transport = verbose >= TRANSPORT_VERBOSITY
        self._seen: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        if record.name.startswith(TRANSPORT) and not self._shows_transport:
            return
        if record.name.startswith(HOSTS):
            self._show_remote(record)
            return
        line = f"{record.name}: {record.levelname.lower()}: {visible(record.getMessage())}"
        if line not in self._seen:
            self._seen.add(line)
            self._output.talk(line)

    def _show_remote(self, record: logging.LogRecord) -> None:
        """Show what was logged on a host, unless a handler over there has printed it as well."""
        remote = getattr(record, "remote", {})
        if remote.get("printed"):
            return
        host = record.name.removeprefix(HOSTS).replace(DOT, ".")
        first, *others = visible(record.getMessage(), is_one_line=False).split("\n")
        first = f"{record.levelname.lower()}: {remote.get('logger', 'root')}: {first}"
        self._output.talk("\n".join(f"{host}: {line}" for line in (first, *others)))


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
