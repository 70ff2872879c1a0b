"""The call loop between its two threads: whom an interrupt hits, and what is refused."""

import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from remotesvc.core.authority import CALL_FUNCTION, CANCEL
from remotesvc.core.calls import EARLY_LIMIT, CallLoop
from remotesvc.core.values import decode, encode
from remotesvc.core.wire import DEAD, ERROR, PICKLE, PLAIN, Message


class Station:
    """What a call loop asks of its switch, its loop and its finder; nothing runs by itself."""

    parents = (0,)
    upstream = None

    def __init__(self) -> None:
        self.replies: list[tuple[int, int, bytes]] = []
        self.timers: list[Callable[[], None]] = []

    def lend(self, heir: object) -> None:
        """Go on turning: nobody waits for it."""

    def turn_until(self, heir: object, is_hasty: bool = False) -> bool:
        """Be turned by another thread."""
        return False

    def reply(
        self, message: Message, encoding: int, payload: bytes, may_wait: bool = False
    ) -> None:
        if message.reply_to:
            self.replies.append((message.reply_to, encoding, payload))

    def call_later(self, delay: float, callback: Callable[[], None]) -> None:
        self.timers.append(callback)


@pytest.fixture
def station() -> Station:
    return Station()


@pytest.fixture
def loop(station: Station) -> Iterator[CallLoop]:
    """A loop of this very thread; the test gets its handler of SIGINT back."""
    before = signal.getsignal(signal.SIGINT)
    made: Any = CallLoop(station, station, lambda: None, station, 5)  # type: ignore[arg-type]
    running.append(made)
    yield made
    running.clear()
    signal.signal(signal.SIGINT, before)


# The loop whose functions are called.
running: list[CallLoop] = []


def call(loop: CallLoop, reply_to: int, name: str = "stop", *args: Any) -> None:
    """Queue a call of a function of this file."""
    payload = encode([__name__, name, list(args), {}])
    loop.accept(None, Message(5, 0, 0, CALL_FUNCTION, reply_to, PLAIN, payload))


def cancel(loop: CallLoop, reply_to: int, hard: bool = False) -> bool:
    payload = encode((reply_to, hard, "f"))
    return loop.cancel(Message(5, 0, 0, CANCEL, 0, PLAIN, payload))


def stop() -> str:
    """End the loop after this call."""
    running[0]._is_stopped = True
    return "stopped"


def cancel_running(reply_to: int) -> str:
    """Cancel this very call, as the I/O thread would."""
    cancel(running[0], reply_to)
    return "not interrupted"


# Where an interrupt could tear a message.
LINK: dict[str, Any] = {"__name__": "remotesvc.core.link"}
exec("def write(cancel, went_on):\n    cancel()\n    went_on.append(True)", LINK)
went_on: list[bool] = []


def cancel_in_the_middle_of_a_write(reply_to: int) -> str:
    """Be cancelled by a function of the link, and look for the interrupt after its end."""
    loop: Any = running[0]
    LINK["write"](lambda: cancel(loop, reply_to), went_on)
    loop._loop.timers.pop()()
    return "not interrupted"


def abandon(reply_to: int) -> str:
    """Be cancelled, swallow it, and let the time of grace pass."""
    loop: Any = running[0]
    try:
        cancel(loop, reply_to)
    except KeyboardInterrupt:
        loop._loop.timers[0]()
    call(loop, 300)
    return "late"


def test_interrupt_while_nothing_runs_does_nothing(loop: CallLoop) -> None:
    loop.on_interrupt(signal.SIGINT, None)
    assert not cancel(loop, 256)
    loop.on_interrupt(signal.SIGINT, None)


def test_cancelled_call_is_interrupted_and_not_answered(loop: CallLoop, station: Station) -> None:
    call(loop, 256, "cancel_running", 256)
    call(loop, 257)
    loop.run()
    assert [(handle, decode(payload)) for handle, _, payload in station.replies] == [
        (257, "stopped")
    ]


def test_interrupt_in_the_middle_of_a_write_comes_after_it(
    loop: CallLoop, station: Station
) -> None:
    went_on.clear()
    call(loop, 300, "cancel_in_the_middle_of_a_write", 300)
    call(loop, 301)
    loop.run()

    assert went_on == [True]
    assert [reply_to for reply_to, _, _ in station.replies] == [301]


