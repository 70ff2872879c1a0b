"""Awaiting: a value of a stream in an asyncio program, without a thread that waits for it."""

import time

from ..core.errors import CallTimeout

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Optional, Protocol

    class Source(Protocol):
        """What can be waited for: a Receiver, a Channel, a Select."""

        def watch(self, watcher: Callable[[], None]) -> None:
            """Call watcher() whenever there may be something to take."""

        def unwatch(self, watcher: Callable[[], None]) -> None:
            """Stop that."""

        def flush(self) -> None:
            """Send what waits for others."""

        def poll(self) -> Any:
            """Return what there is, None if there is nothing yet."""


__all__ = ["take"]


async def take(source: "Source", timeout: "Optional[float]") -> "Any":
    """Return what source.poll() returns once there is something; raise as that does.

    Raises CallTimeout after `timeout` seconds. Nothing is lost when it is cancelled.
    """
    import asyncio

    found = source.poll()
    if found is not None:
        return found
    source.flush()
    limit = None if timeout is None else time.monotonic() + timeout
    loop = asyncio.get_event_loop()
    event = asyncio.Event()

    def wake() -> "None":
        try:
            loop.call_soon_threadsafe(event.set)
        except RuntimeError:
            return  # the loop is closed, so nobody waits

    source.watch(wake)
    try:
        while True:
            event.clear()
            found = source.poll()
            if found is not None:
                return found
            left = None if limit is None else max(0.0, limit - time.monotonic())
            try:
                await asyncio.wait_for(event.wait(), left)
            except asyncio.TimeoutError:
                raise CallTimeout("nothing came within %g s" % (timeout or 0)) from None
    finally:
        source.unwatch(wake)
