"""What methods that yield returned, until it is read; and how it is sent."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from remotesvc.core.errors import DisconnectedError, MessageTooLarge, ValueNotSupported
from remotesvc.service.offers import NUMBER, OFFERS_LIMIT, Offers, Undone, pump
from tests.service.stations import make_call


class Writer:
    """Takes values as a Sender does; of one that is an exception it is what it raises."""

    def __init__(self) -> None:
        self.sent: list[Any] = []
        self.is_closed = False

    def send(self, value: Any) -> None:
        """Take one."""
        if isinstance(value, Exception):
            raise value
        self.sent.append(value)

    def close(self) -> None:
        """Take no more."""
        self.is_closed = True


def numbers(*values: Any, log: list[str] | None = None) -> Any:
    """Yield values, return "done", and note what becomes of it."""
    try:
        yield from values
        return "done"
    except GeneratorExit:
        if log is not None:
            log.append("closed")
        raise


def send(generator: Any, writer: Any, log: list[str] | None = None) -> Any:
    """Pump, and note when user code may be interrupted."""
    lines = [] if log is None else log
    return pump(generator, writer, lambda: lines.append("open"), lambda: lines.append("shut"))


def test_offer_is_taken_once_by_the_context_that_was_told_its_number() -> None:
    offers, call, generator = Offers(), make_call(src=7), numbers()
    (number,) = NUMBER.unpack(offers.add(call, generator))

    assert offers.call_of(7, number) is call
    assert offers.call_of(8, number) is None
    for src, guess in ((8, number), (7, number + 1)):
        with pytest.raises(Undone, match="there is no stream"):
            offers.take(src, guess)
    assert offers.take(7, number) == (generator, call)
    with pytest.raises(Undone, match="opened already") as caught:
        offers.take(7, number)
    assert caught.value.code == "refused"


def test_oldest_offer_of_a_context_goes_when_there_are_too_many() -> None:
    offers = Offers()
    generators = [numbers() for _ in range(OFFERS_LIMIT + 1)]
    told = [offers.add(make_call(src=7), one) for one in generators]
    offers.add(make_call(src=8), numbers())

    with pytest.raises(Undone):
        offers.take(7, NUMBER.unpack(told[0])[0])
    assert generators[0].gi_frame is None, "it is closed"
    assert offers.take(7, NUMBER.unpack(told[1])[0])[0] is generators[1]


@pytest.mark.parametrize("way", ["lose", "withdraw"])
def test_offer_that_nobody_will_read_is_dropped(way: str) -> None:
    offers, call, generator = Offers(), make_call(src=7), numbers()
    payload = offers.add(call, generator)
    if way == "lose":
        offers.lose({7, 9})
    else:
        offers.withdraw(call, payload)
        offers.withdraw(call, payload)

    assert generator.gi_frame is None
    with pytest.raises(Undone):
        offers.take(7, NUMBER.unpack(payload)[0])


def test_all_values_are_sent_and_what_it_returns_is_returned() -> None:
    writer = Writer()

    assert send(numbers(1, 2), writer) == "done"
    assert (writer.sent, writer.is_closed) == ([1, 2], True)


def test_only_the_code_of_the_user_may_be_interrupted() -> None:
    log: list[str] = []
    writer = Writer()
    writer.send = lambda value: log.append("send")  # type: ignore[method-assign]
    send(numbers(1, 2), writer, log)

    assert log == ["open", "shut", "send", "open", "shut", "send", "open", "shut"]


def test_reader_that_is_gone_closes_the_generator_while_nothing_interrupts_it() -> None:
    log: list[str] = []
    writer = Writer()

    assert send(numbers(1, DisconnectedError("gone"), 2, log=log), writer, log) is None
    assert log == ["open", "shut", "open", "shut", "closed"]
    assert (writer.sent, writer.is_closed) == ([1], True)


@pytest.mark.parametrize("kind", [DisconnectedError, ValueNotSupported, LookupError])
def test_what_the_generator_raises_is_raised_whatever_it_is(kind: type[Exception]) -> None:
    def fail() -> Iterator[int]:
        yield 1
        raise kind("mine")

    writer = Writer()
    with pytest.raises(kind, match="mine"):
        send(fail(), writer)
    assert writer.is_closed


@pytest.mark.parametrize(
    ("error", "code"), [(ValueNotSupported("no"), "value"), (MessageTooLarge("no"), "size")]
)
def test_value_that_cannot_be_sent_says_so(error: Exception, code: str) -> None:
    with pytest.raises(Undone, match="no") as caught:
        send(numbers(1, error), Writer())
    assert caught.value.code == code


def test_interrupt_before_the_next_value_closes_the_generator() -> None:
    log: list[str] = []
    turns = iter([None, KeyboardInterrupt])

    def lay_open() -> None:
        error = next(turns)
        if error is not None:
            raise error

    ignore: Callable[[], None] = lambda: None  # noqa: E731
    with pytest.raises(KeyboardInterrupt):
        pump(numbers(1, 2, 3, log=log), Writer(), lay_open, ignore)  # type: ignore[arg-type]
    assert log == ["closed"]


@pytest.mark.parametrize("way", ["lose", "withdraw", "cancel", "too many"])
def test_call_is_offered_until_its_stream_is_dropped(way: str) -> None:
    offers, call = Offers(), make_call(src=7)
    payload = offers.add(call, numbers())
    assert call.is_offered
    if way == "lose":
        offers.lose({7})
    elif way == "withdraw":
        offers.withdraw(call, payload)
    elif way == "cancel":
        assert call.wake is not None
        call.wake()
    else:
        for _ in range(OFFERS_LIMIT):
            offers.add(make_call(src=7), numbers())

    assert not call.is_offered


def test_stream_that_is_taken_stays_offered_and_is_not_withdrawn_any_more() -> None:
    offers, call = Offers(), make_call(src=7)
    offers.take(7, NUMBER.unpack(offers.add(call, numbers()))[0])

    assert (call.is_offered, call.wake) == (True, None)
