"""The future of a submitted call: a Future in full only when somebody looks at it as one."""

import concurrent.futures
import threading
from collections.abc import Callable
from typing import Any

import pytest

from remotesvc.core.errors import DisconnectedError
from remotesvc.core.futures import ReplyFuture
from remotesvc.core.wire import ERROR, Message
from tests.core.ends import message

DEADLINE = 30.0


class Caller:
    """What a future asks of whoever made the call; notes what it was told."""

    def __init__(self) -> None:
        self.opened: list[bytes] = []
        self.told: list[tuple[ReplyFuture, str, bool]] = []
        self.future = ReplyFuture(2, len, self._open, self._defer, self._tell)

    def _open(self, reply: Message) -> Any:
        self.opened.append(reply.payload)
        if reply.encoding == ERROR:
            raise LookupError(reply.payload.decode())
        return reply.payload

    def _defer(self, callback: Callable[[], None]) -> None:
        callback()

    def _tell(self, future: ReplyFuture, error: Exception, is_hard: bool) -> None:
        self.told.append((future, type(error).__name__, is_hard))


REPLY = message(b"value")
FAILURE = message(b"why", encoding=ERROR)


def test_result_is_decoded_once_and_only_when_somebody_asks() -> None:
    caller = Caller()
    caller.future.deliver(REPLY)
    assert caller.future.done() and caller.opened == []
    assert [caller.future.result(), caller.future.result()] == [b"value", b"value"]
    assert caller.opened == [b"value"]


def test_future_that_nobody_looked_at_says_that_it_is_done_after_its_result_was_taken() -> None:
    caller = Caller()
    caller.future.deliver(REPLY)
    assert caller.future.result() == b"value"
    assert caller.future.done() and not caller.future.cancelled() and not caller.future.running()
    assert not caller.future.cancel() and caller.told == []
    assert concurrent.futures.wait([caller.future], DEADLINE).done == {caller.future}


def test_failure_that_nobody_looked_at_is_still_a_failure_to_who_waits_for_the_first() -> None:
    caller, other = Caller(), Caller()
    caller.future.deliver(FAILURE)
    wanted = concurrent.futures.FIRST_EXCEPTION
    waited = concurrent.futures.wait([caller.future, other.future], DEADLINE, wanted)
    assert waited.done == {caller.future}
    with pytest.raises(LookupError, match="why"):
        caller.future.result()
    assert isinstance(caller.future.exception(), LookupError)
    assert caller.opened == [b"why"]


@pytest.mark.parametrize("is_looked_at", [False, True])
def test_reply_after_a_cancel_is_dropped(is_looked_at: bool) -> None:
    caller = Caller()
    if is_looked_at:
        assert not caller.future.done()
    assert caller.future.cancel()
    caller.future.deliver(REPLY)
    assert caller.told == [(caller.future, "CancelledError", False)]
    with pytest.raises(concurrent.futures.CancelledError):
        caller.future.result(DEADLINE)


@pytest.mark.parametrize("is_looked_at", [False, True])
def test_loss_is_the_outcome_unless_a_reply_came_before(is_looked_at: bool) -> None:
    answered, lost = Caller(), Caller()
    if is_looked_at:
        assert not (answered.future.done() or lost.future.done())
    answered.future.deliver(REPLY)
    for caller in (answered, lost):
        caller.future.lose(DisconnectedError("gone"))
    assert answered.future.result() == b"value"
    with pytest.raises(DisconnectedError, match="gone"):
        lost.future.result()


def test_callback_added_after_the_reply_is_called_at_once() -> None:
    caller = Caller()
    called: list[object] = []
    caller.future.deliver(REPLY)
    caller.future.add_done_callback(called.append)
    assert called == [caller.future]


@pytest.mark.parametrize("round_", range(50))
def test_whoever_waits_is_woken_whenever_the_reply_comes(round_: int) -> None:
    caller = Caller()
    results: list[object] = []
    waiting = threading.Thread(target=lambda: results.append(caller.future.result(DEADLINE)))
    waiting.start()
    caller.future.deliver(REPLY)
    waiting.join(DEADLINE)
    assert results == [b"value"]


def test_what_no_future_has_this_one_has_not() -> None:
    assert not hasattr(Caller().future, "unheard_of")
