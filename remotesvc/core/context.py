"""Context: one interpreter in the tree, and the handle on it."""

import functools
import importlib
import struct
import threading
import time

from .authority import CANCEL, SHUTDOWN
from .dead import exhume
from .errors import CallTimeout, DisconnectedError, Error, ProtocolError, RefusedError, again
from .lending import lent_authority, refuse_reference
from .reach import refuse_pickled_result
from .rebuild import rebuild
from .seconds import check_seconds
from .values import CONTEXT, encode
from .verbs import Verbs
from .visible import visible
from .wire import DEAD, ERROR, PLAIN, RAW

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, List, Optional, Sequence, Tuple

    from ..bootstrap.info import Info
    from ..types import Child, Home
    from .chain import Chain
    from .wire import Message

__all__ = ["Context", "open_context"]

# What a child answers to a hard CANCEL when it is going to end because of it.
YES = encode(True)

# How bytes begin that came in pieces, and so are longer than 64 KiB.
BYTES = b"\xc6"
SIZE = struct.Struct(">L")

# So much of the name of a function goes into a message for others to see.
NAME_LIMIT = 200


class Context(Verbs):
    """One interpreter; equal to every other handle of the same router on the same one.

    Threads may share it. Once its link has ended it raises DisconnectedError, with the reason,
    until somebody calls `reconnect()`. `generation` counts its interpreters, from 1 on.
    """

    def __init__(
        self,
        router: "Home",
        context_id: "int",
        name: "str",
        connection: "Optional[Child]" = None,
        takes_pickle: "bool" = False,
        auth: "Optional[int]" = None,
    ) -> "None":
        # On whose authority it is used: that of the message it came in, None for our own.
        self.auth = auth
        # Whether it was opened with results="pickle".
        self.takes_pickle = takes_pickle
        # How many threads its services shall have, until it was told.
        self.pool_size: "Optional[int]" = None
        Verbs.__init__(self, self)
        self.router = router
        self.id = context_id
        self.generation = 1
        # Opens it once more, for whoever opened it.
        self.reopen: "Optional[Callable[[Context], Context]]" = None
        # The chain that it was opened for, and for nothing else (connect/passage.py).
        self.passage: "Any" = None
        # What it was called first: it stays the same context.
        self._key = context_id
        self.name = name
        # By which connector it was opened, such as "ssh"; "" if it was not opened from here.
        self.kind = ""
        # When it was opened, or heard of first.
        self.since = time.monotonic()
        self._connection = connection
        self._callbacks: "List[Callable[[Exception], None]]" = []
        # Of a lent one: the context that the router tells what happens to it.
        self._original: "Optional[Context]" = None
        self._error: "Optional[Exception]" = None
        self._lost = threading.Event()
        self._reopening = threading.Lock()

    def __repr__(self) -> "str":
        return "<Context %d %s>" % (self.id, self.name)

    def __eq__(self, other: "object") -> "bool":
        if not isinstance(other, Context):
            return NotImplemented
        return self.router is other.router and self._key == other._key

    def __hash__(self) -> "int":
        return hash((id(self.router), self._key))

    def __wire__(self) -> "Tuple[int, Tuple[Any, ...]]":
        self.router.note_reference(self.id)
        return CONTEXT, (self.id, self.name)

    def __reduce__(self) -> "Any":
        restore = importlib.import_module("remotesvc.current").restore_context
        self.router.note_reference(self.id)
        return restore, (self.id, self.name)

    @property
    def info(self) -> "Info":
        """The facts of its HELLO; waits for it, raises the ConnectError that kept it away."""
        return self.wait_until_ready()

    @property
    def via(self) -> "Optional[Context]":
        """The context that it was opened in, None if that is this one, or not known here."""
        return getattr(self._connection, "via", None)

    def lent(self, auth: "Optional[int]") -> "Context":
        """Return the same context, to be used on the authority of another one."""
        if auth is None:
            return self
        copy = Context(self.router, self.id, self.name, self._connection, False, auth)
        copy._original = self._original or self
        copy._key = self._key
        copy.kind, copy.since = self.kind, self.since
        return copy

    @property
    def age(self) -> "float":
        """Seconds since it was opened, or, if that was not from here, since it is known."""
        return time.monotonic() - self.since

    @property
    def traffic(self) -> "Optional[Tuple[int, int]]":
        """The bytes sent to it and received, with those of what lies behind it.

        None for a context that is not at the other end of a link of this program's.
        """
        return None if self._connection is None else self._connection.traffic

    @property
    def children(self) -> "List[Context]":
        """The contexts that are known here to run in it, whoever had them started."""
        relay = self.router.switch.relay
        ids = [] if relay is None else relay.routes.children_of(self.id)
        found = [self.router.context(context_id) for context_id in ids]
        return [context for context in found if context is not None]

    def wait_until_ready(self, timeout: "Optional[float]" = None) -> "Info":
        """Wait for HELLO, bounded by the connect timeout, and return its facts.

        Raises CallTimeout when it did not come within `timeout` seconds.
        """
        if self._connection is None:
            raise DisconnectedError("context %s was not opened from here" % self.name)
        self.router.check_may_block()
        return self._connection.wait(timeout)

    @property
    def connected(self) -> "bool":
        """Whether its link stands, a HELLO that is still under way included."""
        return self._loss() is None

    def _loss(self) -> "Optional[Exception]":
        """Return what ended its link, None while it stands."""
        if self._connection is not None:
            return self._connection.link.error
        return (self._original or self)._error

    def check_connected(self) -> "None":
        """Raise what ended its link, once it has ended."""
        error = self._loss()
        if error is not None:
            raise again(error)

    @property
    def is_ready(self) -> "bool":
        """Whether its HELLO has come, so that it is known to be a child of ours."""
        return self._connection is None or self._connection.info is not None

    def options(
        self,
        timeout: "Optional[float]" = None,
        results: "Optional[str]" = None,
        holds_gil: "Optional[float]" = None,
    ) -> "Verbs":
        """Return the same verbs with options, which count for each call of them.

        timeout: seconds, then the call is cancelled and raises CallTimeout. results: "plain" or
        "pickle", which only a context takes that was opened with it. holds_gil: so many seconds
        the function may keep the interpreter over there from showing any sign of life.
        """
        return Verbs(self, timeout, results, holds_gil)

    def chain(self) -> "Chain":
        """Return verbs whose calls depend on each other: after a failure none is begun."""
        from .chain import Chain

        return Chain(self)

    def on_disconnect(self, callback: "Callable[[Context, Exception], None]") -> "None":
        """Call `callback(context, error)` once this context is lost; at once if it is.

        It runs on a thread of the router's that may block.
        """
        told = self._original or self
        told._callbacks.append(functools.partial(callback, self))
        if told._error is not None:
            told.lose(told._error)

    def reconnect(self) -> "None":
        """Open the context anew, as it was opened: the same host and options, a new interpreter.

        For one whose link has ended; Error while it stands, and for one that was not opened from
        here. What was running is lost, and was told so; services are not active, callbacks of
        `on_disconnect` have to be given again. Raises what keeps it from connecting; then it can
        be tried once more. What lies behind it has to be reconnected by itself.
        """
        if self.reopen is None:
            raise Error("%s was not opened from here: who did may reconnect it" % self.name)
        self.router.check_may_block()
        with self._reopening:
            if self.connected:
                raise Error("%s is connected: shutdown() or kill() ends it" % self.name)
            self._lost.wait()  # whoever waited for the last one is being told
            self.reopen(self)

    def detach(self, keep: "float" = 24 * 60 * 60) -> "str":
        """Let the child live on without us; return the name that `router.attach()` takes.

        Its memory and services stay; what runs goes on, and nobody hears of its end. It ends by
        itself when nobody was there for `keep` seconds, or by `shutdown()` of who attached it.
        Linux only; RefusedError for a child that has children, or started processes in a terminal
        of sudo's. This context is lost with it.
        """
        from .detach import detach

        name, refusal = self.call(detach, check_seconds("keep", keep))
        if refusal:
            raise RefusedError("%s: %s" % (self.name, refusal))
        connection = self._connection
        if connection is not None:
            connection.release("%s was detached, as %s" % (self.name, name))
        return name

    def renew(self, context_id: "int", connection: "Child") -> "None":
        """Become the handle on a new interpreter (for the router to call)."""
        self._lost.clear()
        self._error = None
        self.generation += 1
        self.id, self._connection = context_id, connection

    def lose(self, error: "Exception") -> "None":
        """Take the news that the link has ended (for the router to call)."""
        self._error = error
        if self._connection is not None:
            self._connection.note_loss(error)
        self._lost.set()
        while self._callbacks:
            callback = self._callbacks.pop(0)
            self.router.defer(functools.partial(callback, error))

    def raise_if_lost(self) -> "None":
        """Raise what ended the link, if it has ended."""
        error = self._loss()
        if error is not None:
            copy = again(error)
            raise copy from copy.__cause__

    def shutdown(self, timeout: "float" = 5.0) -> "None":
        """End the child: what runs there is interrupted; return when it is gone.

        Raises CallTimeout when it is still there after `timeout` seconds; `kill()` then.
        """
        connection = self._connection
        if connection is None or connection.link.error is not None:
            return
        self.router.switch.check_process()
        connection.farewell = "it was shut down from here"
        try:
            self.router.switch.send(self.id, SHUTDOWN, RAW, b"")
        except (DisconnectedError, RefusedError):
            pass  # it ended by itself at this very moment
        if not connection.stream.gone.wait(timeout):
            raise CallTimeout("%s did not end within %g s" % (self.name, timeout))

    def kill(self) -> "None":
        """Drop the link and kill what was started for it here: the child ends within seconds."""
        if self._connection is not None:
            self.router.switch.check_process()
            self._connection.link.end(DisconnectedError("%s was killed from here" % self.name))
            self._connection.stream.kill()

    def excuse(self, seconds: "float") -> "None":
        """Expect no sign of life of it for so long (for verbs)."""
        if self._connection is not None:
            self._connection.excuse(seconds)

    def cancel(self, handle: "int", name: "str", is_hard: "bool") -> "None":
        """Tell the child that nobody waits for a call any more (for verbs); never blocks."""
        switch = self.router.switch
        reply_to = switch.listen(_Farewell(self, name)) if is_hard else 0
        try:
            payload = encode((handle, is_hard, name[:NAME_LIMIT]))
            switch.send(self.id, CANCEL, PLAIN, payload, reply_to)
        except Error:
            switch.unlisten(reply_to)  # it is lost, and the call with it

    def open_reply(self, message: "Message", is_pickle_asked: "bool" = False) -> "Any":
        """Return the value of a reply, or raise what it stands for."""
        encoding = message.encoding
        if encoding == PLAIN:
            content = _bytes_in(getattr(message, "pieces", ()))
            return self.router.decode(message.payload, self.id) if content is None else content
        if encoding == ERROR:
            decoder = functools.partial(self.router.decode, src=self.id)
            raise rebuild(message.payload, self.name, decoder)
        if encoding == DEAD:
            raise exhume(message.payload, self.name)
        # The only link on the way, as long as all contexts are children of this one.
        refusal = refuse_pickled_result(encoding, is_pickle_asked, (self.takes_pickle,))
        if refusal is not None:
            raise ProtocolError("%s answered with %s" % (self.name, refusal))
        return self.router.load_pickle(message.payload, self.name)


