"""Report: what of failures in users' code is logged, and how often.

What strangers bring about at will must not fill a disk: of what fails for one of them, the first
traceback is shown, and then how many more there were, at 10, 100, 1000 ... and at the end. What
parents bring about is shown each time. Texts come from elsewhere, so they are made visible.
"""

import threading

from ..core.visible import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Tuple

    Key = Tuple[str, str]

__all__ = ["Reports", "log"]

# So many kinds of failures are counted; then the oldest one is forgotten.
KINDS_LIMIT = 256

# Of a traceback so many characters are shown: the texts of exceptions are of any length.
TRACEBACK_LIMIT = 16 * 1024

FIRST_SHOWN = 10


class Reports:
    """The failures in one pool, counted by what failed and with which exception."""

    def __init__(self) -> "None":
        self._counts: "Dict[Key, _Count]" = {}
        self._lock = threading.Lock()

    def show(self, level: "str", what: "str", error: "BaseException") -> "None":
        """Log a failure with its traceback, each time. level: "info", "warning" or "error"."""
        import logging

        logger = log()
        number = getattr(logging, level.upper())
        if logger.isEnabledFor(number):
            record = logger.makeRecord(
                logger.name, number, __file__, 0, "%s", (visible(what),), None, func=level
            )
            # Handlers show that in place of a traceback of their own, which nobody has escaped.
            record.exc_text = _traceback_of(error)
            logger.handle(record)

    def count(self, level: "str", what: "str", error: "BaseException") -> "None":
        """Log a failure with its traceback the first time, and then only now and then a number."""
        key = what, type(error).__name__
        with self._lock:
            forgotten = self._make_room(key)
            count = self._counts.setdefault(key, _Count(level))
            count.more += 1
            is_first, is_due = count.more == 0, count.more + 1 == count.due
            if is_due:
                count.due *= 10
                count.shown = count.more
            more = count.more
        for old, other in forgotten:
            _log_more(old, other.level, other.more)
        if is_first:
            self.show(level, what, error)
        elif is_due:
            _log_more(key, level, more)

    def close(self) -> "None":
        """Log the numbers that were not shown yet."""
        with self._lock:
            counts, self._counts = self._counts, {}
        for key, count in counts.items():
            if count.more > count.shown:
                _log_more(key, count.level, count.more)

    def _make_room(self, key: "Key") -> "Any":
        """Forget the oldest one (with the lock held); return what is to be said of it."""
        if key in self._counts or len(self._counts) < KINDS_LIMIT:
            return ()
        old = next(iter(self._counts))
        count = self._counts.pop(old)
        return ((old, count),) if count.more > count.shown else ()


class _Count:
    """How many there were after the first one, how many were told of, and when that is due."""

    __slots__ = ("due", "level", "more", "shown")

    def __init__(self, level: "str") -> "None":
        self.level = level
        self.more = -1
        self.shown = 0
        self.due = FIRST_SHOWN


def log() -> "Any":
    """Return the logger of services, imported when there is something to be told."""
    import logging

    return logging.getLogger("remotesvc.service")


def _log_more(key: "Key", level: "str", more: "int") -> "None":
    what, kind = key
    text = "%s: ... and %s more (%s)"
    getattr(log(), level)(text, visible(what), format(more, ","), visible(kind))


def _traceback_of(error: "BaseException") -> "str":
    """Return a traceback whose lines, whatever is in them, do not look like records of a log."""
    import traceback

    try:
        lines = traceback.format_exception(type(error), error, error.__traceback__)
    except Exception as failure:  # noqa: BLE001  code of the user, or no memory
        lines = ["%s (showing it failed: %s)" % (type(error).__name__, type(failure).__name__)]
    text = "".join(lines).strip()
    if len(text) > TRACEBACK_LIMIT:
        text = text[:TRACEBACK_LIMIT] + " ..."
    return "  " + visible(text, False).replace("\n", "\n  ")
