"""Offers: what methods that yield have returned, until their callers begin to read.

A method that yields is answered with a raw number. Who wants the values calls `open_stream` of the
catalog with that number and a Sender; only then the method begins to run, on a thread of the pool,
as fast as its values are read. Nobody else can: a number counts for the context that was told it.
"""

import itertools
import struct
import threading

from ..core.errors import DisconnectedError, Error, MessageTooLarge, ValueNotSupported

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Generator, List, Optional, Set, Tuple

    from ..channel.sender import Sender
    from .call import Call

__all__ = ["NUMBER", "Offers", "Undone", "pump"]

# What the answer to a call of a method that yields holds.
NUMBER = struct.Struct(">I")

# So many of one context may wait to be read; the oldest is closed then. Each counts to the calls
# and bytes of its context, too, until it was read to its end.
OFFERS_LIMIT = 64


class Undone(Error):
    """A stream that cannot be opened, or a value that cannot travel: told without a traceback."""

    def __init__(self, code: "str", text: "str") -> "None":
        Error.__init__(self, text)
        self.code = code


class Offers:
    """The table of generators that nobody reads yet, by context and number."""

    def __init__(self) -> "None":
        self._numbers = itertools.count(1)
        self._offers: "Dict[int, Dict[int, Tuple[Generator[Any, None, Any], Call]]]" = {}
        self._lock = threading.Lock()

    def add(self, call: "Call", generator: "Generator[Any, None, Any]") -> "bytes":
        """Keep a generator for the context that called; return what it is told."""
        number = next(self._numbers) % (1 << 32)
        oldest = None
        with self._lock:
            offers = self._offers.setdefault(call.src, {})
            if len(offers) >= OFFERS_LIMIT:
                oldest = offers.pop(next(iter(offers)))
            offers[number] = (generator, call)
            call.is_offered = True
        payload = NUMBER.pack(number)
        call.wake = lambda: self.withdraw(call, payload)
        if oldest is not None:
            _drop(*oldest)
        return payload

    def take(self, src: "int", number: "int") -> "Tuple[Generator[Any, None, Any], Call]":
        """Return what a context was told to be this number; Undone if there is none.

        Its call is offered until the one that takes it is over.
        """
        with self._lock:
            offer = self._offers.get(src, {}).pop(number, None)
        if offer is None:
            raise Undone("refused", "there is no stream %d, or it was opened already" % number)
        offer[1].wake = None
        return offer

    def call_of(self, src: "int", number: "int") -> "Optional[Call]":
        """Return the call that this number stands for."""
        with self._lock:
            offer = self._offers.get(src, {}).get(number)
        return None if offer is None else offer[1]

    def withdraw(self, call: "Call", payload: "bytes") -> "None":
        """Take back what nobody waits for."""
        with self._lock:
            offer = self._offers.get(call.src, {}).pop(NUMBER.unpack(payload)[0], None)
        if offer is not None:
            _drop(*offer)

    def lose(self, ids: "Set[int]") -> "None":
        """Drop what lost contexts would have read."""
        with self._lock:
            lost: "List[Any]" = [self._offers.pop(src) for src in ids if src in self._offers]
        for offers in lost:
            for offer in offers.values():
                _drop(*offer)


def _drop(generator: "Generator[Any, None, Any]", call: "Call") -> "None":
    """Close what will not be read; it never began, so nothing of it runs."""
    generator.close()
    call.is_offered = False
    call.release()


def pump(
    generator: "Generator[Any, None, Any]",
    sender: "Sender",
    lay_open: "Callable[[], None]",
    shelter: "Callable[[], None]",
) -> "Any":
    """Send what a generator yields; return what it returns, raise what it raises.

    When nobody reads any more it is closed, so that its `finally` blocks run. What is between
    lay_open() and shelter() is code of the user's, which a cancel may interrupt: but once, and not
    while it is being closed.
    """
    try:
        while True:
            try:
                lay_open()
                value = next(generator)
            except StopIteration as end:
                return end.value
            finally:
                shelter()
            try:
                sender.send(value)
            except DisconnectedError:
                return None
            except ValueNotSupported as error:
                raise Undone("value", str(error)) from None
            except MessageTooLarge as error:
                raise Undone("size", str(error)) from None
    finally:
        generator.close()
        sender.close()
