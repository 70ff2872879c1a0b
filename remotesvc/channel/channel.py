"""Channel: a stream in both directions, each with a window of its own.

One end is made, and passed to another context: it arrives there as the other end, which sends the
Sender to its own Receiver back, before anything else. A Channel from a parent does that at once,
one from below when it is first used: so a child that sends a great many has us make nothing.
"""

import threading
import time

from ..core.budget import Unfit
from ..core.errors import DisconnectedError, Error, ProtocolError
from ..core.lending import refuse_channel
from ..core.seconds import check_seconds
from ..core.values import SENDER
from .frames import DEFAULT_WINDOW
from .receiver import EndOfStream, Receiver, late
from .sender import Sender
from .turn import Turn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any, AsyncIterator, Callable, Iterator, Optional, Tuple, Type

    from ..types import Station

__all__ = ["Channel"]

ENDED = "the other end of this channel is closed"


class _End(Receiver):
    """The reading half of a channel: it hears one context only, the first."""

    is_single = True


class Channel:
    """Sends to and receives from the other end, which is another context's; a context manager.

    window: bytes that may be under way and unread, in each direction. It is passed on once, to
    one context: as an argument of a call, or in a value that is sent. Threads may share it.
    """

    def __init__(
        self,
        router: "Station",
        window: "int" = DEFAULT_WINDOW,
        sender: "Optional[Sender]" = None,
    ) -> "None":
        self._router = router
        self._window = window
        # Of one that arrived: the way to the other end, which does not know the way to this one.
        self._arrived = sender
        self._receiver: "Optional[_End]" = None if sender else _End(router, window)
        self._sender: "Optional[Sender]" = None
        self._is_closed = False
        self._meeting = threading.RLock()

    def __wire__(self) -> "Tuple[int, Tuple[Any, ...]]":
        return SENDER, self._fields()

    def __reduce__(self) -> "Tuple[Any, ...]":
        from ..current import restore_sender

        return restore_sender, self._fields()

    def _fields(self) -> "Tuple[Any, ...]":
        """Return those of the Sender to here, and the mark that this is a channel."""
        if self._receiver is None or self._arrived is not None or self._is_closed:
            raise Unfit("is a channel with two ends already, or closed: make another one")
        return (*self._receiver.sender.fields(self), True)

    # -- how the ends meet -----------------------------------------------------------------------

    def meet(self, timeout: "Optional[float]" = None) -> "Sender":
        """Wait until the other end is there, and return the Sender to it.

        Raises CallTimeout, or what get() would raise. What is sent or received first does this.
        """
        if self._sender is not None:
            return self._sender
        self._router.check_may_block()
        timeout = check_seconds("timeout", timeout)
        limit = None if timeout is None else time.monotonic() + timeout
        with Turn(self._meeting, timeout, lambda: late(timeout)):
            self._check_open()
            if self._sender is None:
                if self._arrived is not None:
                    self._answer(self._arrived)
                else:
                    left = None if limit is None else max(0.0, limit - time.monotonic())
                    self._greet(self.receiver.get(left))
            return self._sender  # type: ignore[return-value]  # one of the two has set it

    def _answer(self, sender: "Sender") -> "None":
        """Make the reading half here, and send the Sender to it as the first value.

        Never waits for credit: nobody else has that way, so its window is whole.
        """
        sender.claim()
        receiver = self._receiver or _End(self._router, self._window)
        self._receiver = receiver
        self._attach(sender)
        sender.send(receiver.sender, 0.0)
        self._sender = sender

    def _greet(self, first: "Any") -> "None":
        """Take the first value, which is the way to the other end."""
        refusal = self._refuse(first)
        if refusal is not None:
            self.close()
            raise ProtocolError(refusal)
        self._attach(first)
        self._sender = first

    def _refuse(self, first: "Any") -> "Optional[str]":
        """Judge the first value: it leads to who sent it, who is the only one that writes."""
        if type(first) is not Sender:
            return "the other end of a channel began without giving its sender"
        only = self.receiver.only
        own_id = self._router.switch.id
        return None if only is None else refuse_channel(first.place[0], only, own_id)

    def _attach(self, sender: "Sender") -> "None":
        """Have the reading half end with the writing one: the other end closes both."""
        receiver, outlet = self.receiver, sender.outlet()

        def end() -> "None":
            error = outlet.lost or DisconnectedError(ENDED)
            receiver.lose_writers({outlet.respondent}, error)

        outlet.on_end = end
        if outlet.has_ended:
            end()

    @property
    def receiver(self) -> "Receiver":
        """The reading half; what comes by it first is for meet()."""
        if self._receiver is None:
            self.meet()
        return self._receiver  # type: ignore[return-value]  # now it is there

    def _check_open(self) -> "None":
        if self._is_closed:
            raise Error("this channel is closed")

    # -- what users do ---------------------------------------------------------------------------

    def send(self, value: "Any", timeout: "Optional[float]" = None) -> "None":
        """Send a value to the other end, as Sender.send() does; first wait until it is there."""
        sender = self._sender
        if sender is None:
            limit = None if timeout is None else time.monotonic() + timeout
            try:
                sender = self.meet(timeout)
            except EndOfStream:
                raise DisconnectedError(ENDED) from None
            timeout = None if limit is None else max(0.0, limit - time.monotonic())
        sender.send(value, timeout)

    def get(self, timeout: "Optional[float]" = None) -> "Any":
        """Return the next value from the other end, as Receiver.get() does."""
        if self._sender is None:
            limit = None if timeout is None else time.monotonic() + timeout
            self.meet(timeout)
            timeout = None if limit is None else max(0.0, limit - time.monotonic())
        return self.receiver.get(timeout)

    def __iter__(self) -> "Iterator[Any]":
        try:
            self.meet()
        except EndOfStream:
            return
        yield from self.receiver

    async def aget(self, timeout: "Optional[float]" = None) -> "Any":
        """Do what get() does in an asyncio program."""
        from .awaiting import take

        return (await take(self, check_seconds("timeout", timeout)))[0]

    async def __aiter__(self) -> "AsyncIterator[Any]":
        while True:
            try:
                value = await self.aget()
            except EndOfStream:
                return
            yield value

    def end(self, error: "Optional[BaseException]" = None) -> "None":
        """Tell the other end that no more will come from here, and go on receiving."""
        self.meet().close(error)

    def close(self, error: "Optional[BaseException]" = None) -> "None":
        """Close both directions; the other end is told, and why if it went wrong. Never waits."""
        if self._is_closed:
            return
        self._is_closed = True
        sender = self._sender or self._arrived
        receiver = self._receiver
        if sender is None and receiver is not None and not receiver.has_ended:
            # The other end may have come, and nobody has looked.
            try:
                found = receiver.poll()
            except Error:
                found = None
            if found is not None and self._refuse(found[0]) is None:
                sender = found[0]
        if sender is not None:
            sender.close(error)
        if receiver is not None:
            receiver.close()

    def __enter__(self) -> "Channel":
        return self

    def __exit__(
        self,
        kind: "Optional[Type[BaseException]]",
        error: "Optional[BaseException]",
        traceback: "Optional[TracebackType]",
    ) -> "None":
        self.close(error)

    # -- for Select, and for awaiting ------------------------------------------------------------

    def poll(self) -> "Optional[Tuple[Any]]":
        """Return the next value as a tuple of one, None if there is none yet; raise as get()."""
        if self._sender is None:
            self._check_open()
            if self._arrived is not None:
                self.meet()
            else:
                first = self.receiver.poll()
                if first is None:
                    return None
                self._greet(first[0])
        return self.receiver.poll()

    @property
    def has_ended(self) -> "bool":
        """Whether get() would do nothing but say once more how it ended."""
        return self._is_closed or (self._receiver is not None and self._receiver.has_ended)

    def watch(self, watcher: "Callable[[], None]") -> "None":
        """Call watcher() whenever there may be something to take, on any thread; now, too."""
        self.receiver.watch(watcher)

    def unwatch(self, watcher: "Callable[[], None]") -> "None":
        """Stop that."""
        self.receiver.unwatch(watcher)

    def flush(self) -> "None":
        """Send what waits for others, and check that this thread may wait."""
        self.receiver.flush()
