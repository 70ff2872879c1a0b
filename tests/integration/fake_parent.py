"""A parent that speaks the protocol by hand: it starts a true child, and says what the test says.

Whatever it said, `with` sees the child off, and fails when anything of it is left.
"""

import os
import subprocess
import sys
from types import TracebackType
from typing import Any

from remotesvc.bootstrap.command import interpreter_argv
from remotesvc.bootstrap.payload import build
from remotesvc.bootstrap.settings import MARKER, Settings
from remotesvc.core.authority import CALL_FUNCTION, CONFIGURE, GET_MODULE, PING
from remotesvc.core.dead import bury
from remotesvc.core.values import encode
from remotesvc.core.wire import DEAD, PLAIN, FrameDecoder, Message, encode_frame

__all__ = ["CHILD", "DEADLINE", "NONCE", "OWN", "FakeParent", "settings"]

NONCE = bytes(range(16))

OWN, CHILD = 0, 5

# A child that is to end takes 2 s for `finally` blocks at most.
DEADLINE = 20.0

# Handles of ours, for replies.
FIRST_REPLY = 1000


def settings(**changed: Any) -> bytes:
    """Return the payload of a good CONFIGURE, but for the fields that are given."""
    fields: dict[str, Any] = {
        "nonce": NONCE,
        "own_id": CHILD,
        "parents": (OWN,),
        "max_message_size": 1 << 24,
        "siblings": False,
        "window": 1 << 18,
        "heartbeat": 15,
        "heartbeat_misses": 3,
        "grace": 5,
        "log_level": 30,
        "env": None,
        "cwd": None,
    }
    fields.update(changed)
    return encode(tuple(fields[name] for name in Settings.__slots__))


class FakeParent:
    """The link to one child, by hand; the payload has been sent already."""

    def __init__(self, payload: bytes | None = None) -> None:
        sent = build() if payload is None else payload
        environment = {**os.environ}
        environment.pop("PYTHONUNBUFFERED", None)
        self.process = subprocess.Popen(
            interpreter_argv(sys.executable, len(sent)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            env=environment,
            start_new_session=True,
        )
        self._decoder = FrameDecoder()
        self._heard: list[Message] = []
        self._replies = FIRST_REPLY
        self.write(sent)

    def write(self, data: bytes) -> None:
        """Write bytes as they are; what a child that is gone does not take is dropped."""
        assert self.process.stdin is not None
        view = memoryview(data)
        try:
            while view:
                view = view[self.process.stdin.write(view) :]
        except BrokenPipeError:
            return

    def close(self) -> None:
        """End what the child reads."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.stdin = None  # else communicate() would flush it

    def say(
        self,
        handle: int,
        payload: bytes,
        encoding: int = PLAIN,
        reply_to: int = 0,
        src: int = OWN,
        auth: int | None = None,
        dst: int = CHILD,
    ) -> None:
        """Send a message."""
        auth = src if auth is None else auth
        message = Message(dst, src, auth, handle, reply_to, encoding, payload)
        self.write(encode_frame(message))

    def greet(self, **changed: Any) -> None:
        """Send CONFIGURE, and take HELLO."""
        self.say(CONFIGURE, settings(**changed))
        marker = MARKER + NONCE
        data = b""
        while marker not in data:
            data += self._read()
        self._heard += self._decoder.feed(data.partition(marker)[2])
        hello = self._next()
        assert hello.src == CHILD

    def ask(self, handle: int, payload: bytes, encoding: int = PLAIN, **more: Any) -> Message:
        """Send a message that wants an answer, and return that."""
        self._replies += 1
        self.say(handle, payload, encoding, self._replies, **more)
        answer = self._next()
        while answer.handle != self._replies:
            answer = self._next()
        return answer

    def call(self, module: str, name: str, *args: Any) -> Message:
        """Call a function, and return the answer."""
        return self.ask(CALL_FUNCTION, encode([module, name, list(args), {}]))

    def outcome(self) -> tuple[int, str]:
        """Wait for the end of the child; return its exit status and what it said on stderr."""
        _, said = self.process.communicate(timeout=DEADLINE)
        return self.process.returncode, said.decode()

    def _next(self) -> Message:
        while not self._heard:
            self._heard += self._decoder.feed(self._read())
        message = self._heard.pop(0)
        if message.handle == PING:
            return self._next()
        if message.handle == GET_MODULE:
            # It would describe an error better with a module that this parent does not give.
            self.say(message.reply_to, bury("refused", "no"), DEAD)
            return self._next()
        return message

    def _read(self) -> bytes:
        assert self.process.stdout is not None
        data = self.process.stdout.read(1 << 16)
        assert data, "the child ended: " + self.outcome()[1]
        return data

    def __enter__(self) -> "FakeParent":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        process = self.process
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                stream.close()
        try:
            process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise
