"""Inbox: what children send under credit, kept in order and handled by one thread.

The reading threads only queue; whoever handles may be slow, or block: that holds up, by credit,
who sent it and nothing else. What a child sends beyond its credit is dropped and counted. Sources
take turns, and a turn is a bounded amount of work: a child that has us work hard for few bytes
(a quarter million empty lines) delays another one's line by one turn of its own.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from ..core.credit import GRANT, MESSAGE_COST, Allowance
from ..core.wire import RAW
from .reports import account_of

if TYPE_CHECKING:
    from ..core.switch import Switch
    from ..core.wire import Message

__all__ = ["SLACK", "WINDOW", "Inbox", "Source"]

# What one child may have sent and we not yet handled.
WINDOW = 256 * 1024

# One message may overdraw the window: a chunk of the child's forwarder.
SLACK = 128 * 1024

# What all children that one child started by itself may have sent and we not yet handled: they may
# be its inventions. Some 170 honest ones may flood us at one time.
INVENTED_LIMIT = 64 * 1024 * 1024


class Source:
    """One context: its name, its credit, and how far its messages got.

    account: who made it up, maybe; itself, if it was opened from here.
    """

    def __init__(self, name: str, account: int) -> None:
        self.account = account
        # Found out at the first message: what is handled after the end has no context any more.
        self.name = name
        self.allowance = Allowance(WINDOW, SLACK)
        self.received = 0
        self.handled = 0
        # What was received and not yet handled, with its cost; of the first some may be handled.
        self.waiting: deque[tuple[Message | None, int]] = deque()
        self.handling: Iterator[None] | None = None
        # Bytes and messages that exceeded its credit, since somebody took note of it.
        self.lost_bytes = 0
        self.lost_messages = 0


class Inbox:
    """Queues and thread between reading threads and `handle(source, message)`.

    That is a generator which yields wherever another source may have its turn; it gets the next
    message of a source when it is done with the one before. `name_of(id)` names a context. When
    one is lost, `handle(source, None)` comes last.
    """

    def __init__(
        self,
        switch: "Switch",
        title: str,
        handle: "Callable[[Source, Message | None], Iterator[None]]",
        name_of: Callable[[int], str],
    ) -> None:
        self._switch = switch
        self._title = title
        self._handle = handle
        self._name_of = name_of
        self._sources: dict[int, Source] = {}
        # What waits of those that were started by a child, by that one.
        self._invented: dict[int, int] = {}
        # Those of which something waits, in the order of their turns.
        self._turns: deque[Source] = deque()
        self._changed = threading.Condition(threading.Lock())
        self._thread: threading.Thread | None = None
        self._is_closed = False

    def put(self, message: "Message", size: int) -> None:
        """Queue a message that cost its sender `size` bytes of credit (on a reading thread)."""
        cost = size + MESSAGE_COST
        with self._changed:
            if self._is_closed:
                return
            source = self._sources.get(message.src)
            if source is None:
                if message.src not in self._switch.routes:
                    return  # lost while this was handled: nobody would forget it again
                account = account_of(self._switch, message.src)
                source = Source(self._name_of(message.src), account)
                self._sources[message.src] = source
            is_invented = source.account != message.src
            held = self._invented.get(source.account, 0) + cost if is_invented else 0
            if held > INVENTED_LIMIT or not source.allowance.take(cost):
                source.lost_bytes += size
                source.lost_messages += 1
                return
            if is_invented:
                self._invented[source.account] = held
            self._queue(source, message, cost)
            self._start()

    def lose(self, ids: "set[int]", error: Exception) -> None:
        """Queue the end of lost contexts (observer of the switch)."""
        with self._changed:
            for context_id in ids & self._sources.keys():
                source = self._sources.pop(context_id)
                self._queue(source, None, 0)

    def settle(self, context_id: int) -> None:
        """Wait until all that a context sent so far has been handled."""
        source = self._sources.get(context_id)
        if source is None or threading.current_thread() is self._thread:
            return
        # Not until nothing waits: another thread over there may send without an end.
        so_far = source.received
        with self._changed:
            self._changed.wait_for(lambda: source.handled >= so_far or self._is_closed)

    def close(self, timeout: float = 2.0) -> None:
        """Have what is queued handled, bounded by `timeout` seconds, and end the thread."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(timeout)

    def _queue(self, source: Source, message: "Message | None", cost: int) -> None:
        source.received += 1
        source.waiting.append((message, cost))
        if len(source.waiting) == 1:
            self._turns.append(source)
            self._changed.notify_all()

    def _start(self) -> None:
        if self._thread is None:
            name = f"remotesvc-{self._title}"
            self._thread = threading.Thread(target=self._run, name=name, daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._turns or self._is_closed)
                if not self._turns:
                    return
                source = self._turns.popleft()
                message, cost = source.waiting[0]
            if source.handling is None:
                source.handling = self._handle(source, message)
            if next(source.handling, self) is None:
                self._put_back(source)
            else:
                self._note_handled(source, message, cost)

    def _give_back(self, account: int, cost: int) -> None:
        self._invented[account] -= cost
        if not self._invented[account]:
            del self._invented[account]

    def _put_back(self, source: Source) -> None:
        with self._changed:
            self._turns.append(source)

    def _note_handled(self, source: Source, message: "Message | None", cost: int) -> None:
        """Wake who waits for it, and give credit back."""
        with self._changed:
            source.handling = None
            source.waiting.popleft()
            if source.waiting:
                self._turns.append(source)
            source.handled += 1
            granted = source.allowance.consume(cost)
            if message is not None and source.account != message.src:
                self._give_back(source.account, cost)
            self._changed.notify_all()
        if granted and message is not None:
            self._switch.reply(message, RAW, GRANT.pack(granted))
