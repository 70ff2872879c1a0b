"""The one I/O thread: ready descriptors, timers, and a wake-up for everybody else.

Only this file knows what waits for them: epoll(7), or poll(2). Callbacks run on the loop's thread
and never block; one that raises is a defect of ours: it is reported and the loop goes on.

The thread in `run()` may lend the loop to one that waits for what the loop delivers: that one
turns it by itself, and no message costs a switch of threads. Whoever turns it counts as the
loop's thread. When nobody has for REST seconds, or a callback is wanted, it goes back to `run()`.
"""

import _thread
import heapq
import os
import select
import sys
import time
from collections import deque

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, Deque, Dict, List, Optional, Protocol

    Callback = Callable[[], None]

    class Heir(Protocol):
        """Who may turn a loop that was lent."""

        def is_wanted(self) -> bool:
            """Tell whether it has something else to do."""


__all__ = ["Loop", "Timer"]

# The standard library's selectors do the same, and take a third of the time of a turn for it.
# epoll counts in seconds, poll in milliseconds; 1 is EPOLLIN and POLLIN, 4 EPOLLOUT and POLLOUT.
POLL, UNIT = (select.epoll, 1) if hasattr(select, "epoll") else (select.poll, 1000)

# A loop that is lent and stands still for so long goes back.
REST = 0.002


class Timer:
    """A callback that the loop runs once, at `when` on the monotonic clock, unless cancelled."""

    __slots__ = ("callback", "when")

    def __init__(self, when: "float", callback: "Optional[Callback]") -> "None":
        self.when = when
        self.callback = callback

    def cancel(self) -> "None":
        """Forget the callback; cancelling twice, or after it ran, is fine."""
        self.callback = None

    def __lt__(self, other: "Timer") -> "bool":
        return self.when < other.when


