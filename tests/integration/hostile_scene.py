"""A hostile child beside an honest one of the same router, and what the tests measure of them.

The fixtures `on_path` and `scene` stand in conftest.py.
"""

import struct
import tracemalloc
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from remotesvc import Router
from remotesvc.controller.modules.target import Target
from remotesvc.core.authority import GET_MODULE, GET_RESOURCE
from remotesvc.core.fragments import PIECE_SIZE
from remotesvc.core.values import decode, encode
from remotesvc.core.wire import RAW

__all__ = [
    "DEADLINE",
    "FAKE",
    "MEMORY",
    "POISON",
    "Scene",
    "first_fragment",
    "memory_stays_below",
    "target",
]

FAKE = Path(__file__).with_name("fake_child.py")

# What is traced takes seconds by itself, and more on a machine that does other things as well.
DEADLINE = 60.0

# What a flood may have this process keep at any moment: far more than it needs for one, far less
# than what is sent to it or what the sender claims.
MEMORY = 48 * 1024 * 1024

# What would have a terminal do something, end a line, or fail to be printed.
POISON = "\x1b]0;title\x07\u202e\ud800\nweb2: fine"


class Scene:
    """A hostile child and an honest one of one router."""

    def __init__(self, router: Router) -> None:
        self.router = router
        self.evil = router.local(name="evil", python_path=str(FAKE))
        self.good = router.local(name="good")

    def tell(self, name: str, *args: Any) -> Any:
        """Have the hostile child do something, and return what it answers."""
        return self.evil.options(DEADLINE).call(target(name), *args)

    def say(self, *frames: list[Any], count: int = 1) -> None:
        """Have it send frames; once this returns, all of them were handled."""
        self.evil.call_no_reply(target("say"), list(frames), count)
        self.tell("settle")

    def heard(self, handle: int) -> list[tuple[int, bytes]]:
        """Return encoding and payload of what the hostile child got at a handle."""
        return [
            (encoding, payload) for at, encoding, payload in self.tell("heard") if at == handle
        ]

    def module(self, name: str) -> list[Any]:
        """Have it ask for a module, and return the record that it is sent."""
        encoding, payload = self.tell("ask", GET_MODULE, encode(name))
        assert encoding == RAW
        records: list[Any] = decode(zlib.decompress(payload))
        return next(list(record) for record in records if record[0] == name)

    def resource(self, package: str, relative: str) -> tuple[int, bytes]:
        """Have it ask for a file, and return encoding and payload of the answer."""
        encoding, payload = self.tell("ask", GET_RESOURCE, encode((package, relative)))
        return encoding, payload

    def check_the_rest_is_well(self) -> None:
        """Fail if the honest child, or the opening of another one, was disturbed."""
        assert self.good.options(DEADLINE).call(abs, -1) == 1


def target(name: str) -> Any:
    """Name a function of the fake child: there is none here that could be passed."""
    return Target("fake", name)


def first_fragment(total: int) -> bytes:
    """Return the payload of a fragment that begins a message of `total` bytes."""
    return struct.pack(">LL", 1, total) + bytes(PIECE_SIZE)


@contextmanager
def memory_stays_below(limit: int) -> Iterator[None]:
    """Fail if this process ever held `limit` bytes more than before, while the block ran."""
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        yield
        peak = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    assert peak < limit, f"{peak} bytes were held, at most {limit} may be"
