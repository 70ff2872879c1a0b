"""FanOut: one job on many hosts, some at a time; outcomes come as they are known.

Each host has a thread of its own for as long as it is at work. They are daemons: a name lookup or
a login that hangs does not keep the program from ending.
"""

import importlib
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from types import TracebackType

from remotesvc.connect.connectors import CONNECTORS
from remotesvc.controller import ssh
from remotesvc.controller.output import Sink
from remotesvc.router import Router

from .events import Events, Notice
from .hosts import Host
from .outcome import Item, Outcome
from .questions import Passwords, Questions
from .reach import Reach
from .visit import Job, Visit

__all__ = ["FanOut", "prepare"]


def prepare(hosts: Sequence[Host]) -> None:
    """Import what connecting takes, before modules of the user's could be in the way."""
    kinds = {part.kind for host in hosts for part in host.parts}
    for kind in kinds & CONNECTORS.keys():
        importlib.import_module(CONNECTORS[kind])
    if "ssh" in kinds:
        ssh.load()


class FanOut:
    """A context manager: what is still under way at its end is cut off and ended."""

    def __init__(
        self,
        hosts: Sequence[Host],
        job: Job,
        forks: int,
        sink: Sink,
        questions: Questions,
        passwords: Passwords,
    ) -> None:
        self._events = Events()
        self._questions = questions
        self._router = Router(output=sink)
        self._router.on_step = job.observe
        self._reach = Reach(self._router, job.connect, questions, passwords)
        self._visits = [Visit(host, job, self._reach, self._events) for host in hosts]
        self._waiting = deque(self._visits)
        self._closing = threading.Lock()
        self._threads = [
            threading.Thread(target=self._work, name=f"remotesvc-host-{number}", daemon=True)
            for number in range(min(forks, len(hosts)))
        ]

    def __enter__(self) -> "FanOut":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def events(self) -> Iterator[Outcome | Item | Notice]:
        """Start, and yield what happens; return when all contexts have ended.

        Each host has one outcome, and the items of its stream before it.
        """
        for thread in self._threads:
            thread.start()
        left = len(self._visits)
        while left:
            event = self._events.get()
            if event is None:
                left -= 1
            else:
                yield event

    @property
    def is_over(self) -> bool:
        """Whether every host has its outcome, and nothing runs on it any more."""
        return all(visit.is_over for visit in self._visits)

    def interrupt(self) -> None:
        """Begin no further host and cancel all calls; outcomes still come. Does not block.

        What runs over there gets a KeyboardInterrupt, and its `finally` blocks are waited for; a
        host that is still connecting is given up at once.
        """
        busy = sum(visit.is_calling for visit in self._visits)
        if busy:
            them = "the connection" if busy == 1 else "the connections"
            self._say(f"ending the call on {_hosts(busy)}; Ctrl-C again drops {them}")
        self._events.close()
        for visit in self._visits:
            visit.interrupt()
        # Last: a login whose question goes unanswered was interrupted, it has not failed.
        self._questions.close()

    def drop(self) -> None:
        """Cut all connections; who has no outcome yet was interrupted. Does not block."""
        busy = sum(visit.is_calling for visit in self._visits)
        if busy:
            self._say(f"dropping the connection to {_hosts(busy)}")
        for visit in self._visits:
            visit.drop()
        self._reach.drop()

    def close(self) -> None:
        """Begin no further host, and return when all children have ended; twice is fine."""
        self._waiting.clear()
        self._events.close()
        self._questions.close()
        with self._closing:
            self._router.close()

    def _say(self, text: str) -> None:
        self._events.tell(Notice(f"Interrupted: {text}"))

    def _work(self) -> None:
        while True:
            try:
                visit = self._waiting.popleft()
            except IndexError:
                return
            visit.run()


def _hosts(count: int) -> str:
    return f"{count} host{'' if count == 1 else 's'}"
