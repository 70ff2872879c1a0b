"""What children log: received under credit, and handed to this program's logging on one thread.

A record becomes one of the logger `remotesvc.host.<our name for the context>`. Of what the child
says only texts, a level and plain fields are taken, each bounded and made visible; where it was
logged, when, and by which process is ours. The message is one line, but for a traceback: its lines
follow, each behind a bar, so that none of them can pass for a record of its own.
"""

import logging
import math
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..core.budget import Keys
from ..core.errors import ProtocolError
from ..core.visible import visible
from ..core.wire import PLAIN
from .decoder import decode
from .inbox import Inbox, Source

if TYPE_CHECKING:
    from ..core.link import Link
    from ..core.switch import Switch
    from ..core.wire import Message

__all__ = ["Logs", "RemoteRecord", "logger_name"]

ROOT = "remotesvc.host"

# In characters, of the text and of the traceback. An honest child cuts at 16 KiB and says so.
TEXT_LIMIT = 17 * 1024

NAME_LIMIT = 256

# What the attribute `remote` may hold: fields of `extra`, and characters in all.
FIELDS_LIMIT = 32
FIELDS_SIZE = 4 * 1024

# Longer integers cost quadratic time when they are printed.
INTEGER_BITS = 64

# Text before each line of a traceback.
BAR = "\n  | "

# Of each field of a record on the wire, in their order.
TYPES = (str, int, str, (str, type(None)), float, str, dict, bool)


@dataclass(frozen=True)
class RemoteRecord:
    """One record as a child tells it; `trace` also has the stack, `extra` plain fields."""

    logger: str
    level: int
    text: str
    trace: str | None
    created: float
    thread: str
    extra: dict[str, Any]
    is_printed: bool

    @property
    def message(self) -> str:
        """The text in one line, and behind it the traceback, line by line."""
        text = visible(_cut(self.text))
        if self.trace:
            text += BAR + visible(_cut(self.trace), is_one_line=False).replace("\n", BAR)
        return text

    def remote(self) -> dict[str, Any]:
        """Return what the attribute `remote` of the record here holds."""
        logger, thread = _name(self.logger), _name(self.thread)
        extra: dict[str, Any] = {}
        room = FIELDS_SIZE - len(logger) - len(thread)
        for name, value in self.extra.items():
            name, value = _tame(name), _tame(value)
            room -= len(name) + len(repr(value))
            if room < 0 or len(extra) == FIELDS_LIMIT:
                break
            extra[name] = value
        return {
            "logger": logger,
            "thread": thread,
            "created": self.created if math.isfinite(self.created) else 0.0,
            "printed": self.is_printed,
            "extra": extra,
        }


class Logs:
    """Between LOG messages and `logging`; `name_of(id)` names a context.

    A record that was printed over there, too, does not appear on this program's console a second
    time, if `are_prints_shown` says that the prints do.
    """

    def __init__(
        self, switch: "Switch", name_of: Callable[[int], str], are_prints_shown: bool
    ) -> None:
        self._switch = switch
        self._name_of = name_of
        self._are_prints_shown = are_prints_shown
        self._inbox = Inbox(switch, "logs", self._handle, name_of)
        self.lose = self._inbox.lose
        self.settle = self._inbox.settle
        self.close = self._inbox.close

    def level_of(self, context_id: int) -> int:
        """Return the level from which on a child's records are wanted here."""
        return logging.getLogger(logger_name(self._name_of(context_id))).getEffectiveLevel()

    def receive(self, link: "Link | None", message: "Message") -> None:
        """Queue records (handler of LOG, on a reading thread)."""
        if message.encoding != PLAIN:
            self._switch.refuse(link, message, "protocol", "log records are plain values")
            return
        self._inbox.put(message, len(message.payload))

    def _handle(self, source: Source, message: "Message | None") -> Iterator[None]:
        name = source.name
        if message is not None:
            yield from self._take(name, message)
        # Once it pauses, not between any two messages: what is lost in one flood is one line.
        if source.lost_messages and source.handled + 1 == source.received:
            count, source.lost_messages = source.lost_messages, 0
            text = f"{count} messages with log records lost: this child logged beyond its credit"
            self._emit(name, RemoteRecord(ROOT, logging.WARNING, text, None, 0.0, "", {}, False))

    def _take(self, name: str, message: "Message") -> Iterator[None]:
        """Hand on the records of a message; each is a turn."""
        told, wrong = _read_all(message.payload)
        for record in told:
            self._emit(name, record)
            yield
        if wrong is not None:
            text = f"dropped log records of {visible(name)}: {visible(wrong)}"
            self._switch.report_once(None, f"log {name}", text)
            self._switch.reply_dead(message, "protocol", wrong)

    def _emit(self, name: str, told: RemoteRecord) -> None:
        try:
            self._log(name, told)
        except BaseException:  # noqa: BLE001 a handler of the user's: show it, go on with the next
            sys.excepthook(*sys.exc_info())

    def _log(self, name: str, told: RemoteRecord) -> None:
        logger = logging.getLogger(logger_name(name))
        level = max(1, min(told.level, logging.CRITICAL))
        if not logger.isEnabledFor(level):
            return
        is_handled = logger.hasHandlers()
        text = told.message if is_handled else f"{visible(name)}: {told.message}"
        record = logger.makeRecord(
            logger.name, level, "", 0, "%s", (text,), None, extra={"remote": told.remote()}
        )
        if not is_handled:
            _show_unhandled(record)
        elif told.is_printed and self._are_prints_shown:
            _handle_off_console(logger, record)
        else:
            logger.handle(record)


