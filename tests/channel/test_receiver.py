"""Receiver: values in order, under credit; how a stream ends; what a hostile writer gets."""

import threading
from collections.abc import Iterator

import pytest

from remotesvc import (
    CallTimeout,
    DisconnectedError,
    EndOfStream,
    Error,
    ProtocolError,
    Receiver,
    RefusedError,
    RemoteError,
)
from remotesvc.channel import inbox
from remotesvc.channel.frames import (
    BYTES,
    END,
    END_LIMIT,
    GOES_ON,
    MORE,
    PART_SIZE,
    VALUE_COST,
    VALUES,
)
from remotesvc.core.values import encode
from remotesvc.core.wire import DEAD, ERROR, FRAGMENT, PICKLE, PLAIN, RAW
from tests.channel.ends import CHILD, OTHER, Station, fields_of
from tests.core.ends import message

WINDOW = 64 * VALUE_COST


class Chosen:
    """What a Receiver asks of its respondent."""

    connected = True

    def __init__(self, router: Station, context_id: int) -> None:
        self.router = router
        self.id = context_id


@pytest.fixture
def station() -> Station:
    return Station()


@pytest.fixture
def receiver(station: Station) -> Iterator[Receiver]:
    with Receiver(station, WINDOW) as opened:
        yield opened
    assert station.switch._waiters == {}
    assert station.streams._inboxes == {}


# -- values --------------------------------------------------------------------------------------


def test_values_come_in_order_and_bytes_as_they_are(station: Station, receiver: Receiver) -> None:
    station.write(receiver, [1], {"a": None})
    station.write(receiver, b"\xff\x00", kind=BYTES)
    station.write(receiver, "last")

    assert [receiver.get(0) for _ in range(4)] == [[1], {"a": None}, b"\xff\x00", "last"]
    with pytest.raises(CallTimeout, match="no value came within 0 s") as caught:
        receiver.get(0)
    assert caught.value.__context__ is None, "its traceback begins with what is no error"


def test_large_value_is_joined_from_its_parts(station: Station) -> None:
    data = bytes(range(256)) * 3000
    with Receiver(station, 1 << 20) as receiver:
        station.write(receiver, data, kind=BYTES)
        assert receiver.get(0) == data


def test_writers_are_counted_each_for_itself(station: Station, receiver: Receiver) -> None:
    station.write(receiver, *range(64))
    station.write(receiver, *range(64), src=OTHER)
    assert sorted(receiver.get(0) for _ in range(128)) == sorted([*range(64), *range(64)])


def test_malformed_value_is_an_error_of_its_own(station: Station, receiver: Receiver) -> None:
    station.write(receiver, b"\xc1")
    station.write(receiver, "fine")
    with pytest.raises(ProtocolError):
        receiver.get(0)
    assert receiver.get(0) == "fine"


def test_credit_goes_out_in_halves_of_the_window_as_values_are_read(
    station: Station, receiver: Receiver
) -> None:
    station.write(receiver, *range(64))
    for _ in range(31):
        receiver.get(0)
    assert station.granted() == 0
    receiver.get(0)
    assert station.granted() == WINDOW // 2


def test_window_must_be_possible(station: Station) -> None:
    for window in (0, -1, (64 << 20) + 1):
        with pytest.raises(ValueError, match=f"window={window}"):
            Receiver(station, window)


def test_value_wakes_whoever_waits(station: Station, receiver: Receiver) -> None:
    got: list[object] = []
    thread = threading.Thread(target=lambda: got.append(receiver.get(30)))
    thread.start()
    station.write(receiver, "hello")
    thread.join(30)
    assert got == ["hello"]


# -- ends ----------------------------------------------------------------------------------------


def test_stream_ends_after_what_was_sent_and_stays_ended(
    station: Station, receiver: Receiver
) -> None:
    station.write(receiver, 1, 2)
    station.write(receiver, None, kind=END)
    assert list(receiver) == [1, 2]
    assert list(receiver) == []
    with pytest.raises(EndOfStream, match="every sender of this receiver is closed"):
        receiver.get()