def _bytes_in(pieces: "Sequence[memoryview]") -> "Optional[bytes]":
    """Return the bytes that a large value is, joined once; None if it is anything else.

    To join a payload and copy the bytes out of it takes the memory twice, and that is given back
    to the system after each result: half of the time that 1 MiB took.
    """
    if not pieces or pieces[0][:1] != BYTES:
        return None
    head = 1 + SIZE.size
    if SIZE.unpack_from(pieces[0], 1)[0] != sum(map(len, pieces)) - head:
        return None
    return b"".join((pieces[0][head:], *pieces[1:]))


def open_context(router: "Home", src: "int", auth: "int", fields: "Tuple[Any, ...]") -> "Context":
    """Return the Context in a message of `src`; ProtocolError if it is not its to give."""
    if tuple(map(type, fields)) != (int, str) or not 0 <= fields[0] < 1 << 32:
        raise ProtocolError("a context without id and name")
    context_id, name = fields
    switch = router.switch
    is_behind = switch.relay is not None and switch.relay.routes.is_behind(context_id, src)
    refusal = refuse_reference(context_id, src, switch.id, switch.parents, is_behind)
    if context_id == switch.id != src and src not in switch.parents:
        refusal = "a reference to this very context, which is not context %d's to give" % src
    known = router.context(context_id)
    if refusal is not None or known is None:
        raise ProtocolError(refusal or "a reference to context %d, unknown here" % context_id)
    if src in switch.parents:
        known.name = visible(name)[:NAME_LIMIT]  # ours for it is no better
    is_below = context_id in switch.routes
    lent = lent_authority(auth, switch.id, switch.parents, context_id, is_below)
    return known.lent(None if lent == switch.id else lent)


class _Farewell:
    """Waits for the answer to a hard cancel: whether it is why the child will end."""

    limit = 0

    def __init__(self, context: "Context", name: "str") -> "None":
        self.respondent = context.id
        self._connection = context._connection
        self._text = "cancel(hard=True) of %s ended it" % name

    def deliver(self, message: "Message") -> "None":
        """Take the answer."""
        is_yes = message.encoding == PLAIN and message.payload == YES
        if self._connection is not None and is_yes:
            self._connection.farewell = self._text

    def lose(self, error: "Exception") -> "None":
        """Take the news that the child is gone already."""
