"""Channel: how its ends meet, what each hears of the other, and what a hostile end gets."""

from collections.abc import Iterator
from typing import Any

import pytest

from remotesvc import (
    CallTimeout,
    Channel,
    DisconnectedError,
    EndOfStream,
    Error,
    ProtocolError,
    RefusedError,
    RemoteError,
    Select,
    ValueNotSupported,
)
from remotesvc.channel.frames import END, VALUE
from remotesvc.channel.receiver import Receiver
from remotesvc.channel.sender import open_sender
from remotesvc.core.dead import bury
from remotesvc.core.values import SENDER, decode, encode
from remotesvc.core.wire import DEAD
from tests.channel.ends import CHILD, OTHER, Station, fields_of

HANDLE = 300
WINDOW = 8192


class Lent:
    """Encodes as a Sender, or a Channel, with these fields."""

    def __init__(self, *fields: Any) -> None:
        self.fields = fields

    def __wire__(self) -> tuple[int, tuple[Any, ...]]:
        return SENDER, self.fields


@pytest.fixture
def station() -> Iterator[Station]:
    opened = Station()
    yield opened
    opened.child.hang_up()
    assert (opened.streams._inboxes, opened.streams._outlets) == ({}, {})
    assert opened.switch._waiters == {}


def give(station: Station, channel: Channel, to: int = CHILD) -> tuple[Any, ...]:
    """Encode a channel for a context, as a call does; return the fields that travel."""
    data, lent = station.streams.collect(encode, channel)
    station.streams.expect(lent, to)
    return decode(data, lambda code, fields: fields)  # type: ignore[no-any-return]


def come(station: Station, channel: Channel, src: int = CHILD) -> None:
    """Have a child say where the other end listens, as that does first."""
    station.write(channel._receiver, encode(Lent(src, HANDLE, bytes(16), WINDOW)), src=src)  # type: ignore[arg-type]


def texts(station: Station) -> list[Any]:
    """Return the values and ends that came to the child's Receiver."""
    return [
        {VALUE: "value", END: "end"}[one.payload[16]]
        if one.payload[16] == END
        else decode(one.payload[17:], lambda code, fields: fields)
        for one in station.heard()
        if one.handle == HANDLE
    ]


# -- the end that is made here -------------------------------------------------------------------


def test_channel_travels_as_a_sender_with_a_mark(station: Station) -> None:
    with Channel(station, WINDOW) as channel:
        fields = give(station, channel)
        assert fields[0] == 0 and fields[3:] == (WINDOW, True)


def test_ends_meet_with_the_first_frame_and_talk(station: Station) -> None:
    with Channel(station, WINDOW) as channel:
        give(station, channel)
        with pytest.raises(CallTimeout):
            channel.send("nobody is there", timeout=0)
        with pytest.raises(CallTimeout):
            channel.get(0)
        come(station, channel)
        station.write(channel.receiver, "hello")
        assert channel.get(0) == "hello"
        channel.send("hi")
        assert texts(station) == ["hi"]
        channel.end()
        assert texts(station) == ["end"]
        station.write(channel.receiver, "still here")
        assert channel.get(0) == "still here"
        with pytest.raises(Error, match="this sender is closed"):
            channel.send("no")


def test_close_before_anybody_looked_tells_the_other_end_all_the_same(station: Station) -> None:
    channel = Channel(station, WINDOW)
    give(station, channel)
    come(station, channel)
    channel.close(ValueError("no time"))
    channel.close()
    assert texts(station) == ["end"]
    for use in (channel.get, channel.meet, channel.poll, lambda: channel.send(1)):
        with pytest.raises(Error, match="this channel is closed"):
            use()


def test_channel_is_given_away_once(station: Station) -> None:
    with Channel(station, WINDOW) as channel:
        give(station, channel)
        with pytest.raises(RefusedError, match="the other one is given away"):
            give(station, channel, OTHER)
        station.write(channel.receiver, "me first", src=OTHER)
        assert station.refusals(OTHER) == [
            "context 6 is not the one that may write to this receiver"
        ]
        come(station, channel)
        assert channel.meet(0).place == (CHILD, HANDLE)


def test_channel_that_was_not_sent_may_go_elsewhere(station: Station) -> None:
    with Channel(station, WINDOW) as channel:
        _, lent = station.streams.collect(encode, channel)
        station.streams.expect(lent, CHILD)
        station.streams.take_back(lent, CHILD)
        give(station, channel, OTHER)


