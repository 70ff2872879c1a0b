#!/usr/bin/env python3
"""A hostile child: it takes the settings, says HELLO, and from then on does what it is told.

It speaks the protocol by hand. Tests start it as `router.local(python_path=...)` and tell it what
to do by calls of the functions below; the module named in the call is of no importance. Nothing
is answered unless the function says so.

    say(frames, count)   write these frames, `count` times over; see `_frame` for the blanks
    babble(data, count)  write bytes that need not be frames
    drip(frames)         write these frames byte by byte
    leave(data)          write bytes, and be gone
    ask(handle, payload) send a request, and return (encoding, payload) of the answer
    heard()              return (handle, encoding, payload) of what came beside calls and signs of
                         life
    settle()             return nothing: a call that ends when all that was said before is handled
    deafen()             read nothing any more
"""

import os
import signal
import sys
from typing import Any

from remotesvc.bootstrap.settings import MARKER, Settings
from remotesvc.core.authority import CALL_FUNCTION, HELLO, PING
from remotesvc.core.fragments import Reassembler, cut
from remotesvc.core.values import decode, encode
from remotesvc.core.wire import (
    FRAGMENT,
    FRAGMENT_SIZE,
    HEADER,
    PLAIN,
    VERSION,
    FrameDecoder,
    Message,
    encode_frame,
)

# Any handle that this child may have given out for a reply.
REPLY_HANDLE = 4711

# The variable in the environment of CONFIGURE that makes this child greet with other bytes, hex.
GREETING = "FAKE_CHILD_GREETING"


class FakeChild:
    """The link to the parent, by hand."""

    def __init__(self) -> None:
        self._skip(int(sys.argv[5]))  # the payload that a true child would run
        header = self._read(HEADER.size)
        configure = FrameDecoder().feed(header + self._read(HEADER.unpack(header)[-1]))[0]
        self.settings = Settings(*decode(configure.payload))
        self.own_id = self.settings.own_id
        self.parent = self._caller = self.settings.parents[0]
        self._decoder = FrameDecoder()
        self._reassembler = Reassembler(1 << 30)
        self._inbox: list[Message] = []
        self._heard: list[tuple[int, int, bytes]] = []

    def serve(self) -> None:
        """Greet, and do what is called for."""
        greeting = (self.settings.env or {}).get(GREETING)
        facts = (VERSION, (3, 11, 0), "/bin/fake", os.getpid(), "fake", "Fake-1", 0)
        payload = encode(facts) if greeting is None else bytes.fromhex(greeting)
        self._write(MARKER + self.settings.nonce)
        self._send(HELLO, 0, PLAIN, payload)
        while True:
            message = self._next()
            if message.handle == CALL_FUNCTION:
                _, name, args = decode(message.payload)[:3]
                self._caller = message.src
                getattr(self, name)(message.reply_to, *args)
            elif message.handle != PING:
                self._heard.append((message.handle, message.encoding, message.payload))

    def say(self, reply_to: int, frames: list[list[Any]], count: int = 1) -> None:
        """Write frames as they are."""
        data = b"".join(self._encode(reply_to, frame) for frame in frames)
        self.babble(reply_to, data, count)

    def babble(self, reply_to: int, data: bytes, count: int = 1) -> None:
        """Write bytes as they are, not much more than 1 MiB at a time."""
        batch = max(1, (1 << 20) // len(data))
        for start in range(0, count, batch):
            self._write(data * min(batch, count - start))

    def drip(self, reply_to: int, frames: list[list[Any]]) -> None:
        """Write frames one byte at a time."""
        data = b"".join(self._encode(reply_to, frame) for frame in frames)
        for byte in data:
            self._write(bytes((byte,)))

    def leave(self, reply_to: int, data: bytes) -> None:
        """Write bytes as they are, and end."""
        self._write(data)
        sys.exit(0)

    def ask(self, reply_to: int, handle: int, payload: bytes) -> None:
        """Send a request, and return what comes back."""
        self._send(handle, REPLY_HANDLE, PLAIN, payload)
        message = self._next()
        while message.handle != REPLY_HANDLE:
            message = self._next()
        self._answer(reply_to, (message.encoding, message.payload))

    def heard(self, reply_to: int) -> None:
        """Return what came so far."""
        self._answer(reply_to, self._heard)

    def settle(self, reply_to: int) -> None:
        """Return nothing."""
        self._answer(reply_to, None)

    def deafen(self, reply_to: int) -> None:
        """Stay, and read nothing any more."""
        signal.pause()

    def _encode(self, reply_to: int, frame: list[Any]) -> bytes:
        message = self._frame(reply_to, *frame)
        if len(message.payload) <= FRAGMENT_SIZE or message.encoding & FRAGMENT:
            return encode_frame(message)
        return b"".join(frame for frame, _ in cut(message, 1))

    def _frame(
        self,
        call: int,
        handle: int | None,
        encoding: int,
        payload: bytes,
        reply_to: int = 0,
        src: int | None = None,
        auth: int | None = None,
        dst: int | None = None,
    ) -> Message:
        """Return a frame; None stands for this child, for its parent, and for the call."""
        src = self.own_id if src is None else src
        return Message(
            self.parent if dst is None else dst,
            src,
            src if auth is None else auth,
            call if handle is None else handle,
            reply_to,
            encoding,
            payload,
        )

    def _answer(self, reply_to: int, value: Any) -> None:
        frame = self._frame(0, reply_to, PLAIN, encode(value), dst=self._caller)
        self._write(encode_frame(frame))

    def _send(self, handle: int, reply_to: int, encoding: int, payload: bytes) -> None:
        self._write(encode_frame(self._frame(0, handle, encoding, payload, reply_to)))

    def _next(self) -> Message:
        """Return the next whole message; end with the parent."""
        while not self._inbox:
            for message in self._decoder.feed(self._read_some(1 << 16)):
                whole = self._join(message)
                if whole is not None:
                    self._inbox.append(whole)
        return self._inbox.pop(0)

    def _join(self, message: Message) -> Message | None:
        return self._reassembler.add(message) if message.encoding & FRAGMENT else message

    def _read(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            data += self._read_some(size - len(data))
        return data

    def _skip(self, size: int) -> None:
        self._read(size)

    def _read_some(self, size: int) -> bytes:
        data = os.read(0, size)
        if not data:
            sys.exit(0)
        return data

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(1, view) :]


if __name__ == "__main__":
    FakeChild().serve()
