"""Sender: the writing end of a stream as its users see it; a value that travels.

What a Sender that came in a message may be used for is decided in core/lending.py; this file
checks the fields of one, and knows their order.
"""

from ..core.authority import FIRST_DYNAMIC
from ..core.errors import CallTimeout, Error, ProtocolError, ValueNotSupported
from ..core.lending import lent_authority, refuse_channel, refuse_reference
from ..core.seconds import check_seconds
from ..core.values import SENDER, encode
from .batch import SHORT, Encoded, weigh
from .frames import BYTES, MAX_WINDOW, TOKEN_SIZE, VALUE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any, Optional, Tuple, Type, Union

    from ..types import Station
    from .channel import Channel
    from .gathering import Gathering
    from .outlet import Outlet
    from .streams import Lent

__all__ = ["Sender", "open_sender"]

# Characters of what ended a stream, type and text: all of it is in the outcome of the call. At
# four bytes each they fit into an END.
NAME_LIMIT = 100
TEXT_LIMIT = 400

# What the short way of send() takes besides whole numbers, and those.
_SIMPLE = frozenset((float, bool, type(None)))
_LEAST, _OVER = -(1 << 63), 1 << 64


class Sender:
    """Sends values to one Receiver, wherever that is; made by it, as `receiver.sender`.

    It goes as an argument of a call, or inside of one; threads may share it. Values of one
    process arrive in the order in which they were sent. A context manager: at its end the
    Receiver is told that no more will come, or what went wrong.
    """

    def __init__(
        self,
        router: "Station",
        context_id: "int",
        handle: "int",
        token: "bytes",
        window: "int",
        auth: "Optional[int]" = None,
    ) -> "None":
        self._router = router
        self._address = (context_id, handle, token)
        self._window = window
        self._auth = router.switch.id if auth is None else auth
        self._outlet: "Optional[Outlet]" = None
        # Where numbers go without further ado.
        self._gathering: "Optional[Gathering]" = None
        self._is_closed = False

    def __repr__(self) -> "str":
        return "<Sender to context %d, handle %d>" % self._address[:2]

    def __wire__(self) -> "Tuple[int, Tuple[Any, ...]]":
        return SENDER, self.fields(self)

    def __reduce__(self) -> "Tuple[Any, ...]":
        from ..current import restore_sender

        return restore_sender, self.fields(self)

    def fields(self, lent: "Union[Sender, Channel]") -> "Tuple[Any, ...]":
        """Return what travels, having noted that `lent` does: this, or the Channel it is for."""
        self._router.streams.note(*self.place, sender=lent)
        return (*self._address, self._window)

    @property
    def place(self) -> "Tuple[int, int]":
        """Context and handle of the Receiver."""
        return self._address[:2]

    def send(self, value: "Any", timeout: "Optional[float]" = None) -> "None":
        """Send a plain value; bytes go as they are, without a copy in between.

        Returns when it is on its way; small values leave together, within about a millisecond.
        Blocks while the receiver has its window unread. Raises CallTimeout after `timeout`
        seconds of that; MessageTooLarge for what does not fit into the window;
        ValueNotSupported; DisconnectedError when the receiver is closed or lost. Not on the I/O
        thread.
        """
        gathering = self._gathering
        kind = type(value)
        if (
            gathering is not None
            and timeout is None
            and ((kind is int and _LEAST <= value < _OVER) or kind in _SIMPLE)
            and len(gathering.run) < gathering.room
        ):
            # As few steps as possible: a million of these take less than a second.
            gathering.run.append(value)
            if not gathering.is_timed:
                gathering.begin()
        else:
            self._send(value, timeout)

    def try_send(self, value: "Any") -> "bool":
        """Send a value if there is room for it now; tell whether it was sent. Never waits."""
        try:
            self.send(value) if self._fits(value) else self._send(value, 0.0)
        except CallTimeout:
            return False
        return True

    def _fits(self, value: "Any") -> "bool":
        """Tell whether a value is one that send() only appends, and there is room for it."""
        gathering, kind = self._gathering, type(value)
        if gathering is None or len(gathering.run) >= gathering.room:
            return False
        return (kind is int and _LEAST <= value < _OVER) or kind in _SIMPLE

    def _send(self, value: "Any", timeout: "Optional[float]") -> "None":
        self._router.check_may_block()
        timeout = check_seconds("timeout", timeout)
        if self._is_closed:
            raise Error("this sender is closed")
        outlet = self.outlet()
        outlet.check()
        weight = weigh(value) if self._gathering is not None else 0
        if weight:
            outlet.gather(value, weight, timeout)
        elif type(value) is bytes:
            outlet.put(BYTES, value, self._auth, timeout)
        else:
            self._send_encoded(outlet, value, timeout)

    def _send_encoded(self, outlet: "Outlet", value: "Any", timeout: "Optional[float]") -> "None":
        """Encode a value at once, for it may change; what lends a Sender goes alone."""
        streams = self._router.streams
        data: "Optional[bytes]" = None
        if self._gathering is not None:
            try:
                # As deep as it is to stand in a batch.
                data, lent = streams.collect(encode, value, "value", 1)
            except ValueNotSupported:
                data = None  # too deep for that, or it says why once more
        if data is None:
            data, lent = streams.collect(encode, value, "value")
        elif len(data) <= SHORT and not lent:
            data = Encoded(data)
            outlet.gather(data, weigh(data), timeout)
            return
        streams.expect(lent, outlet.respondent)
        if lent:
            self._put_lent(outlet, data, timeout, lent)
        else:
            outlet.put(VALUE, data, self._auth, timeout)

    def _put_lent(
        self, outlet: "Outlet", data: "bytes", timeout: "Optional[float]", lent: "Lent"
    ) -> "None":
        try:
            outlet.put(VALUE, data, self._auth, timeout)
        except Exception:
            self._router.streams.take_back(lent, outlet.respondent)
            raise

    def outlet(self) -> "Outlet":
        """Return the writing end, made when it is first needed."""
        return self._outlet or self._open()

    def close(self, error: "Optional[BaseException]" = None) -> "None":
        """Tell the receiver that this sender sends no more, and why if it went wrong.

        Never blocks, and raises nothing: whether somebody still reads is no matter.
        """
        if self._is_closed:
            return
        self._is_closed = True
        self._gathering = None
        reason = None if error is None else _describe(error)
        try:
            outlet = self.outlet()
        except Error:
            return  # to a context of which too many are open: it is its own loss
        outlet.put_end(encode(reason), self._auth)
        self._router.streams.release(outlet, self)

    def claim(self) -> "Outlet":
        """Return the writing end, which nobody else has or gets: that of a channel.

        So all of its window is left. ProtocolError if somebody has it.
        """
        return self._outlet or self._open(True)

    def _open(self, is_sole: "bool" = False) -> "Outlet":
        streams = self._router.streams
        context_id, handle = self.place
        if context_id == self._router.switch.id:
            streams.expect(((context_id, handle),), context_id)
        outlet = self._outlet = streams.outlet(
            self._address, self._window, self._auth, self, is_sole
        )
        if outlet.is_gathering and outlet.auth == self._auth:
            self._gathering = outlet.gathering
        return outlet

    def __enter__(self) -> "Sender":
        return self

    def __exit__(
        self,
        kind: "Optional[Type[BaseException]]",
        error: "Optional[BaseException]",
        traceback: "Optional[TracebackType]",
    ) -> "None":
        self.close(error)


