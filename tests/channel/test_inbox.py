"""Inbox: batches under credit, hostile ones too; and writers that others name."""

import threading
from collections.abc import Iterator

import pytest

from remotesvc import CallTimeout, DisconnectedError, Error, ProtocolError, Receiver
from remotesvc.channel.frames import (
    ASK,
    BATCH_SIZE,
    CONTEXT_ID,
    END,
    GIVEN,
    GONE,
    VALUE_COST,
    VALUES,
)
from remotesvc.core.values import SENDER, encode
from tests.channel.ends import CHILD, OTHER, Station, fields_of

WINDOW = 64 * VALUE_COST


@pytest.fixture
def station() -> Station:
    return Station()


@pytest.fixture
def receiver(station: Station) -> Iterator[Receiver]:
    with Receiver(station, WINDOW) as opened:
        yield opened
    assert station.switch._waiters == {}
    assert station.streams._inboxes == {}


# -- batches -------------------------------------------------------------------------------------


def write_batch(station: Station, receiver: Receiver, data: bytes, src: int = CHILD) -> None:
    """Have a child send a frame of many values, whatever it holds."""
    station.write_frame(receiver, fields_of(receiver)[2] + bytes((VALUES,)) + data, src=src)


def test_values_of_a_batch_come_one_by_one_between_others(
    station: Station, receiver: Receiver
) -> None:
    station.write(receiver, "before")
    write_batch(station, receiver, encode([1, [2], None]))
    write_batch(station, receiver, encode([]))
    station.write(receiver, "after")
    assert [receiver.get(0) for _ in range(5)] == ["before", 1, [2], None, "after"]
    with pytest.raises(CallTimeout):
        receiver.get(0)


def test_batch_costs_its_bytes_and_stays_encoded_until_it_is_taken(
    station: Station, receiver: Receiver
) -> None:
    count = 4 * VALUE_COST - 3
    data = encode([None] * count)
    for _ in range(WINDOW // len(data)):
        write_batch(station, receiver, data)
    assert [item.data for item in receiver._inbox._queue] == [data] * 16
    assert not receiver._ready
    for _ in range(7 * count):
        receiver.get(0)
    assert station.granted() == 0
    receiver.get(0)
    assert station.granted() == WINDOW // 2


def test_readers_share_a_batch(station: Station, receiver: Receiver) -> None:
    write_batch(station, receiver, encode(list(range(1000))))
    got: list[int] = []

    def read() -> None:
        for _ in range(250):
            got.append(receiver.get(30))

    threads = [threading.Thread(target=read) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(30)
    assert sorted(got) == list(range(1000))


def test_close_drops_the_rest_of_a_batch(station: Station) -> None:
    receiver = Receiver(station, WINDOW)
    write_batch(station, receiver, encode([1, 2]))
    assert receiver.get(0) == 1
    receiver.close()
    with pytest.raises(Error, match="this receiver is closed"):
        receiver.get(0)


def test_writer_beyond_its_credit_with_batches_is_cut_off(
    station: Station, receiver: Receiver
) -> None:
    batch = encode([None] * 16_000)
    for _ in range(300):
        write_batch(station, receiver, batch)
    assert sum(len(item.data) for item in receiver._inbox._queue) <= 2 * WINDOW
    with pytest.raises(ProtocolError, match="more than its credit"):
        while True:
            receiver.get(0)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\xdc", id="a head cut short"),
        pytest.param(b"\xdc\xff\xff\xcd\x00\x01", id="fewer elements than it says"),
        pytest.param(b"\xdd\xff\xff\xff\xff\x00", id="four thousand million elements"),
        pytest.param(b"\x91" * 10_000 + b"\xc0", id="a nest"),
        pytest.param(b"\xdc\x00\x01" + b"\xd4" * 9_000, id="extensions in one another"),
        pytest.param(b"\x91\xc1", id="an opcode that is none"),
        pytest.param(encode([1]) + b"\x00", id="something behind it"),
        pytest.param(encode({"no": "list"}), id="no list"),
        pytest.param(encode((1, 2)), id="a tuple"),
    ],
)
def test_hostile_batch_is_an_error_of_its_own(
    station: Station, receiver: Receiver, data: bytes
) -> None:
    write_batch(station, receiver, data)
    write_batch(station, receiver, encode([1]), src=OTHER)
    with pytest.raises(ProtocolError):
        receiver.get(0)
    assert receiver.get(0) == 1


