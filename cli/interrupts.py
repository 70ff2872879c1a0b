"""Interrupts: Ctrl-C and SIGTERM as steps, each gentler than the next, never an exception.

A KeyboardInterrupt could be raised anywhere, in the middle of a line of output too. So handlers do
nothing; one thread hears of each signal, and another one does what is to be done, even while the
main thread waits for a reader of its output.

What is heard is what Python writes to a pipe the moment a signal comes. Its handlers may never
run: they do so on the main thread, which goes on waiting for a lock if the system has given the
signal to another thread. That happens to one that has just started a process.
"""

import os
import queue
import signal
import threading
from types import TracebackType
from typing import Any, Protocol

__all__ = ["Interruptible", "Interrupts"]

SIGNALS = (signal.SIGINT, signal.SIGTERM)

# What is reported at the end has this long to be written: maybe nobody reads it.
LAST_WORDS = 2.0

# Once interrupted, the work is looked at this often; nothing tells that it is done.
POLL = 0.1

# What a further signal ends is not ours any more to end well.
STEPS = 2

# Stands behind all signals that came in time; no signal has this number.
END = 0


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
        self._signals: queue.SimpleQueue[int | None] = queue.SimpleQueue()
        self._is_left = threading.Event()
        self._before: dict[int, Any] = {}
        # What Python writes the numbers of signals to, and what it wrote them to before.
        self._pipe = -1, -1
        self._pipe_before: int | None = None
        self._threads = [
            threading.Thread(target=target, name="remotesvc-interrupts", daemon=True)
            for target in (self._listen, self._serve)
        ]

    @property
    def received(self) -> int:
        """The number of the first signal that came, 0 if none did."""
        return self._noted[0] if self._noted else 0

    def __enter__(self) -> "Interrupts":
        self._pipe = os.pipe()
        for thread in self._threads:
            thread.start()
        if threading.current_thread() is threading.main_thread():
            os.set_blocking(self._pipe[1], False)  # Python insists on it
            self._pipe_before = signal.set_wakeup_fd(self._pipe[1], warn_on_full_buffer=False)
            for number in SIGNALS:
                handler = signal.getsignal(number)
                if handler not in (signal.SIG_IGN, None):
                    self._before[number] = signal.signal(number, lambda number, frame: None)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        if self._pipe_before is not None:
            signal.set_wakeup_fd(self._pipe_before)
        self._is_left.set()
        os.write(self._pipe[1], bytes((END,)))
        for thread in self._threads:
            thread.join()
        for fd in self._pipe:
            os.close(fd)

    def _listen(self) -> None:
        for number in iter(lambda: os.read(self._pipe[0], 1)[0], END):
            # Whoever has handlers for other signals has them written there, too.
            if number in SIGNALS:
                self._note(number)
        self._signals.put(None)

    def _note(self, number: int) -> None:
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
