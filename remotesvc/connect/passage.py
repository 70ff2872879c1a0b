"""Passage: the contexts that one connect() opened on its way, closed again where it leads nowhere.

What is opened in a context fails later, on whatever thread hears of it. A context on the way that
others use as well by then stays open: another chain that leads through it, or what is open in it.
"""

import threading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import List

    from ..core.context import Context

__all__ = ["Passage", "share"]


class Passage:
    """The way of one chain to its last context, which is not part of it."""

    def __init__(self) -> "None":
        self._contexts: "List[Context]" = []
        self._lock = threading.Lock()

    def add(self, context: "Context") -> "None":
        """Take a context that was opened for this chain alone."""
        self._contexts.append(context)
        context.passage = self
        self.watch(context)

    def watch(self, context: "Context") -> "None":
        """Close the way if this context, on it or at its end, is lost before it was ready."""
        context.on_disconnect(self._hear)

    def _hear(self, context: "Context", error: "Exception") -> "None":
        if not context.is_ready:
            self.close()

    def close(self) -> "None":
        """End what nobody else uses, the last one first; never blocks."""
        with self._lock:
            contexts, self._contexts = self._contexts, []
        for context in reversed(contexts):
            if context.passage is self and not any(one.connected for one in context.children):
                context.kill()


def share(context: "Context") -> "None":
    """Note that another chain leads through a context: it is nobody's to close any more."""
    context.passage = None