def logger_name(name: str) -> str:
    """Return the name of the logger for a context: one host is one logger, dots or not."""
    return f"{ROOT}." + visible(name).replace(".", "\\x2e")


def _show_unhandled(record: logging.LogRecord) -> None:
    """Do what Python does where nobody configured logging: warnings go to stderr.

    Its handler there shows the message only, so this one begins with the host, as a print does.
    """
    last = logging.lastResort
    is_printed = record.__dict__["remote"]["printed"]
    if last is not None and record.levelno >= last.level and not is_printed:
        last.handle(record)


def _handle_off_console(logger: logging.Logger, record: logging.LogRecord) -> None:
    """Hand a record to the handlers that do not write to this program's stdout or stderr."""
    if logger.disabled or not logger.filter(record):
        return
    consoles = (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__)
    above: logging.Logger | None = logger
    while above is not None:
        for handler in above.handlers:
            stream = getattr(handler, "stream", None)
            is_console = stream is not None and stream in consoles
            if record.levelno >= handler.level and not is_console:
                handler.handle(record)
        above = above.parent if above.propagate else None


def _read_all(payload: bytes) -> tuple[list[RemoteRecord], str | None]:
    """Return the records before the first that is none, and what is wrong with that.

    All of them are read at once, so that what else was decoded is not kept from turn to turn.
    """
    told: list[RemoteRecord] = []
    try:
        for fields in _open(payload):
            told.append(_read(fields))
    except ProtocolError as error:
        return told, str(error)
    return told, None


def _open(payload: bytes) -> list[Any]:
    # All keys of a record are text: to build a table of others may cost a lot, and nobody asked.
    records = decode(payload, keys=Keys(0))
    if type(records) is not list:
        raise ProtocolError("not a list of log records")
    return records


def _read(fields: Any) -> RemoteRecord:
    """Return a record of the wire; ProtocolError for anything else.

    After that nothing in it can raise: what does is a fault of the user's handlers.
    """
    if type(fields) is not list or len(fields) != len(TYPES):
        raise ProtocolError(f"a log record has {len(TYPES)} fields in a list")
    for field, kind in zip(fields, TYPES, strict=True):
        kinds = kind if isinstance(kind, tuple) else (kind,)
        if type(field) not in kinds:
            raise ProtocolError(f"a field of a log record is a {type(field).__name__}")
    logger, level, text, trace, created, thread, extra, is_printed = fields
    extra = _choose(extra)
    return RemoteRecord(logger, level, text, trace, created, thread, extra, is_printed)


def _choose(extra: dict[Any, Any]) -> dict[str, Any]:
    """Return as many fields as might fit; ProtocolError if there is a key that is no str."""
    _check_keys(extra)
    chosen: dict[str, Any] = {}
    room = FIELDS_SIZE
    for name, value in extra.items():
        room -= len(name) + _measure(value)
        if room >= 0 and len(chosen) < FIELDS_LIMIT:
            chosen[name] = value
    return chosen


def _measure(value: Any) -> int:
    """Return a lower bound of the characters that a value takes when it is shown."""
    kind = type(value)
    if kind is str:
        return len(value)
    if kind in (list, tuple):
        return 2 + sum(map(_measure, value))
    if kind is dict:
        _check_keys(value)
        return 2 + sum(map(len, value)) + sum(map(_measure, value.values()))
    return 1


def _check_keys(fields: dict[Any, Any]) -> None:
    # Others an honest child does not send. Some, like a long integer, have no text at all.
    for key in fields:
        if type(key) is not str:
            text = f"a key in the extra fields of a log record is a {type(key).__name__}"
            raise ProtocolError(text)


# Here text is cut before it is made visible, because that takes time with each character.


def _name(text: str) -> str:
    return visible(text[:NAME_LIMIT])[:NAME_LIMIT]


def _cut(text: str) -> str:
    return text if len(text) <= TEXT_LIMIT else text[:TEXT_LIMIT] + "... [cut]"


def _tame(value: Any) -> Any:
    """Return a value that nothing in can surprise whoever shows it."""
    kind = type(value)
    if kind is str:
        return visible(value[: FIELDS_SIZE + 1])  # one of more characters fits in no case
    if kind in (list, tuple):
        return [_tame(item) for item in value]
    if kind is dict:
        return {_tame(key): _tame(item) for key, item in value.items()}
    is_short = kind is not int or value.bit_length() <= INTEGER_BITS
    return value if kind in (type(None), bool, int, float) and is_short else f"({kind.__name__})"