def test_batch_longer_than_any_sender_makes_cuts_its_writer_off(station: Station) -> None:
    with Receiver(station) as receiver:
        write_batch(station, receiver, encode([None] * BATCH_SIZE))
        with pytest.raises(ProtocolError, match=r"web1 sent a batch of .*: it is cut off"):
            receiver.get(0)


def test_sender_in_a_batch_is_judged_as_any_other(station: Station, receiver: Receiver) -> None:
    class Lent:
        def __init__(self, *fields: object) -> None:
            self.fields = fields

        def __wire__(self) -> tuple[int, tuple[object, ...]]:
            return SENDER, self.fields

    write_batch(station, receiver, encode([Lent(CHILD, 300, bytes(16), 4096)]))
    write_batch(station, receiver, encode([Lent(OTHER, 300, bytes(16), 4096)]))
    assert receiver.get(0).place == (CHILD, 300)
    with pytest.raises(ProtocolError, match="not context 5's to give"):
        receiver.get(0)


# -- writers that others name --------------------------------------------------------------------


def name_writer(
    station: Station, receiver: Receiver, kind: int, context_id: int, reason: str = ""
) -> None:
    """Have the first child name another writer, as a parent may."""
    data = CONTEXT_ID.pack(context_id) + reason.encode()
    station.write_frame(receiver, fields_of(receiver)[2] + bytes((kind,)) + data)


@pytest.fixture
def below(station: Station, receiver: Receiver) -> Receiver:
    """The Receiver of a context whose parent the first child is."""
    station.switch.parents = (CHILD,)
    return receiver


def test_writer_that_a_parent_names_is_waited_for(station: Station, below: Receiver) -> None:
    name_writer(station, below, GIVEN, 9)
    with pytest.raises(CallTimeout):
        below.get(0)
    assert below._inbox._writers.keys() == {9}
    name_writer(station, below, GONE, 9, "it was killed")
    for _ in range(2):
        with pytest.raises(DisconnectedError, match="it was killed"):
            below.get(0)


def test_writer_that_was_given_nothing_after_all_is_not_waited_for(
    station: Station, below: Receiver
) -> None:
    name_writer(station, below, GIVEN, 9)
    station.write(below, 1)
    station.write(below, None, kind=END)
    name_writer(station, below, GONE, 9)
    assert list(below) == [1]


def test_parent_that_only_names_writers_is_told_when_the_receiver_closes(
    station: Station, below: Receiver
) -> None:
    name_writer(station, below, GIVEN, 9)
    below.close()
    assert station.refusals() == ["the receiver is closed"]


@pytest.mark.parametrize("kind", [GIVEN, GONE])
def test_nobody_but_a_parent_names_writers(
    station: Station, receiver: Receiver, kind: int
) -> None:
    station.write(receiver, "fine", src=OTHER)
    name_writer(station, receiver, kind, OTHER, "lost")
    assert station.refusals() == ["context 5 may not name other writers"]
    assert receiver._inbox._writers.keys() == {OTHER}
    assert receiver.get(0) == "fine"
    with pytest.raises(CallTimeout):
        receiver.get(0)


def test_nonsense_about_writers_is_refused(station: Station, below: Receiver) -> None:
    station.write_frame(below, fields_of(below)[2] + bytes((GIVEN,)) + b"\0\0")
    assert station.refusals() == ["context 5 may not name other writers"]


def test_question_whether_anybody_reads_costs_nothing(
    station: Station, receiver: Receiver
) -> None:
    for _ in range(10_000):
        station.write_frame(receiver, fields_of(receiver)[2] + bytes((ASK,)))
    assert (receiver._inbox._writers, station.refusals()) == ({}, [])
    receiver.close()
    station.write_frame(receiver, bytes(16) + bytes((ASK,)))
    assert station.refusals() == ["the receiver is closed"]
