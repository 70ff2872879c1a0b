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
    from .connect.hop import Hop
    from .core.borrower import Awaited
    from .core.context import Context
    from .core.link import Link
    from .core.loop import Loop
    from .core.switch import Switch
    from .core.wire import Message
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

    def release(self, child_pid: int) -> None:
        """Let a child of this process id live on that was detached."""

    def kill(self) -> None:
        """End the program now."""


class Ending(Protocol):
    """A link, or what stands for one that is elsewhere, as far as its end goes."""

    peer_id: int
    error: Exception | None

    def end(self, error: Exception) -> None:
        """End it for a reason."""


class Program(Protocol):
    """What was started for a child, here or elsewhere."""

    gone: threading.Event

    def kill(self) -> None:
        """End it now."""

    def close(self) -> None:
        """Let it end."""


class Closable(Protocol):
    """Something that is held for as long as a process runs."""

    def close(self) -> None:
        """Give it back; from any thread, and twice is fine."""


class Child(Protocol):
    """A child as its parent's handle sees it (connect/base.py)."""

    info: "Info | None"
    farewell: str

    @property
    def traffic(self) -> tuple[int, int] | None:
        """The bytes sent to it and received so far; None where that is not known here."""

    @property
    def link(self) -> Ending:
        """The link to it."""

    @property
    def stream(self) -> Program:
        """What was started for it."""

    def excuse(self, seconds: float) -> None:
        """Expect no sign of life of it for so long."""

    def release(self, reason: str) -> None:
        """Let a child go that was detached: it lives on."""

    def note_loss(self, error: Exception) -> None:
        """Take the news that it is lost."""

    def wait(self, timeout: "float | None" = None) -> "Info":
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

    def pending(self, respondent: int) -> "Awaited":
        """Return a wait for a reply of a context."""

    def wait(self, pending: "Awaited", timeout: float | None) -> "Message":
        """Return what `pending.wait(timeout)` does."""

    def check_may_block(self) -> None:
        """Raise RuntimeError on the I/O thread."""


class Opener(Protocol):
    """What a connection asks of the router that opens it."""

    switch: "Switch"
    loop: "Loop"
    heartbeat: float
    heartbeat_misses: int
    grace: float
    output_window: int

    def make_link(
        self,
        peer_id: int,
        on_message: Callable[["Link", "Message"], None],
        on_end: Callable[["Link", Exception], None],
        /,
    ) -> "Link":
        """Return a link to a context that is to be opened."""

    def log_level(self, context_id: int, /) -> int:
        """Return the level from which on records of a context are wanted."""

    def defer(self, job: Callable[[], None]) -> None:
        """Run job() on a thread that may block."""


class HopRouter(Opener, Protocol):
    """What a hop asks of the router that has it opened."""

    def add_hop(self, context_id: int, via_id: int) -> None:
        """Make the way to a context that is going to be opened in another one."""

    def lose_hop(self, context_id: int, error: Exception) -> None:
        """Drop it, and tell those whom it concerns."""

    def push_connector(self, via_id: int, module: str) -> None:
        """Send ahead what a context needs to open another one."""


class OpeningRouter(HopRouter, Protocol):
    """What opens contexts for a router: that itself, or the part of a child that does."""

    @property
    def on_step(self) -> Callable[[int, str, float, str], None] | None:
        """Who wants to know what is done and found: on_step(context_id, phase, elapsed, text)."""

    @property
    def home(self) -> Home:
        """The router that its contexts belong to."""

    def announce(self, connection: "Connection | Hop") -> None:
        """Tell the parent of a context that is going to be opened from here."""


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

    @property
    def contexts(self) -> "list[Context]":
        """The contexts that were opened from here."""

    def context(self, context_id: int) -> "Context | None":
        """Return the handle on a context, None if there is none."""

    # -- opening contexts; connect/ways.py has the options ----------------------------------------

    def attach(self, address: str, **opts: Any) -> "Context":
        """As Router.attach()."""

    def chroot(self, root: str, **opts: Any) -> "Context":
        """As Router.chroot()."""

    def connect(self, spec: str, **opts: Any) -> "Context":
        """As Router.connect()."""

    def docker(self, container: str, **opts: Any) -> "Context":
        """As Router.docker()."""

    def doas(self, username: str = "root", **opts: Any) -> "Context":
        """As Router.doas()."""

    def exec(self, template: Sequence[str], **opts: Any) -> "Context":
        """As Router.exec()."""

    def kubectl(self, pod: str, **opts: Any) -> "Context":
        """As Router.kubectl()."""

    def local(self, **opts: Any) -> "Context":
        """As Router.local()."""

    def lxc(self, instance: str, **opts: Any) -> "Context":
        """As Router.lxc()."""

    def nspawn(self, machine: str, **opts: Any) -> "Context":
        """As Router.nspawn()."""

    def open(self, kind: str, **opts: Any) -> "Context":
        """As Router.open()."""

    def podman(self, container: str, **opts: Any) -> "Context":
        """As Router.podman()."""

    def ssh(self, host: str, **opts: Any) -> "Context":
        """As Router.ssh()."""

    def su(self, username: str = "root", **opts: Any) -> "Context":
        """As Router.su()."""

    def sudo(self, username: str = "root", **opts: Any) -> "Context":
        """As Router.sudo()."""
