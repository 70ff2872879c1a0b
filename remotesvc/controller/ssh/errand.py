"""An errand: something that may wait for as long as a connection hangs, done on its own thread."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from ...connect.base import Attempt

__all__ = ["run_errand"]

Result = TypeVar("Result")


def run_errand(
    attempt: Attempt, work: Callable[[], Result], undo: Callable[[Result], None], doing: str
) -> Result:
    """Return or raise what work() does; raise the error for the deadline if it takes too long.

    It goes on then, and what it returns in the end is given to undo().
    """
    future: Future[Result] = Future()

    def run() -> None:
        try:
            result = work()
        except Exception as error:  # noqa: BLE001 it is raised by whoever waits
            if future.set_running_or_notify_cancel():
                future.set_exception(error)
            return
        if future.set_running_or_notify_cancel():
            future.set_result(result)
        else:
            undo(result)

    is_over = threading.Event()
    future.add_done_callback(lambda _: is_over.set())
    attempt.cut_by(is_over.set)
    threading.Thread(target=run, name="remotesvc-ssh-opener", daemon=True).start()
    is_over.wait(attempt.left)
    if future.cancel():
        raise attempt.timed_out("interpreter", doing)
    return future.result()
