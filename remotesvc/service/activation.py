"""Activation: who waits for one service that is being constructed."""

import threading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import List, Optional

    from .call import Call
    from .invoker import Invoker

__all__ = ["Activation"]


class Activation:
    """Calls, and threads of this context, that wait for the same outcome."""

    def __init__(self) -> "None":
        self.calls: "List[Call]" = []
        self.invoker: "Optional[Invoker]" = None
        self.error: "Optional[BaseException]" = None
        self._done = threading.Event()

    def settle(
        self, invoker: "Optional[Invoker]", error: "Optional[BaseException]" = None
    ) -> "None":
        """Note the outcome; threads that wait go on."""
        self.invoker, self.error = invoker, error
        self._done.set()

    def wait(self) -> "Invoker":
        """Return the invoker of the service; raise what kept it from becoming active."""
        self._done.wait()
        if self.invoker is None:
            raise self.error or RuntimeError("an activation without an outcome")
        return self.invoker
