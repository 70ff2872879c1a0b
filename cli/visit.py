"""Visit: one host's turn, from connecting to the end of its child; it can be cut short any time.

It runs on a thread of its own. Its outcome is told exactly once, and then, exactly once, that it
is over: a thread that hangs in a name lookup keeps nobody waiting.
"""

import threading
import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import CancelledError
from dataclasses import dataclass
from functools import partial
from typing import Any

from remotesvc.core.context import Context
from remotesvc.core.errors import Error
from remotesvc.core.futures import ReplyFuture
from remotesvc.core.verbs import Verbs
from remotesvc.service.stream import Stream

from .events import Events
from .explain import Call, Subject, explain
from .hosts import Host
from .options import ConnectOptions
from .outcome import Item, Kind, Outcome
from .reach import Reach, Step

__all__ = ["Calls", "Job", "Reached", "Visit"]

# A child whose function was given up has this long to end by itself: it takes 2 s for `finally`.
SHUTDOWN_TIMEOUT = 3.0


# Calls, what each returned, and the result of all.
Calls = Generator[ReplyFuture, Any, object]


@dataclass(frozen=True)
class Reached:
    """A host that was opened: the contexts on the way to it, itself the last."""

    steps: Sequence[Step]
    timeout: float | None

    @property
    def verbs(self) -> Verbs:
        """The calls of the host, with the caller's patience."""
        return self.verbs_of(self.steps[-1])

    def verbs_of(self, step: Step) -> Verbs:
        """Return the calls of one context on the way, likewise."""
        return step.context.options(timeout=self.timeout)


@dataclass(frozen=True)
class Job:
    """What is called on each host, and how it is reached.

    `begin` yields calls that it makes, and gets the result of each, or its Error raised; what it
    returns is the host's.
    `observe` is told what is done and found while contexts are opened, as a Router's `on_step` is.
    """

    subject: Subject
    begin: Callable[[Reached], Calls]
    connect: ConnectOptions
    timeout: float | None = None
    is_debug: bool = False
    observe: Callable[[int, str, float, str], None] | None = None


class Visit:
    """Opens, calls, ends; what is told is the Outcome, and None when the visit is over."""

    def __init__(self, host: Host, job: Job, reach: Reach, events: Events) -> None:
        self._host = host
        self._job = job
        self._reach = reach
        self._events = events
        self._lock = threading.Lock()
        self._started: float | None = None
        # Where the function runs, once it is opened, and what is this visit's to end.
        self._context: Context | None = None
        self._own: list[Context] = []
        self._future: ReplyFuture | None = None
        self._stream: Stream | None = None
        self._is_cancelled = False
        self._is_given_up = False
        self._is_told = False
        self._is_over = False

    @property
    def is_calling(self) -> bool:
        """Whether the function is at work over there, as far as is known."""
        with self._lock:
            return self._is_called()

    @property
    def is_over(self) -> bool:
        """Whether all is told, and its child has ended."""
        return self._is_over

    def run(self) -> None:
        """Visit the host; return when its child has ended."""
        with self._lock:
            if self._is_over:
                return
            self._started = time.monotonic()
        outcome = self._attempt()
        if outcome.kind is not Kind.INTERRUPTED:
            self._report(outcome)
        self._end()
        # What was interrupted is told after what its `finally` blocks had to print.
        self._report(outcome)
        self._finish()

    def interrupt(self) -> None:
        """Cancel the call, or give up what is not so far yet; does not block."""
        with self._lock:
            if self._is_told:
                return
            future = self._future if self._is_called() else None
            stream = self._stream
            self._is_cancelled = True
            self._is_given_up = future is None
        if future is None:
            self._abandon()
        elif stream is not None:
            stream.close()
        else:
            future.cancel(hard=True)

    def drop(self) -> None:
        """Cut the connection, and be over; does not block."""
        with self._lock:
            if self._is_over:
                return
            self._is_given_up = True
        self._abandon()
        self._report(self._interrupted())
        self._finish()

    def _is_called(self) -> bool:
        context = self._context
        return (
            not self._is_told and self._future is not None and bool(context and context.is_ready)
        )

    def _abandon(self) -> None:
        """End what is connected; what is still connecting is the router's to end."""
        if self._own:
            self._kill()
            return
        self._report(self._interrupted())
        self._finish()

    def _attempt(self) -> Outcome:
        kind, value, problem = Kind.OK, None, None
        try:
            value = self._call(self._open())
        except CancelledError:
            return self._interrupted()
        except Exception as error:  # noqa: BLE001 every one is an outcome, our own bugs included
            if self._is_given_up or (self._is_cancelled and self._stream is not None):
                return self._interrupted()
            kind, problem = explain(error, self._whose())
        return Outcome(self._host.name, kind, self._elapsed(), value, problem)

    def _open(self) -> Reached:
        steps = []
        for step in self._reach.open(self._host):
            steps.append(step)
            if not step.is_shared:
                with self._lock:
                    self._own.append(step.context)
            if self._is_given_up:
                self._kill()
        with self._lock:
            self._context = steps[-1].context
        return Reached(steps, self._job.timeout)

    def _kill(self) -> None:
        for context in list(self._own):
            context.kill()

    def _call(self, reached: Reached) -> object:
        calls = self._job.begin(reached)
        go_on: Callable[[], ReplyFuture] = partial(next, calls)
        while True:
            try:
                future = go_on()
            except StopIteration as end:
                return self._read(end.value) if isinstance(end.value, Stream) else end.value
            with self._lock:
                self._future = future
                is_late = self._is_cancelled
            if is_late:
                future.cancel(hard=True)
            try:
                go_on = partial(calls.send, future.result())
            except Error as error:
                go_on = partial(calls.throw, error)

    def _read(self, stream: Stream) -> object:
        """Offer what a method yields; return what it returns in the end."""
        with stream:
            with self._lock:
                self._stream = stream
            if not self._is_cancelled:
                for index, value in enumerate(stream):
                    if not self._events.offer(Item(self._host.name, index, value)):
                        break
            if self._is_cancelled:
                raise CancelledError
            return stream.value

    def _end(self) -> None:
        """End what is its own, the hard way if need be; what is gone already does not matter."""
        for context in reversed(self._own):
            try:
                context.shutdown(SHUTDOWN_TIMEOUT)
            except Error:
                context.kill()

    def _report(self, outcome: Outcome) -> None:
        with self._lock:
            if not self._is_told:
                self._is_told = True
                self._events.tell(outcome)

    def _finish(self) -> None:
        with self._lock:
            if not self._is_over:
                self._is_over = True
                self._events.tell(None)

    def _interrupted(self) -> Outcome:
        return Outcome.interrupted(self._host.name, self._elapsed())

    def _elapsed(self) -> float:
        return 0.0 if self._started is None else time.monotonic() - self._started

    def _whose(self) -> Call:
        job, is_stream = self._job, self._stream is not None
        return Call(job.subject, self._host.name, job.timeout, is_stream, job.is_debug)
