"""Events: what happens on the hosts, in a queue that whoever reports it reads.

Outcomes and notices never wait. Items of a stream do, once ITEMS_LIMIT of them were not shown yet:
a reader of stdout that is slow, or does not read, slows the methods down over there.
"""

import queue
import threading
from dataclasses import dataclass

from .outcome import Item, Outcome

__all__ = ["Event", "Events", "Notice"]

# Of all hosts together; a method over there is a window of 1 MiB ahead of these.
ITEMS_LIMIT = 64


@dataclass(frozen=True)
class Notice:
    """What is to be said between the outcomes."""

    text: str


# None: a visit is over.
Event = Outcome | Item | Notice | None


class Events:
    """The queue between the threads of the hosts and the one that shows."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._room = threading.Semaphore(ITEMS_LIMIT)
        self._is_closed = False

    def tell(self, event: Outcome | Notice | None) -> None:
        """Add what never waits."""
        self._queue.put(event)

    def offer(self, item: Item) -> bool:
        """Wait for room and add an item; tell whether it was taken."""
        self._room.acquire()
        if self._is_closed:
            self._room.release()  # for the next one that waits
            return False
        self._queue.put(item)
        return True

    def close(self) -> None:
        """Take no more items: who waits with one goes on. Twice is fine."""
        self._is_closed = True
        self._room.release()

    def get(self) -> Event:
        """Wait for the next event."""
        event = self._queue.get()
        if isinstance(event, Item):
            self._room.release()
        return event
