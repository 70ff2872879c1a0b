"""Waits for what a child has taken, or is free to take: no event of ours tells."""

import threading
import time
from collections.abc import Callable
from typing import Any

from remotesvc import Busy, Context
from remotesvc.core.authority import CANCEL
from remotesvc.core.values import encode
from remotesvc.core.wire import PLAIN, Message

__all__ = ["TIMEOUTS", "call_when_free", "wait_until", "wait_until_heard"]

DEADLINE = 60.0

# For a test of a timeout that needs something to have happened before: tried one after another, as
# nobody knows how long it takes on a machine that does other things as well.
TIMEOUTS = (0.3, 1.0, 3.0, 10.0, 30.0)


class _Answer:
    """Waits for one reply of a context."""

    limit = 0

    def __init__(self, respondent: int) -> None:
        self.respondent = respondent
        self.is_here = threading.Event()

    def deliver(self, message: Message) -> None:
        """Take the reply."""
        self.is_here.set()

    def lose(self, error: Exception) -> None:
        """Take the news that the context is lost."""
        self.is_here.set()


def wait_until_heard(context: Context) -> None:
    """Return when it has taken all that was sent so far, while its function runs on.

    A call that does not exist is cancelled: the answer comes after all that was sent before.
    """
    switch = context.router.switch
    answer = _Answer(context.id)
    handle = switch.listen(answer)
    switch.send(context.id, CANCEL, PLAIN, encode((1, False, "")), handle)
    assert answer.is_here.wait(DEADLINE)


def call_when_free(context: Context, function: Callable[[], Any]) -> Any:
    """Call as soon as the context is not busy any more."""
    end = time.monotonic() + DEADLINE
    while True:
        try:
            return context.call(function)
        except Busy:
            assert time.monotonic() < end, "it stays busy"


def wait_until(is_so: Callable[[], bool]) -> None:
    """Return when something is so that will be, soon."""
    limit = time.monotonic() + DEADLINE
    while not is_so():
        assert time.monotonic() < limit
        time.sleep(0.01)