def test_closed_channel_does_not_travel(station: Station) -> None:
    channel = Channel(station)
    channel.close()
    with pytest.raises(ValueNotSupported, match="make another one"):
        encode([channel])


def test_end_of_the_other_one_ends_both_directions(station: Station) -> None:
    with Channel(station, WINDOW) as channel:
        give(station, channel)
        come(station, channel)
        channel.send(1)
        station.write(channel.receiver, "last")
        station.write(channel.receiver, None, kind=END)
        station.answer(station.heard()[-1], bury("disconnected", "the receiver is closed"), DEAD)
        assert list(channel) == ["last"]
        with pytest.raises(EndOfStream):
            channel.get(0)
        with pytest.raises(DisconnectedError):
            channel.send(2)


def test_end_that_closed_without_a_word_ends_the_wait(station: Station) -> None:
    with Channel(station, WINDOW) as channel:
        give(station, channel)
        station.write(channel._receiver, None, kind=END)  # type: ignore[arg-type]
        assert list(channel) == []
        with pytest.raises(DisconnectedError, match="the other end of this channel is closed"):
            channel.send(1)


def test_error_of_the_other_end_is_raised_here(station: Station) -> None:
    with Channel(station, WINDOW) as channel:
        give(station, channel)
        come(station, channel)
        station.write(channel.receiver, ("LookupError", "no"), kind=END)
        with pytest.raises(RemoteError, match="LookupError: no"):
            channel.get(0)


def test_loss_of_the_other_end_ends_a_wait_that_was_never_answered(station: Station) -> None:
    with Channel(station, WINDOW) as channel:
        give(station, channel)
        station.child.hang_up()
        for use in (channel.get, lambda: channel.send(1)):
            with pytest.raises(DisconnectedError):
                use()


@pytest.mark.parametrize(
    "first", ["hello", None, [Lent(CHILD, HANDLE, bytes(16), WINDOW)], b"raw"]
)
def test_other_end_that_begins_without_its_sender_is_refused(station: Station, first: Any) -> None:
    with Channel(station, WINDOW) as channel:
        give(station, channel)
        station.write(channel._receiver, encode(first))  # type: ignore[arg-type]
        with pytest.raises(ProtocolError, match="began without giving its sender"):
            channel.get(0)
        with pytest.raises(Error, match="this channel is closed"):
            channel.get(0)


def test_other_end_that_names_somebody_else_is_refused(station: Station) -> None:
    with Channel(station, WINDOW) as channel:
        give(station, channel)
        station.write(channel._receiver, encode(Lent(OTHER, HANDLE, bytes(16), WINDOW)))  # type: ignore[arg-type]
        with pytest.raises(ProtocolError, match="not context 5's to give"):
            channel.send(1)


def test_other_end_that_names_a_receiver_of_ours_is_refused(station: Station) -> None:
    with Channel(station, WINDOW) as channel, Receiver(station, WINDOW) as ours:
        give(station, channel)
        assert channel._receiver is not None
        station.write(channel._receiver, encode(Lent(*fields_of(ours))))
        with pytest.raises(ProtocolError, match="other end is in context 0, and not in context 5"):
            channel.send("for the child only", timeout=0)
        assert ours.poll() is None


def test_close_tells_nobody_else_whom_the_other_end_named(station: Station) -> None:
    with Receiver(station, WINDOW) as ours:
        channel = Channel(station, WINDOW)
        give(station, channel)
        assert channel._receiver is not None
        station.write(channel._receiver, encode(Lent(*fields_of(ours))))
        channel.close()
        assert ours.poll() is None


# -- the end that arrives ------------------------------------------------------------------------


def test_channel_to_a_receiver_of_ours_is_not_a_childs_to_give(station: Station) -> None:
    with Receiver(station, WINDOW) as ours:
        fields = (*fields_of(ours), True)
        with pytest.raises(ProtocolError, match="other end is in context 0, and not in context 5"):
            open_sender(station, CHILD, CHILD, fields)


def test_channel_from_a_pickle_may_lead_wherever_our_parent_said(station: Station) -> None:
    fields = (CHILD, HANDLE, bytes(16), WINDOW, True)
    channel = open_sender(station, 0, 0, fields)
    assert isinstance(channel, Channel)
    channel.close()


