"""Waits until a child has taken what was sent to it so far, while its function runs on."""

import threading

from remotesvc import Context
from remotesvc.core.authority import CANCEL
from remotesvc.core.values import encode
from remotesvc.core.wire import PLAIN, Message

__all__ = ["wait_until_heard"]

DEADLINE = 60.0


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
    """Cancel a call that does not exist: its answer comes after all that was sent before."""
    switch = context.router.switch
    answer = _Answer(context.id)
    handle = switch.listen(answer)
    switch.send(context.id, CANCEL, PLAIN, encode((1, False, "")), handle)
    assert answer.is_here.wait(DEADLINE)
