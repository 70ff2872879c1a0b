"""Select: waits for several Receivers, Channels or other Selects at once; and Event.

Members tell it, on any thread, that they may have something; it asks them only when somebody
takes. Never with its lock held: a member has a lock of its own, and tells while it is asked.
"""

import threading
import time
from collections import deque

from ..core.errors import CallTimeout, Error
from ..core.seconds import check_seconds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import (
        Any,
        AsyncIterator,
        Callable,
        Deque,
        Dict,
        Iterable,
        Iterator,
        Optional,
        Tuple,
        Type,
        Union,
    )

    from .channel import Channel
    from .receiver import Receiver

    Member = Union[Receiver, Channel, "Select"]

__all__ = ["Event", "Select"]


class Event:
    """What came: `value` from `receiver`, or instead of a value the `error` that get() raises.

    is_end: nothing more will come from it, so it is no member any more.
    """

    __slots__ = ("error", "is_end", "receiver", "value")

    def __init__(
        self,
        receiver: "Union[Receiver, Channel]",
        value: "Any" = None,
        error: "Optional[Exception]" = None,
        is_end: "bool" = False,
    ) -> "None":
        self.receiver = receiver
        self.value = value
        self.error = error
        self.is_end = is_end

    def __repr__(self) -> "str":
        what = repr(self.value) if self.error is None else repr(self.error)
        return "<Event %s of %r>" % (what, self.receiver)


class _Seat:
    """One member, and whether it stands in the queue of those that may have something."""

    def __init__(self, select: "Select", member: "Member") -> "None":
        self.member = member
        self.is_queued = False
        self._select = select

    def tell(self) -> "None":
        self._select.queue(self)


