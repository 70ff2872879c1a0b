"""A loop on a thread of its own, for as long as a test needs one."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from remotesvc.core.loop import Loop

__all__ = ["running_loop"]

DEADLINE = 30.0


@contextmanager
def running_loop() -> Iterator[Loop]:
    """Run a loop; its thread must end when it is stopped."""
    loop = Loop()
    thread = threading.Thread(target=loop.run)
    thread.start()
    yield loop
    loop.stop()
    thread.join(DEADLINE)
    assert not thread.is_alive()
