"""Functions that call services of the controller, and who reads the replies. Python 3.6.

Many quick calls go before what is looked at: only who calls in a row is lent the loop.
"""

import contextlib
import signal
import threading

from remotesvc import current_router
from remotesvc.core.loop import Loop
from remotesvc.service import AllowAny, Service, expose
from tests.integration.targets.work import note

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Iterator

__all__ = [
    "Controller",
    "TooLate",
    "ask_and_wait",
    "ask_with_alarm",
    "open_gate",
    "readers",
    "readers_with_handler",
]

ROW = 50


class TooLate(Exception):
    """What a handler of a function's own raises."""


class Controller(Service):
    """Answers at once, or when it is let."""

    def __init__(self, router: "Any") -> "None":
        Service.__init__(self, router)
        self.asked = threading.Event()
        self.gate = threading.Event()

    @expose(policy=AllowAny())
    def quick(self, value: "int") -> "int":
        """Answer at once."""
        return value

    @expose(policy=AllowAny())
    def slow(self) -> "str":
        """Answer when it is let."""
        gate = self.gate = threading.Event()
        self.asked.set()
        gate.wait()
        return "let"


@contextlib.contextmanager
def _watched() -> "Iterator[Dict[str, int]]":
    """Count the turns of the loop by the names of the threads that turn it."""
    turn, counts = Loop._turn, {}  # type: ignore[var-annotated]

    def counted(loop: "Loop", *args: "Any") -> "None":
        name = threading.current_thread().name
        counts[name] = counts.get(name, 0) + 1
        turn(loop, *args)

    Loop._turn = counted  # type: ignore[method-assign, assignment]
    try:
        yield counts
    finally:
        Loop._turn = turn  # type: ignore[method-assign]


def readers(count: "int") -> "Dict[str, int]":
    """Ask so often; tell who turned the loop meanwhile, and how often."""
    with _watched() as counts:
        _ask(count)
        return dict(counts)


def readers_with_handler(count: "int") -> "Dict[str, int]":
    """Do the same while a handler of another signal is installed."""
    before = signal.signal(signal.SIGUSR1, lambda *_: None)
    try:
        return readers(count)
    finally:
        signal.signal(signal.SIGUSR1, before)


def ask_and_wait() -> "str":
    """Wait for the controller, and note how that ended."""
    try:
        _ask(ROW)
        print("busy")
        return current_router().controller.call_service(Controller, "slow")  # type: ignore[no-any-return]
    except BaseException as error:
        note(type(error).__name__)
        raise


def ask_with_alarm() -> "str":
    """Wait for the controller until an alarm of this function's own."""

    def ring(*_: "Any") -> "None":
        raise TooLate

    before = signal.signal(signal.SIGALRM, ring)
    try:
        _ask(ROW)
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        return current_router().controller.call_service(Controller, "slow")  # type: ignore[no-any-return]
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def open_gate() -> "None":
    """Let the service of this very process answer."""
    current_router().pool.get_service(Controller).gate.set()  # type: ignore[union-attr]


def _ask(count: "int") -> "None":
    controller = current_router().controller
    for number in range(count):
        assert controller.call_service(Controller, "quick", value=number) == number