def test_stream_ends_with_the_last_of_its_writers(station: Station, receiver: Receiver) -> None:
    place = [(0, fields_of(receiver)[1])]
    station.streams.expect(place, CHILD)
    station.streams.expect(place, OTHER)
    station.write(receiver, None, kind=END)
    with pytest.raises(CallTimeout):
        receiver.get(0)
    station.write(receiver, "late", src=OTHER)
    station.write(receiver, None, kind=END, src=OTHER)
    assert list(receiver) == ["late"]


def test_context_that_was_given_two_senders_closes_both(
    station: Station, receiver: Receiver
) -> None:
    place = [(0, fields_of(receiver)[1])]
    station.streams.expect(place, CHILD)
    station.streams.expect(place, CHILD)
    station.write(receiver, None, kind=END)
    with pytest.raises(CallTimeout):
        receiver.get(0)
    station.write(receiver, None, kind=END)
    with pytest.raises(EndOfStream):
        receiver.get(0)


def test_error_of_a_writer_is_raised_in_its_turn_and_the_others_go_on(
    station: Station, receiver: Receiver
) -> None:
    station.streams.expect([(0, fields_of(receiver)[1])], OTHER)
    station.write(receiver, "before")
    station.write(receiver, ("app.Broken", "no \x1b[31mluck"), kind=END)
    station.write(receiver, "after", src=OTHER)
    station.write(receiver, None, kind=END, src=OTHER)

    assert receiver.get(0) == "before"
    with pytest.raises(RemoteError) as caught:
        receiver.get(0)
    assert str(caught.value) == "app.Broken: no \\x1b[31mluck"
    assert caught.value.context_name == "web1"
    assert list(receiver) == ["after"]


def test_error_of_the_only_writer_stays_the_end(station: Station, receiver: Receiver) -> None:
    station.write(receiver, ("ValueError", "no"), kind=END)
    for _ in range(3):
        with pytest.raises(RemoteError, match="ValueError: no"):
            receiver.get(0)


def test_loss_of_a_writer_comes_after_what_it_sent_with_its_reason(
    station: Station, receiver: Receiver
) -> None:
    station.write(receiver, 1, 2)
    station.child.hang_up()
    assert [receiver.get(0), receiver.get(0)] == [1, 2]
    for _ in range(2):
        with pytest.raises(DisconnectedError, match="closed the connection"):
            receiver.get(0)


def test_loss_of_who_was_given_a_sender_and_never_spoke_ends_the_wait(
    station: Station, receiver: Receiver
) -> None:
    station.streams.expect([(0, fields_of(receiver)[1])], CHILD)
    station.child.hang_up()
    with pytest.raises(DisconnectedError):
        receiver.get(0)


def test_loss_of_a_writer_that_has_closed_is_no_news(station: Station, receiver: Receiver) -> None:
    station.write(receiver, 1)
    station.write(receiver, None, kind=END)
    station.child.hang_up()
    assert list(receiver) == [1]


def test_end_of_the_router_ends_a_receiver_that_nobody_ever_wrote_to(
    station: Station, receiver: Receiver
) -> None:
    station.streams.end(DisconnectedError("the router was closed"))
    with pytest.raises(DisconnectedError, match="router was closed"):
        receiver.get()
    with (
        Receiver(station) as late,
        pytest.raises(DisconnectedError, match="router was closed"),
    ):
        late.get()


def test_close_wakes_who_reads_and_tells_who_writes(station: Station) -> None:
    receiver = Receiver(station, WINDOW)
    station.write(receiver, 1)
    assert receiver.get(0) == 1
    raised: list[Exception] = []

    def read() -> None:
        try:
            receiver.get(30)
        except Error as error:
            raised.append(error)

    thread = threading.Thread(target=read)
    thread.start()
    receiver.close()
    receiver.close()
    thread.join(30)
    assert [str(error) for error in raised] == ["this receiver is closed"]
    assert station.refusals() == ["the receiver is closed"]
    station.write(receiver, 2)
    assert station.refusals() == ["the receiver is closed"]