class Select:
    """Takes values from its members as they come, from each in its turn; a context manager.

    Threads may share it. A receiver that ends is an Event with `error` set, and leaves.
    """

    def __init__(self, receivers: "Iterable[Member]" = ()) -> "None":
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._seats: "Dict[int, _Seat]" = {}
        self._ready: "Deque[_Seat]" = deque()
        self._watchers: "Tuple[Callable[[], None], ...]" = ()
        self._on_ready: "Optional[Callable[[], None]]" = None
        # Whether poll() has found nothing since the last news.
        self._is_idle = True
        self._is_closed = False
        if hasattr(receivers, "watch"):
            # It is iterable, too: a value of it would be lost.
            raise TypeError("Select: wanted is a list: Select([receiver])")
        for receiver in receivers:
            self.add(receiver)

    # -- members ---------------------------------------------------------------------------------

    def add(self, receiver: "Member") -> "None":
        """Take in a member; ValueError if it is one, or if it leads back to this Select."""
        if not hasattr(receiver, "watch"):
            raise TypeError("a Select of %r: wanted is a Receiver, Channel or Select" % receiver)
        if isinstance(receiver, Select) and receiver.contains(self):
            raise ValueError("a Select that is a member of itself would wait for itself")
        seat = _Seat(self, receiver)
        with self._lock:
            if self._is_closed:
                raise Error("this select is closed")
            if self._seats.setdefault(id(receiver), seat) is not seat:
                raise ValueError("%r is a member already" % (receiver,))
        receiver.watch(seat.tell)

    def remove(self, receiver: "Member") -> "None":
        """Let a member go, with what it has; ValueError if it is none."""
        with self._lock:
            seat = self._seats.pop(id(receiver), None)
            if seat is None:
                raise ValueError("%r is not a member" % (receiver,))
            if seat.is_queued:
                self._ready.remove(seat)
            self._changed.notify_all()
        receiver.unwatch(seat.tell)

    def contains(self, other: "Select") -> "bool":
        """Tell whether another Select is this one, or a member at any depth."""
        return other is self or any(
            isinstance(member, Select) and member.contains(other) for member in self._members()
        )

    def _members(self) -> "Tuple[Member, ...]":
        with self._lock:
            return tuple(seat.member for seat in self._seats.values())

    def __len__(self) -> "int":
        return len(self._seats)

    def has_leaves(self) -> "bool":
        """Tell whether anything may come, as it is now."""
        return any(
            member.has_leaves() if isinstance(member, Select) else True
            for member in self._members()
        )

    # -- news ------------------------------------------------------------------------------------

    @property
    def on_ready(self) -> "Optional[Callable[[], None]]":
        """Called, on any thread, when there may be something after poll() had found nothing.

        It must not block, and whoever it has take takes until poll() returns None.
        """
        return self._on_ready

    @on_ready.setter
    def on_ready(self, callback: "Optional[Callable[[], None]]") -> "None":
        self._on_ready = callback
        if callback is not None and not self._is_idle:
            callback()

    def watch(self, watcher: "Callable[[], None]") -> "None":
        """Call watcher() as on_ready is; now, too."""
        with self._lock:
            self._watchers = (*self._watchers, watcher)
        watcher()

    def unwatch(self, watcher: "Callable[[], None]") -> "None":
        """Stop that."""
        with self._lock:
            self._watchers = tuple(one for one in self._watchers if one != watcher)

    def queue(self, seat: "_Seat") -> "None":
        """Note that a member may have something (for the member to call)."""
        with self._lock:
            if seat.is_queued or self._seats.get(id(seat.member)) is not seat:
                return
            seat.is_queued = True
            self._ready.append(seat)
            was_idle, self._is_idle = self._is_idle, False
            self._changed.notify()
        if was_idle:
            if self._on_ready is not None:
                self._on_ready()
            for watcher in self._watchers:
                watcher()

    # -- taking ----------------------------------------------------------------------------------

    def poll(self) -> "Optional[Event]":
        """Return the next event, None if there is none yet; never waits."""
        while True:
            with self._lock:
                if self._is_closed:
                    raise Error("this select is closed")
                if not self._ready:
                    self._is_idle = True
                    return None
                seat = self._ready.popleft()
                seat.is_queued = False
            event = _ask(seat.member)
            if event is not None:
                self._put_back(seat, event)
                return event

    def _put_back(self, seat: "_Seat", event: "Event") -> "None":
        """Let a member that had something stand at the end of the queue, or go if it ended."""
        if event.is_end and event.receiver is seat.member:
            try:
                self.remove(seat.member)
            except ValueError:
                return  # somebody else has removed it
        else:
            self.queue(seat)

    def get(self, timeout: "Optional[float]" = None) -> "Event":
        """Return the next event.

        Raises CallTimeout after `timeout` seconds, and Error when there is no member that
        anything could come from. Not on the I/O thread.
        """
        timeout = check_seconds("timeout", timeout)
        limit = None if timeout is None else time.monotonic() + timeout
        while True:
            event = self.poll()
            if event is not None:
                return event
            if not self.has_leaves():
                raise Error("this select has nothing to wait for: add a receiver")
            self.flush()
            left = None if limit is None else max(0.0, limit - time.monotonic())
            with self._lock:
                if not self._changed.wait_for(self._is_settled, left):
                    raise CallTimeout("no event came within %g s" % (timeout or 0))

    def _is_settled(self) -> "bool":
        return bool(self._ready) or self._is_closed or not self._seats

    def flush(self) -> "None":
        """Send what waits for others, and check that this thread may wait."""
        for member in self._members():
            member.flush()

    def __iter__(self) -> "Iterator[Event]":
        """Yield events until the last member has left."""
        while self._seats:
            yield self.get()

    async def aget(self, timeout: "Optional[float]" = None) -> "Event":
        """Do what get() does in an asyncio program."""
        from .awaiting import take

        if not self.has_leaves():
            raise Error("this select has nothing to wait for: add a receiver")
        return await take(self, check_seconds("timeout", timeout))  # type: ignore[no-any-return]

    async def __aiter__(self) -> "AsyncIterator[Event]":
        while self._seats:
            yield await self.aget()

    # -- the end ---------------------------------------------------------------------------------

    def close(self) -> "None":
        """Let all members go: they stay open. Closing twice is fine."""
        with self._lock:
            self._is_closed = True
            seats = list(self._seats.values())
            self._seats.clear()
            self._ready.clear()
            self._changed.notify_all()
        for seat in seats:
            seat.member.unwatch(seat.tell)

    def __enter__(self) -> "Select":
        return self

    def __exit__(
        self,
        kind: "Optional[Type[BaseException]]",
        error: "Optional[BaseException]",
        traceback: "Optional[TracebackType]",
    ) -> "None":
        self.close()


def _ask(member: "Member") -> "Optional[Event]":
    """Return what a member has as an event, None if it has nothing."""
    if isinstance(member, Select):
        return member.poll()
    try:
        found = member.poll()
    except Error as error:
        return Event(member, None, error, member.has_ended)
    return None if found is None else Event(member, found[0])
