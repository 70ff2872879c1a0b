"""Protocols and aliases for type checkers; never imported at run time.

The seams of the house: what a room below asks of one above, without knowing it.
"""

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from .bootstrap.info import Info
    from .channel.streams import Streams
    from .connect.base import Connection
    from .core.context import Context
    from .core.link import Link
    from .core.loop import Loop
    from .core.switch import Switch
    from .service.pool import Pool

__all__ = [
    "AnyRouter",
    "Child",
    "Home",
    "Opener",
    "Outgoing",
    "ProcessLike",
    "ServiceRouter",
    "Station",
    "Stream",
]


class Stream(Protocol):
    """A byte stream, as core/link.py describes it."""

    on_bytes: Callable[[bytes], None]
    on_end: Callable[[str], None]
    pull: Callable[[], bytes]

    def start(self) -> None:
        """Begin to read."""

    def write(self, data: bytes) -> bool:
        """Write without blocking; True if all is written."""

    def close(self) -> None:
        """Drop everything."""


class ProcessLike(Stream, Protocol):
    """The stream of a program that was started for us, here or over there."""

    gone: threading.Event

    @property
    def stderr(self) -> str:
        """The end of what it said beside its output."""

    @property
    def exit_status(self) -> int | None:
        """Its exit status, negative for a signal; None until it is known."""

    def kill(self) -> None:
        """End the program now."""


class Closable(Protocol):
    """Something that is held for as long as a process runs."""

    def close(self) -> None:
        """Give it back; from any thread, and twice is fine."""


class Child(Protocol):
    """A child as its parent's handle sees it (connect/base.py)."""

    info: "Info | None"
    farewell: str
    link: "Link"
    stream: ProcessLike

    def wait(self) -> "Info":
        """Return the facts of HELLO, or raise what kept it away."""


class Connector(Protocol):
    """The module of a connector: how one kind of context is opened."""

    connect: "Callable[..., Connection]"


class Outgoing(Protocol):
    """Turns a call into bytes, having sent ahead what it needs (controller/outgoing.py)."""

    def encode_call(
        self,
        context: "Context",
        fn: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        options: dict[str, Any],
    ) -> tuple[int, bytes]:
        """Return (encoding, payload)."""

    def encode_service(self, context: "Context", fn: Any, kwargs: dict[str, Any]) -> bytes:
        """Return the encoded arguments of a call of a service."""

    def push(self, context_id: int, names: Sequence[str]) -> None:
        """Send parts of remotesvc ahead that a call needs."""


class Home(Protocol):
    """What a context asks of its router: a Router, or a child's Branch."""

    switch: "Switch"
    loop: "Loop"

    def defer(self, job: Callable[[], None]) -> None:
        """Run job() on a thread that may block."""

    def settle_output(self, context_id: int) -> None:
        """Wait until all that a context printed and logged so far has been shown."""

    @property
    def streams(self) -> "Streams":
        """What its Senders and Receivers share."""

    def name_of(self, context_id: int) -> str:
        """Return our own name for a context."""

    def decode(self, payload: bytes, src: int, auth: int | None = None) -> Any:
        """Return the value that context `src` sent on the authority of `auth`, or its own."""

    @property
    def outgoing(self) -> Outgoing:
        """The part that encodes calls."""

    def load_pickle(self, payload: bytes, where: str) -> Any:
        """Return the value of a pickled result."""

    def context(self, context_id: int) -> "Context | None":
        """Return the handle on a context, None if there is none."""

    def note_reference(self, context_id: int) -> None:
        """Note that a Context is being encoded on this thread."""

    def check_may_block(self) -> None:
        """Raise RuntimeError on the I/O thread."""


class Opener(Home, Protocol):
    """What a connection asks of the router that opens it."""

    heartbeat: float
    heartbeat_misses: int
    grace: float
    output_window: int
    log_level: Callable[[int], int]


class Station(Protocol):
    """What streams ask of the router at their end: a Router, or a child's Branch (branch.py)."""

    switch: "Switch"
    loop: "Loop"

    @property
    def streams(self) -> "Streams":
        """What its Senders and Receivers share."""

    def name_of(self, context_id: int) -> str:
        """Return our own name for a context."""

    def check_may_block(self) -> None:
        """Raise RuntimeError on the I/O thread."""

    def decode(self, payload: bytes, src: int, auth: int) -> Any:
        """Return the value that context `src` sent on the authority of `auth`."""


class ServiceRouter(Station, Protocol):
    """What services ask of their router, in addition."""

    grace: float
    pool: "Pool | None"

    def settle(self) -> None:
        """Have what a method printed, logged and sent leave before its reply does."""


class AnyRouter(ServiceRouter, Protocol):
    """What `current_router()` returns, wherever it is called."""

    @property
    def myself(self) -> "Context":
        """The context that this process is."""

    @property
    def parent(self) -> "Context":
        """The context that started this one."""

    @property
    def controller(self) -> "Context":
        """The root of the tree."""

    def context(self, context_id: int) -> "Context | None":
        """Return the handle on a context, None if there is none."""