def test_interrupt_meant_for_a_call_that_is_over_hits_no_other_one(
    loop: CallLoop, station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    late: list[int] = []
    monkeypatch.setattr(signal, "pthread_kill", lambda thread, number: late.append(number))
    call(loop, 256, "cancel_running", 256)
    call(loop, 257, "deliver_late")
    call(loop, 258)
    loop.run()
    assert late == [signal.SIGINT]
    assert [decode(payload) for _, _, payload in station.replies] == ["undisturbed", "stopped"]


def deliver_late() -> str:
    """Take the SIGINT that was meant for the call before."""
    running[0].on_interrupt(signal.SIGINT, None)
    return "undisturbed"


def test_cancelled_calls_that_wait_are_not_begun(loop: CallLoop, station: Station) -> None:
    for handle in range(256, 260):
        call(loop, handle)
    call(loop, 260, "stop")
    for handle in range(256, 260):
        assert not cancel(loop, handle, hard=True)
    loop.run()
    assert [handle for handle, _, _ in station.replies] == [260]


def test_call_that_comes_after_its_cancel_is_not_begun(loop: CallLoop, station: Station) -> None:
    cancel(loop, 256)
    call(loop, 256)
    call(loop, 257)
    loop.run()
    assert [handle for handle, _, _ in station.replies] == [257]


def test_cancels_without_a_call_cost_bounded_memory(loop: CallLoop) -> None:
    for handle in range(256, 256 + 3 * EARLY_LIMIT):
        cancel(loop, handle)
    assert len(loop._early) <= EARLY_LIMIT


def test_cancel_by_another_context_is_for_a_call_of_its_own(
    loop: CallLoop, station: Station
) -> None:
    call(loop, 256)
    payload = encode((256, True, "f"))
    assert not loop.cancel(Message(5, 1, 1, CANCEL, 0, PLAIN, payload))
    loop.run()
    assert [handle for handle, _, _ in station.replies] == [256]


def test_abandoned_call_has_all_others_refused_until_it_ends(
    loop: CallLoop, station: Station
) -> None:
    call(loop, 256, "abandon", 256)
    call(loop, 257)
    call(loop, 258)
    call_until_idle(loop)
    refused = [handle for handle, encoding, _ in station.replies if encoding == DEAD]
    assert refused == [257, 258, 300]
    assert {decode(payload)[:2] for _, encoding, payload in station.replies} == {("busy", "f")}
    call(loop, 261)
    loop.run()
    assert station.replies[-1][0] == 261


def call_until_idle(loop: CallLoop) -> None:
    """Take what is queued, as run() does."""
    loop._recover()
    while loop._queue:
        loop._take()


def test_time_of_grace_that_passes_after_the_end_refuses_nobody(
    loop: CallLoop, station: Station
) -> None:
    call(loop, 256, "cancel_running", 256)
    call_until_idle(loop)
    station.timers[0]()
    call(loop, 257)
    loop.run()
    assert [handle for handle, _, _ in station.replies] == [257]


def test_hard_cancel_of_the_running_call_asks_for_the_end(loop: CallLoop) -> None:
    call(loop, 256, "cancel_hard", 256)
    call_until_idle(loop)
    assert answers == [True]
    answers.clear()


answers: list[bool] = []


def cancel_hard(reply_to: int) -> None:
    """Note what a hard cancel of this very call says."""
    answers.append(cancel(running[0], reply_to, hard=True))


def say(*args: Any, **kwargs: Any) -> Any:
    """Return what it was called with."""
    return [list(args), kwargs]


def a_function_whose_name_takes_a_header_of_two_bytes(*args: Any, **kwargs: Any) -> Any:
    """Return what it was called with."""
    return say(*args, **kwargs)


@pytest.mark.parametrize("name", ["say", "a_function_whose_name_takes_a_header_of_two_bytes"])
def test_calls_of_the_same_function_get_arguments_of_their_own(
    loop: CallLoop, station: Station, name: str
) -> None:
    arguments: list[tuple[Any, ...]] = [(), (1,), (), ("a", [2])]
    for reply_to, args in enumerate(arguments, 256):
        call(loop, reply_to, name, *args)
    payload = encode([__name__, name, [3], {"key": "value"}])
    loop.accept(None, Message(5, 0, 0, CALL_FUNCTION, 260, PLAIN, payload))
    call(loop, 261)
    loop.run()
    assert [decode(payload) for _, _, payload in station.replies] == [
        *([list(args), {}] for args in arguments),
        [[3], {"key": "value"}],
        "stopped",
    ]


def test_function_is_looked_up_for_each_call(
    loop: CallLoop, station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    call(loop, 256, "say")
    call_until_idle(loop)
    monkeypatch.setitem(globals(), "say", lambda: "another one")
    call(loop, 257, "say")
    call_until_idle(loop)
    assert decode(station.replies[1][2]) == "another one"


def test_pickle_that_looks_like_the_call_before_it_is_read_as_a_pickle(
    loop: CallLoop, station: Station
) -> None:
    call(loop, 256, "say")
    payload = encode([__name__, "say", [], {}])
    loop.accept(None, Message(5, 0, 0, CALL_FUNCTION, 257, PICKLE, payload))
    call(loop, 258, "say")
    call_until_idle(loop)
    assert [encoding for _, encoding, _ in station.replies] == [PLAIN, ERROR, PLAIN]
