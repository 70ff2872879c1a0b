"""Services that yield, and callers over there that read too little."""

from collections.abc import Iterator

from remotesvc import current_router
from remotesvc.service import AllowAny, Service, expose

KEPT: "list[object]" = []


class Blocks(Service):
    """Yields more than a window holds; `ended` counts those whose `finally` ran."""

    ended = 0

    @expose(policy=AllowAny())
    def read(self, count: int) -> "Iterator[bytes]":
        try:
            for _ in range(count):
                yield bytes(300_000)
        finally:
            Blocks.ended += 1

    @expose(policy=AllowAny())
    def follow(self) -> "Iterator[int]":
        number = 0
        try:
            while True:
                yield number
                number += 1
        finally:
            Blocks.ended += 1

    @expose(policy=AllowAny())
    def ping(self) -> str:
        return "pong"


def keep_streams(count: int) -> int:
    """Open so many streams of the controller's service, and read one value of each."""
    for _ in range(count):
        stream = current_router().controller.service(Blocks).read(count=100)
        next(stream)
        KEPT.append(stream)
    return len(KEPT)


def drop_streams() -> int:
    left = len(KEPT)
    KEPT.clear()
    return left


def read_all() -> int:
    return sum(map(len, current_router().controller.service(Blocks).read(count=20)))


def ended() -> int:
    return Blocks.ended
