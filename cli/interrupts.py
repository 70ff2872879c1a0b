"""Interrupts: Ctrl-C and SIGTERM as steps, each gentler than the next, never an exception.

A KeyboardInterrupt could be raised anywhere, in the middle of a line of output too. So the handler
only notes the signal; a thread of its own does what is to be done, even while the main thread
waits for a reader of its output.
"""

import os
import queue
import signal
import threading
from types import FrameType, TracebackType
from typing import Any, Protocol

__all__ = ["Interruptible", "Interrupts"]

SIGNALS = (signal.SIGINT, signal.SIGTERM)

# What is reported at the end has this long to be written: maybe nobody reads it.
LAST_WORDS = 2.0

# Once interrupted, the work is looked at this often; nothing tells that it is done.
POLL = 0.1

# What a further signal ends is not ours any more to end well.
STEPS = 2


class Interruptible(Protocol):
    """Work that a signal ends; its methods are called on another thread."""

    def interrupt(self) -> None:
        """End it well; does not block."""

    def drop(self) -> None:
        """End it at once; does not block."""

    @property
    def is_over(self) -> bool:
        """Whether it has ended, so that only reports are left to be written."""

    def close(self) -> None:
        """Leave nothing behind, bounded in time; closing twice is fine."""


class Interrupts:
    """A context manager: the first signal interrupts the work, the second one drops it.

    When the work is over after a signal, it is closed, and the block has LAST_WORDS to end, or the
    process does; so it does at the third signal. Not if it `is_patient`: then what is open in the
    block is worth waiting for. Signals that are ignored stay so; outside of the main thread, which
    alone may handle them, nothing is changed.
    """

    def __init__(self, work: Interruptible, *, is_patient: bool = False) -> None:
        self._work = work
        self._is_patient = is_patient
        self._noted: list[int] = []
        # Its put() may be called in a signal handler.
        self._signals: queue.SimpleQueue[int | None] = queue.SimpleQueue()
        self._is_left = threading.Event()
        self._before: dict[int, Any] = {}
        self._thread = threading.Thread(
            target=self._serve, name="remotesvc-interrupts", daemon=True
        )

    @property
    def received(self) -> int:
        """The number of the first signal that came, 0 if none did."""
        return self._noted[0] if self._noted else 0

    def __enter__(self) -> "Interrupts":
        self._thread.start()
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                handler = signal.getsignal(number)
                if handler not in (signal.SIG_IGN, None):
                    self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._is_left.set()
        self._signals.put(None)
        self._thread.join()

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._noted.append(number)
        if len(self._noted) > STEPS and not self._is_patient:
            os._exit(128 + self.received)
        self._signals.put(number)

    def _serve(self) -> None:
        if self._signals.get() is None:
            return
        self._work.interrupt()
        while self._is_patient or not self._work.is_over:
            try:
                number = self._signals.get(timeout=POLL)
            except queue.Empty:
                continue
            if number is None:
                return
            self._work.drop()
        self._work.close()
        if not self._is_left.wait(LAST_WORDS):
            os._exit(128 + self.received)
