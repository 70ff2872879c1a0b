"""Logs: what is logged in a child, sent to the controller under credit, as data.

Not in the payload: the first record fetches it, unless it came along with a call.

The thread that logs describes its record at once, for the arguments may change. Only the loop's
thread sends, several records at a time when they queue: so no lock is held when a signal comes.
Without credit whoever logs waits, as who prints does. Where nothing can be sent (in a fork, after
the link) a record goes where Python itself puts one that nobody handles: to stderr.
"""

import _thread
import os
import struct
import sys
from collections import deque

from .authority import LOG
from .credit import GRANT, MESSAGE_COST, Window
from .values import encode
from .wire import PLAIN, RAW

TYPE_CHECKING = False
if TYPE_CHECKING:
    from logging import LogRecord
    from typing import Any, Deque, Dict

    from remotesvc.bootstrap.child import Child

    from .loop import Loop
    from .switch import Switch
    from .wire import Message

__all__ = ["LogForwarder", "forward"]

# Message text and traceback together, in bytes; what is longer is cut, with a mark.
TEXT_LIMIT = 16 * 1024

# A traceback gets so much however long the text before it is.
TRACE_LEAST = 2 * 1024

NAME_LIMIT = 256

# What `extra=` may bring: fields, bytes of all of them, bytes of one before its repr is cut.
FIELDS_LIMIT = 32
FIELDS_SIZE = 4 * 1024
FIELD_SIZE = 1024
REPR_LIMIT = 256

# One message takes records up to this: a writer may overdraw its credit by that and one record.
BATCH = 64 * 1024

# Records that may wait for the loop's thread before their writer waits for it.
QUEUE_LIMIT = 256

# A MessagePack array of so many: records are encoded one by one, by those who log them.
ARRAY = struct.Struct(">BH")
ARRAY_16 = 0xDC

SCALARS = frozenset((type(None), bool, int, float, str))

# Frames of these below a log call are no reason not to wait: they hold nothing that is needed.
HARMLESS = ("remotesvc.core.calls", "remotesvc.core.finder", __name__)


class LogForwarder:
    """A handler of records, in the eyes of logging; the writing end of a stream, of the switch."""

    limit = GRANT.size

    # As a handler: it takes all that its loggers let through.
    level = 0

    def __init__(self, switch: "Switch", loop: "Loop", window: "int") -> "None":
        import logging

        self._logging = logging
        self._switch = switch
        self._loop = loop
        self._window = Window(window)
        self._batch = min(BATCH, switch.max_message_size // 2)
        # Encoded records, and locks to release once all before them has left.
        self._queue: "Deque[Any]" = deque()
        self._is_due = False
        self._is_moving = False
        self._is_lost = False
        self._handle = 0
        self._describe = Description(logging)
        self.respondent = (switch.parents or (switch.id,))[-1]

    # -- on the thread that logs -----------------------------------------------------------------

    def handle(self, record: "LogRecord") -> "None":
        """Queue a record; wait while credit is spent, where waiting is safe."""
        is_printed = self._is_printed(record)
        if self._is_lost or self._switch.pid != os.getpid():
            last = self._logging.lastResort
            if last is not None and not is_printed and record.levelno >= last.level:
                last.handle(record)
            return
        self._queue.append(self._describe(record, is_printed))
        self._wake()
        is_behind = len(self._queue) > QUEUE_LIMIT or not self._window.is_open
        if is_behind and not self._loop.is_current() and not _is_inside():
            self.settle()

    def settle(self) -> "None":
        """Wait until all that was logged so far has left, or can leave no more."""
        # In this order: what is not in the queue any more was sent before, or is moving.
        is_queued = bool(self._queue)
        if not is_queued and not self._is_moving:
            return
        done = _thread.allocate_lock()
        done.acquire()
        if is_queued:
            self._queue.append(done)
            self._wake()
        else:
            self._loop.call_soon(done.release)
        done.acquire()

    def _wake(self) -> "None":
        if not self._is_due:
            self._is_due = True
            self._loop.call_soon(self._pump)

    def _is_printed(self, record: "LogRecord") -> "bool":
        """Tell whether a handler of user code writes this record on stdout or stderr."""
        streams = (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__)
        root = self._logging.root
        logger: "Any" = root.manager.loggerDict.get(record.name, root)
        while logger is not None:
            for handler in getattr(logger, "handlers", ()):
                stream = getattr(handler, "stream", None)
                if stream is not None and handler.level <= record.levelno and stream in streams:
                    return True
            logger = logger.parent if getattr(logger, "propagate", False) else None
        return False

    # -- on the loop's thread --------------------------------------------------------------------

    def deliver(self, message: "Message") -> "None":
        """Take credit; a refusal means that nobody over there takes records."""
        if message.encoding == RAW:
            self._window.grant(GRANT.unpack(message.payload)[0])
        else:
            self._is_lost = True
        self._pump()

    def lose(self, error: "Exception") -> "None":
        """Drop what waits: nobody may be blocked by it any more."""
        self._is_lost = True
        self._pump()

    def _pump(self) -> "None":
        # In this order: who finds it due has queued before it is looked at.
        self._is_due = False
        self._is_moving = True
        while self._queue and (self._window.is_open or self._is_lost):
            self._send_some()
        self._is_moving = False

    def _send_some(self) -> "None":
        records, done, size = [], [], 0
        while self._queue and size < self._batch:
            item = self._queue.popleft()
            if isinstance(item, bytes):
                records.append(item)
                size += len(item)
            else:
                done.append(item)
        if records and not self._is_lost:
            self._send(records)
        for lock in done:
            lock.release()

    def _send(self, records: "list[bytes]") -> "None":
        switch = self._switch
        payload = ARRAY.pack(ARRAY_16, len(records)) + b"".join(records)
        self._window.spend(len(payload) + MESSAGE_COST)
        self._handle = self._handle or switch.listen(self)
        try:
            switch.send(self.respondent, LOG, PLAIN, payload, self._handle)
        except Exception:  # noqa: BLE001 too large for a small limit of the user's, or the link
            self._is_lost = switch.upstream is None or switch.upstream.error is not None


class Description:
    """Makes the bytes of a record: [logger, level, text, traceback, created, thread, extra, ...].

    Nothing that user code put into a record may raise here.
    """

    def __init__(self, logging: "Any") -> "None":
        self._formatter = logging.Formatter()
        self._standard = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}

    def __call__(self, record: "LogRecord", is_printed: "bool") -> "bytes":
        """Describe a record."""
        level = record.levelno if isinstance(record.levelno, int) else 0
        text = _cut(_text(record), TEXT_LIMIT)
        try:
            return encode(
                [
                    _cut(str(record.name), NAME_LIMIT),
                    max(0, min(level, 1000)),
                    text,
                    self._trace(record, TEXT_LIMIT - len(encode(text))),
                    float(record.created),
                    _cut(str(record.threadName), NAME_LIMIT),
                    self._fields(record),
                    is_printed,
                ]
            )
        except Exception as error:  # noqa: BLE001 an unheard-of record is no reason to raise
            text += " (more of this record cannot be told: %s)" % type(error).__name__
            return encode(["root", max(0, min(level, 1000)), text, None, 0.0, "", {}, is_printed])

    def _trace(self, record: "LogRecord", limit: "int") -> "Any":
        trace = record.exc_text
        if not trace and record.exc_info:
            trace = self._formatter.formatException(record.exc_info)
        stack = getattr(record, "stack_info", None)
        parts = [str(part) for part in (trace, stack) if part]
        return _cut("\n".join(parts), max(limit, TRACE_LEAST)) if parts else None

    def _fields(self, record: "LogRecord") -> "Dict[str, Any]":
        fields: "Dict[str, Any]" = {}
        room = FIELDS_SIZE
        for name, value in list(vars(record).items()):
            if name in self._standard:
                continue
            name, value = _cut(str(name), NAME_LIMIT), _plain(value)
            room -= len(encode([name, value]))
            if room < 0 or len(fields) == FIELDS_LIMIT:
                break
            fields[name] = value
        return fields