def test_only_the_respondent_may_write(station: Station) -> None:
    receiver = Receiver(station, WINDOW)
    receiver._inbox.close()
    chosen = station.streams.open_inbox(WINDOW, CHILD)
    receiver._inbox = chosen
    station.write(receiver, "stranger", src=OTHER)
    station.write(receiver, "friend")
    assert receiver.get(0) == "friend"
    assert station.refusals(OTHER) == ["context 6 is not the one that may write to this receiver"]
    station.child.hang_up()
    with pytest.raises(DisconnectedError):
        receiver.get(0)
    receiver.close()


def test_who_may_not_write_is_not_waited_for(station: Station) -> None:
    with Receiver(station, WINDOW, Chosen(station, CHILD)) as receiver:  # type: ignore[arg-type]
        station.streams.expect([(0, fields_of(receiver)[1])], OTHER)
        station.streams.expect([(0, fields_of(receiver)[1])], 0)
        station.write(receiver, 1)
        station.write(receiver, None, kind=END)
        assert list(receiver) == [1]


def test_sender_that_was_not_sent_after_all_ends_no_other_wait(
    station: Station, receiver: Receiver
) -> None:
    place = [(0, fields_of(receiver)[1])]
    station.streams.expect(place, CHILD)
    station.streams.expect(place, CHILD)
    station.streams.take_back(place, CHILD)
    with pytest.raises(CallTimeout):
        receiver.get(0)
    station.streams.expect(place, CHILD)
    station.write(receiver, 1)
    station.write(receiver, None, kind=END)
    assert receiver.get(0) == 1
    with pytest.raises(CallTimeout):
        receiver.get(0)
    station.streams.take_back(place, CHILD)
    assert list(receiver) == []


def test_sender_that_was_not_sent_leaves_who_speaks_a_writer(
    station: Station, receiver: Receiver
) -> None:
    place = [(0, fields_of(receiver)[1])]
    station.write(receiver, None, kind=END, src=OTHER)
    station.write(receiver, 1)
    station.streams.expect(place, CHILD)
    station.streams.take_back(place, CHILD)
    assert receiver.get(0) == 1
    with pytest.raises(CallTimeout):
        receiver.get(0)
    station.streams.take_back(place, 999)
    station.write(receiver, None, kind=END)
    assert list(receiver) == []


def test_sender_that_was_not_sent_leaves_the_respondent_a_writer(station: Station) -> None:
    with Receiver(station, WINDOW, Chosen(station, CHILD)) as receiver:  # type: ignore[arg-type]
        place = [(0, fields_of(receiver)[1])]
        station.streams.expect(place, CHILD)
        station.streams.take_back(place, CHILD)
        station.child.hang_up()
        with pytest.raises(DisconnectedError):
            receiver.get(0)