def test_greeting_never_waits_for_a_window_that_somebody_else_has_spent(station: Station) -> None:
    sender = station.lent_sender(1024, HANDLE)
    channel = open_sender(station, CHILD, CHILD, (CHILD, HANDLE, bytes(16), 1024, True))
    assert isinstance(channel, Channel)
    sender.send(b"x" * 600)
    for use in (channel.meet, channel.poll, lambda: channel.get(0), lambda: channel.send(1)):
        with pytest.raises(ProtocolError, match="web1 sent a second reference to the end of a"):
            use()
    assert station.streams._inboxes == {}
    channel.close()
    sender.close()


def test_second_reference_to_the_same_end_of_a_channel_is_refused(station: Station) -> None:
    with arrived(station) as channel:
        channel.meet(0)
        second = arrived(station)
        with pytest.raises(ProtocolError, match="second reference"):
            second.meet(0)
        with pytest.raises(ProtocolError, match="second reference"):
            station.lent_sender(WINDOW).send(1)
        second.close()
        (greeting,) = texts(station)
        assert greeting[0] == 0


def arrived(station: Station, handle: int = HANDLE) -> Channel:
    """Return the end of a channel of the first child that came in a message of it."""
    channel = open_sender(station, CHILD, CHILD, (CHILD, handle, bytes(16), WINDOW, True))
    assert isinstance(channel, Channel)
    return channel


def test_channel_from_below_makes_nothing_until_it_is_used(station: Station) -> None:
    channel = arrived(station)
    assert (station.switch._waiters, station.streams._inboxes) == ({}, {})
    channel.send("hi")
    (fields, value) = texts(station)
    assert (fields[0], fields[3], value) == (0, WINDOW, "hi")
    channel.close()
    assert texts(station) == ["end"]


def test_channel_from_a_parent_answers_at_once(station: Station) -> None:
    station.switch.parents = (CHILD,)
    channel = arrived(station)
    (fields,) = texts(station)
    assert fields[0] == 0
    channel.close()


def test_channel_that_is_closed_unused_tells_so(station: Station) -> None:
    arrived(station).close()
    assert texts(station) == ["end"]


def test_channel_of_one_that_closed_meanwhile_ends_the_wait_for_it(station: Station) -> None:
    with arrived(station) as channel:
        channel.meet(0)
        (first,) = station.heard()
        station.answer(first, bury("disconnected", "the receiver is closed"), DEAD)
        with pytest.raises(DisconnectedError, match="the other end of this channel is closed"):
            channel.get(0)


def test_end_that_arrived_does_not_travel_on(station: Station) -> None:
    with arrived(station) as channel, pytest.raises(ValueNotSupported, match="two ends already"):
        encode(channel)


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param((OTHER, HANDLE, bytes(16), WINDOW, True), id="a sibling's"),
        pytest.param((CHILD, 4, bytes(16), WINDOW, True), id="CALL_FUNCTION"),
        pytest.param((CHILD, HANDLE, bytes(16), 0, True), id="no window"),
        pytest.param((CHILD, HANDLE, bytes(16), WINDOW, 1), id="another mark"),
        pytest.param((CHILD, HANDLE, bytes(16), WINDOW, False), id="no mark"),
        pytest.param((CHILD, HANDLE, bytes(16), WINDOW, True, True), id="two marks"),
        pytest.param((0, HANDLE, bytes(16), WINDOW, True), id="no receiver of ours"),
    ],
)
def test_channel_that_is_not_its_to_give_is_refused(
    station: Station, fields: tuple[Any, ...]
) -> None:
    with pytest.raises(ProtocolError):
        open_sender(station, CHILD, CHILD, fields)


# -- in a Select ---------------------------------------------------------------------------------


def test_channels_are_members_of_a_select(station: Station) -> None:
    one, two = Channel(station, WINDOW), arrived(station, HANDLE + 1)
    with one, two, Select((one, two)) as select:
        give(station, one)
        come(station, one)
        assert select.poll() is None
        station.write(one.receiver, "from below")
        station.write(two.receiver, "from above")
        events = [select.get(0) for _ in range(2)]
        assert {(event.receiver, event.value) for event in events} == {
            (one, "from below"),
            (two, "from above"),
        }
        station.write(one.receiver, None, kind=END)
        event = select.get(0)
        assert (event.receiver, type(event.error), event.is_end) == (one, EndOfStream, True)