class Loop:
    """Selector, timers and a wake-up; `run()` is the body of its thread."""

    def __init__(self) -> "None":
        self._poll = POLL()
        self._wake_read, self._wake_write = os.pipe()
        # Re-entrant: a signal's handler may wake the loop while its thread is about to.
        self._wake_lock = _thread.RLock()
        self._poll.register(self._wake_read, 1)
        self._callbacks: "Dict[int, List[Optional[Callback]]]" = {}
        self._soon: "Deque[Callback]" = deque()
        self._timers: "List[Timer]" = []
        self._ident: "Optional[int]" = None
        self._is_stopped = False
        self._is_awake = False
        # Held by the thread that turns.
        self._turning = _thread.allocate_lock()
        # What the thread in run() waits on while it does not turn; whether without an end.
        self._resting = _thread.allocate_lock()
        self._resting.acquire()
        self._is_asleep = False
        self._is_lent = False
        # Whom it was lent to last.
        self.heir: "Optional[Heir]" = None
        self._is_called = False
        self._left_at = 0.0

    def is_current(self) -> "bool":
        """Tell whether the caller is the I/O thread."""
        return _thread.get_ident() == self._ident

    def call_soon(self, callback: "Callback") -> "None":
        """Run a callback on the loop's thread, in order; callable from any thread."""
        self._soon.append(callback)
        self._wake()

    def call_later(self, delay: "float", callback: "Callback") -> "Timer":
        """Run a callback after `delay` seconds; callable from any thread."""
        timer = Timer(time.monotonic() + delay, callback)
        if self.is_current():
            heapq.heappush(self._timers, timer)
        else:
            self.call_soon(lambda: heapq.heappush(self._timers, timer))
        return timer

    def set_reader(self, fd: "int", callback: "Optional[Callback]") -> "None":
        """Call back while `fd` can be read; None ends that. On the loop's thread only."""
        self._set(fd, 0, callback)

    def set_writer(self, fd: "int", callback: "Optional[Callback]") -> "None":
        """Call back while `fd` can be written; None ends that. On the loop's thread only."""
        self._set(fd, 1, callback)

    def stop(self) -> "None":
        """Let `run()` return after the callbacks that are due; callable from any thread."""
        self._is_stopped = True
        self._wake()

    def run(self) -> "None":
        """Serve until `stop()`, then close the loop's own descriptors."""
        self._turning.acquire()
        while not self._is_stopped:
            self._ident = _thread.get_ident()
            while not (self._is_stopped or self._is_lent):
                self._turn()
            if self._is_lent:
                self._leave()
                self._rest()
                self._is_lent = False
        self._run_soon()
        self._ident = None  # the next thread may get the same number
        with self._wake_lock:
            self._is_awake = True
            os.close(self._wake_write)
        os.close(self._wake_read)
        del self._poll  # which closes it

    def lend(self, heir: "Heir") -> "None":
        """Leave the loop to `heir`: to the thread that turns it for that one (on its thread)."""
        self.heir = heir
        self._is_lent = True

    def recall(self) -> "None":
        """Have `run()` turn again, if nobody else does."""
        self._is_called = True
        self._rouse()

    def turn_until(self, heir: "Heir", is_hasty: "bool" = False) -> "bool":
        """Turn the loop on this thread until `heir.is_wanted()`, or until it is lent to another.

        Return whether it could: no other thread turned it. In haste, turn it once, if nobody has
        for a quarter of REST, and wait for nothing.
        """
        if is_hasty and time.monotonic() - self._left_at < REST / 4:
            return False
        if not self._turning.acquire(False):
            return False
        self._ident = _thread.get_ident()
        try:
            while is_hasty or (self.heir is heir and not (heir.is_wanted() or self._is_stopped)):
                self._turn(is_hasty)
                is_hasty = False
        finally:
            self._leave()
        return True

    def _leave(self) -> "None":
        self._ident = None
        self._left_at = time.monotonic()
        self._turning.release()
        if self._is_asleep:
            self._rouse()

    def _rest(self) -> "None":
        """Wait until nobody has turned for a while, or a callback is wanted; then turn again."""
        while True:
            self._resting.acquire(timeout=REST)
            if self._is_called or time.monotonic() - self._left_at >= REST:
                self._is_called = False
                if self._turning.acquire(False):
                    return
                # In this order, and the other way round in _leave(): one sees the other.
                self._is_asleep = True
                if self._turning.locked():
                    self._resting.acquire()
                self._is_asleep = False

    def _rouse(self) -> "None":
        try:
            self._resting.release()
        except RuntimeError:
            return  # it was roused already

    def _turn(self, is_hasty: "bool" = False) -> "None":
        timeout = 0 if self._soon or is_hasty else self._until_next_timer()
        for fd, mask in self._poll.poll(timeout * UNIT):
            if fd == self._wake_read:
                self._drain_wake_up()
                continue
            slots = self._callbacks.get(fd, (None, None))
            # Errors and hang-ups are for whoever wants to know anything.
            if mask & ~4 and slots[0]:
                self._run(slots[0])
            if mask & ~1 and slots[1]:
                self._run(slots[1])
        self._run_due_timers()
        self._run_soon()

    def _until_next_timer(self) -> "float":
        timers = self._timers
        while timers and not timers[0].callback:
            heapq.heappop(timers)
        return max(0, timers[0].when - time.monotonic()) if timers else -1

    def _run_due_timers(self) -> "None":
        timers = self._timers
        now = time.monotonic()
        while timers and timers[0].when <= now:
            callback = heapq.heappop(timers).callback
            if callback:
                self._run(callback)

    def _run_soon(self) -> "None":
        for _ in range(len(self._soon)):
            self._run(self._soon.popleft())

    def _run(self, callback: "Callback") -> "None":
        try:
            callback()
        except Exception:  # noqa: BLE001 one broken callback may not end every other link
            sys.excepthook(*sys.exc_info())

    def _wake(self) -> "None":
        if self.is_current():
            return
        with self._wake_lock:
            if not self._is_awake:
                self._is_awake = True
                os.write(self._wake_write, b"\0")
        if self._ident is None:
            self.recall()

    def _drain_wake_up(self) -> "None":
        # In this order: whoever calls between the two lines is served by this very turn.
        os.read(self._wake_read, 1)
        self._is_awake = False

    def _set(self, fd: "int", slot: "int", callback: "Optional[Callback]") -> "None":
        slots = self._callbacks.get(fd)
        if slots is None:
            if callback is None:
                return
            slots = self._callbacks[fd] = [None, None]
        was = _events(slots)
        slots[slot] = callback
        events = _events(slots)
        if events == was:
            return
        try:
            if was:
                self._poll.unregister(fd)
        except OSError:
            pass  # user code has closed it
        if events:
            self._poll.register(fd, events)
        else:
            del self._callbacks[fd]


def _events(slots: "List[Optional[Callback]]") -> "int":
    read, write = map(bool, slots)
    return read + 4 * write
