"""Flow: a method that yields, while its caller reads; it takes a thread only while it runs.

When the window of the reader is spent, what was yielded last is kept, and the thread goes to
others; credit, or the end of the reader, has the invoker schedule it again. So who does not read
holds up nobody but himself.
"""

import threading

from ..core.errors import DisconnectedError, MessageTooLarge, ValueNotSupported
from .call import run_as
from .offers import Undone

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Generator, Optional

    from ..channel.sender import Sender
    from .call import Call
    from .pool import Pool
    from .runner import Outcome

__all__ = ["Flow"]


class Flow:
    """One generator on its way to one reader; `call` is answered when it has ended."""

    def __init__(
        self,
        pool: "Pool",
        call: "Call",
        generator: "Generator[Any, None, Any]",
        sender: "Sender",
        schedule: "Callable[..., None]",
    ) -> "None":
        self._pool = pool
        self._schedule = schedule
        self._call = call
        self._generator = generator
        self._sender = sender
        self._value: "Any" = None
        self._has_value = False
        # Whether a thread has it, or is going to; and whether something came meanwhile.
        self._is_running = True
        self._is_called = False
        self._lock = threading.Lock()
        call.wake = self.wake
        sender.outlet().on_room = self.wake

    def wake(self) -> "None":
        """Go on as soon as a thread is free: there is room, or nobody reads; never blocks."""
        with self._lock:
            self._is_called = True
            if self._is_running:
                return
            self._is_running = True
        self.schedule()

    def schedule(self) -> "None":
        """Have it run when its service may; the call tells whose turn that is."""
        self._schedule(Flow.run, self, self._call)

    def run(self, _call: "Call") -> "None":
        """Run the method until it ends, or until there is no room (on a thread of the pool)."""
        outcome = self._go_on()
        while outcome is None:
            with self._lock:
                if not self._is_called:
                    self._is_running = False
                    return
                self._is_called = False
            outcome = self._go_on()
        self._call.wake = None
        self._call.answer(*outcome)

    def _go_on(self) -> "Optional[Outcome]":
        """Return the outcome; None when there is no room."""
        pool, call = self._pool, self._call
        before = run_as(call.origin)
        try:
            outcome = self._send_all()
            if outcome is not None:
                self._close()
            return outcome
        except BaseException as error:  # noqa: BLE001 sys.exit() ends the call, not the thread
            pool.shelter(call)
            return self._fail(error)
        finally:
            pool.router.settle()
            run_as(before)

    def _send_all(self) -> "Optional[Outcome]":
        """Send value after value; return the outcome, None when there is no room."""
        nothing: "Outcome" = self._pool.pack(self._call, None)
        while not self._call.cancelled:
            if self._has_value:
                try:
                    if not self._sender.try_send(self._value):
                        return None
                except DisconnectedError:
                    return nothing
                except ValueNotSupported as error:
                    raise Undone("value", str(error)) from None
                except MessageTooLarge as error:
                    raise Undone("size", str(error)) from None
            self._has_value = False
            try:
                self._pool.lay_open(self._call)
                self._value = next(self._generator)
                self._has_value = True
            except StopIteration as end:
                return self._pool.pack(self._call, end.value)
            finally:
                self._pool.shelter(self._call)
        return nothing

    def _fail(self, error: "BaseException") -> "Outcome":
        """Return the outcome of a failure; what its `finally` blocks raise comes after it."""
        try:
            self._close()
        except BaseException as later:  # noqa: BLE001 user code
            error = later
        return self._pool.fail(self._call, error)

    def _close(self) -> "None":
        """Have the `finally` blocks run, and tell the reader that no more will come."""
        try:
            self._generator.close()
        finally:
            self._sender.close()