def test_receivers_in_one_value_expect_a_context_all_or_none(
    station: Station, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Receiver(station) as full:
        station.write(full, 1, src=OTHER)
        monkeypatch.setattr(inbox, "MAX_WRITERS", 1)
        places = [(0, fields_of(one)[1]) for one in (receiver, full)]
        with pytest.raises(RefusedError, match="may have 1 writers"):
            station.streams.expect(places, CHILD)
        assert receiver._inbox._writers == {}


def test_frame_that_is_handled_while_its_writer_is_lost_makes_nobody_wait(
    station: Station, receiver: Receiver
) -> None:
    (frame,) = station.frames(receiver, 1)
    station.write(receiver, 0)
    station.child.hang_up()
    receiver._inbox.deliver(message(frame, dst=0, src=CHILD, encoding=RAW))
    assert receiver.get(0) == 0
    for _ in range(2):
        with pytest.raises(DisconnectedError):
            receiver.get(0)
    assert (receiver._inbox._writers, station.reports) == ({}, [])


def test_parent_and_where_they_may_talk_sibling_are_heard_though_no_route_leads_there(
    station: Station, receiver: Receiver
) -> None:
    station.switch.parents, station.switch.upstream = (1,), station.child.link
    (frame,) = station.frames(receiver, "hello")
    for src in (1, 999):
        receiver._inbox.deliver(message(frame, dst=0, src=src, encoding=RAW))
    station.switch.siblings = True
    receiver._inbox.deliver(message(frame, dst=0, src=999, encoding=RAW))
    assert receiver._inbox._writers.keys() == {1, 999}
    assert [receiver.get(0), receiver.get(0)] == ["hello", "hello"]
    with pytest.raises(CallTimeout):
        receiver.get(0)


# -- hostile writers -----------------------------------------------------------------------------


def test_wrong_token_is_refused_reported_once_and_costs_nothing(
    station: Station, receiver: Receiver
) -> None:
    right = fields_of(receiver)[2]
    for token in (bytes(16), b"", right[:15] + bytes([right[15] ^ 1])):
        station.write(receiver, *range(50), token=token)
    assert set(station.refusals()) == {"a frame without the token of this receiver"}
    assert len(station.reports) == 1
    assert receiver._inbox._writers == {}
    station.write(receiver, "fine", src=OTHER)
    assert receiver.get(0) == "fine"


def test_writer_beyond_its_credit_is_cut_off_and_the_others_go_on(
    station: Station, receiver: Receiver
) -> None:
    station.write(receiver, *range(10_000))
    station.write(receiver, "fine", src=OTHER)
    taken = 0
    with pytest.raises(ProtocolError, match="web1 sent more than its credit, a window of 65536"):
        while True:
            assert receiver.get(0) == taken
            taken += 1
    assert 64 <= taken <= 64 * 2
    assert receiver.get(0) == "fine"
    station.write(receiver, "again")
    station.write(receiver, None, kind=END)
    assert len(station.reports) == 1
    assert station.refusals() == ["sent more than its credit, a window of 65536 bytes"]
    station.write(receiver, None, kind=END, src=OTHER)
    with pytest.raises(EndOfStream):
        receiver.get(0)


def test_value_larger_than_the_credit_is_not_kept(station: Station, receiver: Receiver) -> None:
    station.write(receiver, bytes(10 * PART_SIZE), kind=BYTES)
    with pytest.raises(ProtocolError, match="more than its credit"):
        receiver.get(0)


def test_unfinished_values_cost_no_more_than_the_window(
    station: Station, receiver: Receiver
) -> None:
    part = fields_of(receiver)[2] + bytes((MORE,)) + bytes(1000)
    for _ in range(1000):
        station.write_frame(receiver, part)
    with pytest.raises(ProtocolError, match="more than its credit"):
        receiver.get(0)


def test_value_that_was_given_up_in_the_middle_is_forgotten_with_its_credit_returned(
    station: Station, receiver: Receiver
) -> None:
    token = fields_of(receiver)[2]
    for number in range(200):
        station.write_frame(receiver, token + bytes((MORE,)) + b"half of it")
        station.write(receiver, number)
        assert receiver.get(0) == number


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(7, id="unknown kind"),
        pytest.param(VALUES | MORE, id="batch in parts"),
        pytest.param(VALUES | GOES_ON, id="batch that goes on"),
        pytest.param(0x3F, id="unknown kind with all bits"),
        pytest.param(GOES_ON, id="end of a value without its beginning"),
        pytest.param(GOES_ON | MORE, id="middle of a value without its beginning"),
        pytest.param(END | MORE, id="end in parts"),
        pytest.param(END | GOES_ON, id="end that goes on"),
    ],
)
def test_frame_that_no_sender_makes_cuts_its_writer_off(
    station: Station, receiver: Receiver, head: int
) -> None:
    station.write_frame(receiver, fields_of(receiver)[2] + bytes((head,)) + b"\xc0")
    with pytest.raises(ProtocolError, match=r"web1 sent .*: it is cut off"):
        receiver.get(0)


@pytest.mark.parametrize("encoding", [PLAIN, PICKLE, ERROR, DEAD, 0x7F])
def test_frame_in_another_encoding_cuts_its_writer_off(
    station: Station, receiver: Receiver, encoding: int
) -> None:
    station.write_frame(receiver, fields_of(receiver)[2] + b"\x00\xc0", encoding=encoding)
    with pytest.raises(ProtocolError):
        receiver.get(0)