def open_sender(
    router: "Station", src: "int", auth: "int", fields: "Tuple[Any, ...]"
) -> "Union[Sender, Channel]":
    """Return the Sender that came in a message of `src`; ProtocolError if it is not its to give.

    Nothing is noted anywhere until something is sent through it. With the mark of a channel it
    is the other end of that.
    """
    is_channel = len(fields) == 5 and fields[4] is True
    if tuple(map(type, fields[:4] if is_channel else fields)) != (int, int, bytes, int):
        raise ProtocolError("a sender without context, handle, token and window")
    context_id, handle, token, window = fields[:4]
    # Made now, if not before: calls note from then on to whom they give what came here.
    switch, streams = router.switch, router.streams
    is_behind = switch.relay is not None and switch.relay.routes.is_behind(context_id, src)
    refusal = refuse_reference(context_id, src, switch.id, switch.parents, is_behind)
    if is_channel and refusal is None:
        refusal = refuse_channel(context_id, src, switch.id)
    if refusal is not None:
        raise ProtocolError(refusal)
    is_handle = FIRST_DYNAMIC <= handle < 1 << 32
    if not is_handle or len(token) != TOKEN_SIZE or not 1 <= window <= MAX_WINDOW:
        raise ProtocolError(
            "a sender to handle %d with a token of %d bytes and a window of %d"
            % (handle, len(token), window)
        )
    if context_id == switch.id and not streams.is_ours(handle, token, window):
        # Else whoever guesses a handle has us write to what is not a stream, or not his.
        raise ProtocolError("a sender to handle %d, where no receiver of ours gave it" % handle)
    is_below = context_id in switch.routes
    lent = lent_authority(auth, switch.id, switch.parents, context_id, is_below)
    sender = Sender(router, context_id, handle, token, window, lent)
    return _open_channel(router, src, sender, window) if is_channel else sender


def _open_channel(router: "Station", src: "int", sender: "Sender", window: "int") -> "Channel":
    from .channel import Channel

    channel = Channel(router, window, sender)
    if src in router.switch.parents:
        try:
            channel.meet()
        except (Error, RuntimeError):
            return channel  # what is wrong is raised to whoever uses it; or this is the I/O thread
    return channel


def _describe(error: "BaseException") -> "Tuple[str, str]":
    kind = type(error)
    name = kind.__qualname__
    if kind.__module__ != "builtins":
        name = "%s.%s" % (kind.__module__, name)
    try:
        text = str(error)
    except Exception as failure:  # noqa: BLE001 user code
        text = "(its text is not known: str() failed with %s)" % type(failure).__name__
    return name[:NAME_LIMIT], text[:TEXT_LIMIT]
