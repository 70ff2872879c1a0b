"""One thread waits for one reply."""

import threading

import pytest

from remotesvc.core.errors import CallTimeout, DisconnectedError
from remotesvc.core.pending import Pending
from tests.core.ends import message


def test_reply_that_came_before_is_returned_at_once() -> None:
    pending = Pending(2)
    reply = message(b"x")
    pending.deliver(reply)
    assert pending.wait(0, "the call") is reply


def test_loss_that_came_before_is_raised_at_once() -> None:
    pending = Pending(2)
    pending.lose(DisconnectedError("gone"))
    with pytest.raises(DisconnectedError, match="gone"):
        pending.wait(None, "the call")


@pytest.mark.parametrize("timeout", [None, 30.0])
def test_waiting_thread_is_woken_by_the_reply(timeout: float | None) -> None:
    pending = Pending(2)
    reply = message(b"x")
    results: list[object] = []
    waiting = threading.Thread(target=lambda: results.append(pending.wait(timeout, "the call")))
    waiting.start()
    pending.deliver(reply)
    waiting.join(30)
    assert results == [reply]


@pytest.mark.parametrize("timeout", [0.001, 0, -5])
def test_deadline_that_passes_names_what_was_waited_for(timeout: float) -> None:
    pending = Pending(2)
    with pytest.raises(CallTimeout, match=r"f on web1 timed out after .* s") as caught:
        pending.wait(timeout, "f on web1")
    assert isinstance(caught.value, TimeoutError)
    pending.deliver(message())  # a late reply finds nobody, and breaks nothing
