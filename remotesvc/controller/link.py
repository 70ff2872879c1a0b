"""WholeLink: a link of the controller, whose messages no Ctrl-C tears.

Python raises KeyboardInterrupt between any two steps of the main thread. In the middle of a write
that would leave half a message on the wire, or half a packet of SSH: the end of the connection.
"""

import _thread
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..core.link import Link

if TYPE_CHECKING:
    from ..core.wire import Message
    from ..types import Stream
    from .interrupts import Interrupts

__all__ = ["WholeLink"]


class WholeLink(Link):
    """A link that writes with `interrupts` held back, if it is the main thread that does."""

    def __init__(
        self,
        interrupts: "Interrupts",
        main_thread: int,
        peer_id: int,
        on_message: "Callable[[Link, Message], None]",
        on_end: "Callable[[Link, Exception], None]",
    ) -> None:
        super().__init__(peer_id, on_message, on_end)
        self._interrupts = interrupts
        self._main_thread = main_thread

    def _push(self, stream: "Stream", opening: bytes = b"") -> None:
        if _thread.get_ident() != self._main_thread or not self._interrupts.take():
            super()._push(stream, opening)
            return
        try:
            super()._push(stream, opening)
        finally:
            self._interrupts.give_back()
