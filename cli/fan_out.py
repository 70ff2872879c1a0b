"""FanOut: one call on many hosts, some at a time; outcomes come as they are known.

Each host has a thread of its own for as long as it is at work. They are daemons: a name lookup or
a login that hangs does not keep the program from ending.
"""

import importlib
import queue
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType

from remotesvc.controller.output import Sink
from remotesvc.core.context import Context
from remotesvc.core.errors import Error
from remotesvc.router import Router

from .arguments import Arguments
from .callee import Callee
from .explain import Call, explain
from .hosts import Host
from .options import ConnectOptions
from .outcome import Kind, Outcome

__all__ = ["FanOut", "Job", "prepare"]

# A child whose function was given up has this long to end by itself: it takes 2 s for `finally`.
SHUTDOWN_TIMEOUT = 3.0


@dataclass(frozen=True)
class Job:
    """What is called on each host, and how it is reached."""

    callee: Callee
    arguments: Arguments
    connect: ConnectOptions
    timeout: float | None = None
    is_debug: bool = False


def prepare(hosts: Sequence[Host]) -> None:
    """Import what connecting takes, before modules of the user's could be in the way."""
    if not all(host.is_local for host in hosts):
        importlib.import_module("remotesvc.controller.ssh")


class FanOut:
    """A context manager: what is still under way at its end is cut off and ended."""

    def __init__(self, hosts: Sequence[Host], job: Job, forks: int, sink: Sink) -> None:
        self._job = job
        self._count = len(hosts)
        self._waiting = deque(hosts)
        self._outcomes: queue.SimpleQueue[Outcome] = queue.SimpleQueue()
        self._router = Router(output=sink)
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

    def outcomes(self) -> Iterator[Outcome]:
        """Start, and yield an outcome for each host; return when all contexts have ended."""
        for thread in self._threads:
            thread.start()
        for _ in range(self._count):
            yield self._outcomes.get()
        for thread in self._threads:
            thread.join()

    def close(self) -> None:
        """Begin no further host, and end all children; closing twice is fine."""
        self._waiting.clear()
        self._router.close()

    def _work(self) -> None:
        while True:
            try:
                host = self._waiting.popleft()
            except IndexError:
                return
            self._visit(host)

    def _visit(self, host: Host) -> None:
        started = time.monotonic()
        context = None
        kind, value, problem = Kind.OK, None, None
        try:
            context = self._open(host)
            value = self._call(context)
        except Exception as error:  # noqa: BLE001 every one is an outcome, our own bugs included
            kind, problem = explain(error, self._whose(host))
        self._outcomes.put(Outcome(host.name, kind, time.monotonic() - started, value, problem))
        if context is not None:
            _end(context)

    def _open(self, host: Host) -> Context:
        connect = self._job.connect
        if host.is_local:
            return self._router.local(name=host.name, **connect.for_local())
        return self._router.ssh(host.name, name=host.name, **connect.for_ssh())

    def _call(self, context: Context) -> object:
        job = self._job
        # Named, because there is nothing to call here: the function exists over there only.
        target: object = job.callee.target
        verbs = context.options(timeout=job.timeout)
        return verbs.call(target, *job.arguments.args, **job.arguments.kwargs)  # type: ignore[arg-type]

    def _whose(self, host: Host) -> Call:
        return Call(self._job.callee, host.name, self._job.timeout, self._job.is_debug)


def _end(context: Context) -> None:
    """End a context, the hard way if need be; whether it is gone already does not matter."""
    try:
        context.shutdown(SHUTDOWN_TIMEOUT)
    except Error:
        context.kill()
