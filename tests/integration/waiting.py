"""Waits for what a child has taken, or is free to take: no event of ours tells."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from remotesvc import Busy, Context
from remotesvc.core.authority import CANCEL
from remotesvc.core.values import encode
from remotesvc.core.wire import PLAIN, Message

__all__ = ["TIMEOUTS", "call_when_free", "wait_until", "wait_until_heard", "wait_until_still"]

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


def wait_until_still(pid: int) -> None:
    """Return when all threads of a process sleep: whatever they are to wait for, they wait for it.

    What a function says before it waits does not tell that it has come so far.
    """
    wait_until(lambda: (found := _moves(pid)) is not None and found == _moves(pid))


def _moves(pid: int) -> dict[str, int] | None:
    """Return how often each thread gave its processor up; None while one runs."""
    moves: dict[str, int] = {}
    for status in Path(f"/proc/{pid}/task").glob("*/status"):
        try:
            fields = dict(line.split(":\t", 1) for line in status.read_text().splitlines())
        except OSError:
            return None  # it has just ended
        if not fields["State"].startswith("S"):
            return None
        switches = "voluntary_ctxt_switches", "nonvoluntary_ctxt_switches"
        moves[status.parent.name] = sum(int(fields[name]) for name in switches)
    return moves