def _text(record: "LogRecord") -> "str":
    """Return the text of a record; with arguments that do not fit, both and why."""
    try:
        return str(record.getMessage())
    except Exception as error:  # noqa: BLE001 a wrong format, or any __str__ of user code
        reason = type(error).__name__
    try:
        return "%r %% %r (not formatted: %s)" % (record.msg, record.args, reason)
    except Exception:  # noqa: BLE001 a __repr__ of user code, too
        return "(a record of %s that cannot be formatted: %s)" % (type(record.msg), reason)


def _cut(text: "str", limit: "int") -> "str":
    """Return a text of at most `limit` bytes, or so many of them and a mark."""
    head = text[:limit].encode("utf-8", "surrogatepass")
    if len(text) <= limit and len(head) <= limit:
        return text
    head = head[:limit]
    return head.decode("utf-8", "ignore") + "... [cut: %d characters in all]" % len(text)


def _plain(value: "Any") -> "Any":
    """Return a value that may travel as it is, or what its repr begins with."""
    if _is_plain(value, 3) and len(encode(value)) <= FIELD_SIZE:
        return value
    try:
        return _cut(value if isinstance(value, str) else repr(value), REPR_LIMIT)
    except Exception as error:  # noqa: BLE001 a __repr__ of user code
        return "(a %s whose repr fails: %s)" % (type(value).__name__, type(error).__name__)


def _is_plain(value: "Any", depth: "int") -> "bool":
    kind = type(value)
    if kind in (list, tuple, dict):
        if not depth or len(value) > FIELD_SIZE:
            return False
        if kind is dict and not all(type(key) is str for key in value):
            return False
        items = value.values() if kind is dict else value
        return all(_is_plain(item, depth - 1) for item in items)
    return kind in SCALARS


def _is_inside() -> "bool":
    """Tell whether this thread logs from within remotesvc, by a signal or a collected object.

    It may hold a lock that the loop's thread needs: then nobody may wait for that here.
    """
    frame: "Any" = sys._getframe(1)
    while frame is not None:
        name = frame.f_globals.get("__name__", "")
        if name.startswith("remotesvc.core.") and name not in HARMLESS:
            return True
        frame = frame.f_back
    return False


# Last in this file: a signal's handler that logs while it is being imported finds nothing here,
# and what it logs goes to stderr.
def forward(child: "Child", record: "LogRecord") -> "None":
    """Take the first record of a child, and have every later one come straight here."""
    made = LogForwarder(child.switch, child.loop, child.settings.window)
    forwarder = vars(child).setdefault("logs", made)  # two threads may come at once
    if forwarder is made:
        settle_prints = child.settle

        def settle() -> "None":
            settle_prints()
            forwarder.settle()

        child.settle = settle
    sys.modules["logging"].root.parent.handlers = [forwarder]
    forwarder.handle(record)