def test_fragments_are_refused_before_anything_is_kept(
    station: Station, receiver: Receiver
) -> None:
    first = b"\0\0\0\1" + (300_000).to_bytes(4, "big") + fields_of(receiver)[2] + bytes(200_000)
    station.write_frame(receiver, first, encoding=RAW | FRAGMENT)
    assert len(station.refusals()) == 1
    assert station.switch._reassembler._partials == {}
    station.write(receiver, "fine")
    assert receiver.get(0) == "fine"


def test_ends_without_end_cost_nothing(station: Station, receiver: Receiver) -> None:
    reason = encode(("Flood", "x" * 1000))
    for _ in range(1000):
        station.write(receiver, reason, kind=END)
    assert len(receiver._inbox._queue) == 1
    with pytest.raises(RemoteError):
        receiver.get(0)


def test_ends_between_values_cost_no_more_than_as_much_again(
    station: Station, receiver: Receiver
) -> None:
    reason = encode(("Flood", "x" * 2000))
    for _ in range(1000):
        station.write(receiver, 0)
        station.write(receiver, reason, kind=END)
    held = sum(len(item.data) for item in receiver._inbox._queue)
    assert held <= 2 * (WINDOW // 2 * 3 + VALUE_COST)


def test_ends_of_unfinished_values_keep_few_texts_and_every_failure(
    station: Station, receiver: Receiver
) -> None:
    part = fields_of(receiver)[2] + bytes((MORE,)) + b"x"
    station.write_frame(receiver, part)
    station.write(receiver, ("Flood", "x" * 2000), kind=END)
    for _ in range(70):
        station.write_frame(receiver, part)
        station.write(receiver, ("Flood", "x" * 2000), kind=END)
    queue = receiver._inbox._queue
    assert len(queue) == 71
    assert sum(len(data) for data in {id(item.data): item.data for item in queue}.values()) < (
        (inbox.MAX_FAILURES + 1) * END_LIMIT
    )
    told: list[str] = []
    for _ in range(71):
        with pytest.raises(RemoteError) as caught:
            receiver.get(0)
        told.append(str(caught.value))
    assert told[:64] == ["Flood: " + "x" * 2000] * 64
    assert set(told[64:]) == {
        "Error: a sender was closed with an error; its text is not kept, 64 are unread"
    }
    station.write(receiver, 1)
    station.write(receiver, ("Flood", "again"), kind=END)
    assert receiver.get(0) == 1
    with pytest.raises(RemoteError, match="Flood: again"):
        receiver.get(0)


def test_end_that_is_too_long_or_means_nothing_is_an_error(
    station: Station, receiver: Receiver
) -> None:
    station.write(receiver, ("E", "x" * END_LIMIT), kind=END)
    with pytest.raises(ProtocolError, match="web1 sent an end of"):
        receiver.get(0)
    station.write(receiver, {"not": "a reason"}, kind=END, src=OTHER)
    with pytest.raises(ProtocolError, match="web2 ended a stream without saying why"):
        receiver.get(0)


def test_values_after_an_end_begin_anew(station: Station, receiver: Receiver) -> None:
    station.write(receiver, 1)
    station.write(receiver, None, kind=END)
    station.write(receiver, 2)
    assert [receiver.get(0), receiver.get(0)] == [1, 2]
    with pytest.raises(CallTimeout):
        receiver.get(0)


def test_writers_are_limited(
    station: Station, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox, "MAX_WRITERS", 1)
    station.write(receiver, 1)
    station.write(receiver, 2, src=OTHER)
    assert station.refusals(OTHER) == ["this receiver has 1 writers, at most so many are heard"]
    assert receiver.get(0) == 1
    station.child.hang_up()
    station.write(receiver, 3, src=OTHER)
    with pytest.raises(DisconnectedError):
        receiver.get(0)
    assert receiver.get(0) == 3
