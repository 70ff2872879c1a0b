"""Sender: under credit, in order, and never stuck; which Senders are believed."""

import threading
from collections.abc import Callable
from typing import Any

import pytest

from remotesvc import (
    CallTimeout,
    DisconnectedError,
    Error,
    MessageTooLarge,
    ProtocolError,
    Receiver,
    RefusedError,
    RemoteError,
    ValueNotSupported,
)
from remotesvc.channel import streams
from remotesvc.channel.frames import END, END_LIMIT, HEAD_SIZE, MAX_WINDOW, VALUE_COST
from remotesvc.channel.sender import Sender, open_sender
from remotesvc.core.credit import GRANT
from remotesvc.core.dead import bury
from remotesvc.core.values import SENDER, decode, encode
from remotesvc.core.wire import DEAD, PLAIN
from tests.channel.ends import CHILD, OTHER, Station, fields_of

DEADLINE = 30.0


@pytest.fixture
def station() -> Station:
    return Station()


def start(target: Callable[[], Any]) -> tuple[threading.Thread, list[Any]]:
    """Run on a thread; the list takes what it returns or raises."""
    outcome: list[Any] = []

    def run() -> None:
        try:
            outcome.append(target())
        except Exception as error:
            outcome.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, outcome


# -- sending -------------------------------------------------------------------------------------


def test_value_goes_with_token_and_credit_handle_on_lent_authority(station: Station) -> None:
    station.lent_sender(handle=300).send([1])
    (sent,) = station.heard()
    assert (sent.dst, sent.src, sent.auth, sent.handle) == (CHILD, 0, CHILD, 300)
    assert sent.payload == bytes(16) + b"\x00" + encode([1])
    assert sent.reply_to in station.switch._waiters


def test_sender_of_a_value_from_a_parent_acts_on_its_own_authority() -> None:
    station = Station()
    station.switch.parents = (CHILD,)
    sender = open_sender(station, CHILD, CHILD, (OTHER, 300, bytes(16), 4096))
    sender.send(1)
    (sent,) = station.other.hear()
    assert sent.auth == 0


def test_window_shuts_after_its_values_and_credit_opens_it(station: Station) -> None:
    sender = station.lent_sender(4 * VALUE_COST)
    for number in range(4):
        sender.send(number, timeout=0)
    with pytest.raises(CallTimeout, match="sending to web1 timed out after 0 s: what was sent"):
        sender.send(4, timeout=0)
    sent = station.heard()
    assert len(sent) == 4

    thread, outcome = start(lambda: sender.send(4, DEADLINE))
    station.answer(sent[0], GRANT.pack(2 * VALUE_COST))
    thread.join(DEADLINE)
    assert outcome == [None]
    sender.send(5, timeout=0)
    with pytest.raises(CallTimeout):
        sender.send(6, timeout=0)


def test_all_senders_to_one_receiver_share_one_window(station: Station) -> None:
    senders = [station.lent_sender(2 * VALUE_COST) for _ in range(3)]
    senders[0].send(0, timeout=0)
    senders[1].send(1, timeout=0)
    with pytest.raises(CallTimeout):
        senders[2].send(2, timeout=0)
    assert len(station.switch._waiters) == 1


def test_value_as_large_as_the_window_goes_and_a_larger_one_is_refused(station: Station) -> None:
    sender = station.lent_sender(1 << 20)
    sender.send(bytes(1 << 20), timeout=0)
    with pytest.raises(MessageTooLarge, match=r"of 1048577 bytes .* window of 1048576: send it"):
        sender.send(bytes((1 << 20) + 1))
    sizes = [len(one.payload) for one in station.heard()]
    assert sum(sizes) == (1 << 20) + 17 * len(sizes)


def test_large_value_waits_for_half_of_the_window_and_not_for_ever(station: Station) -> None:
    sender = station.lent_sender(8 * VALUE_COST)
    for _ in range(5):
        sender.send(0, timeout=0)
    with pytest.raises(CallTimeout):
        sender.send(bytes(8 * VALUE_COST), timeout=0)
    # Less than half of what was read is not granted: so this has to be enough.
    station.answer(station.heard()[0], GRANT.pack(VALUE_COST))
    sender.send(bytes(8 * VALUE_COST), timeout=0)


def test_value_that_cannot_travel_names_its_path_and_nothing_is_sent(station: Station) -> None:
    sender = station.lent_sender()
    with pytest.raises(ValueNotSupported, match=r"value\['x'\]"):
        sender.send({"x": threading.Lock()})
    assert station.heard() == []


def test_sending_on_the_thread_of_the_loop_is_refused(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    def check() -> None:
        raise RuntimeError("a blocking call on the I/O thread")

    monkeypatch.setattr(station, "check_may_block", check)
    with pytest.raises(RuntimeError, match="I/O thread"):
        station.lent_sender().send(1)
    with Receiver(station) as receiver, pytest.raises(RuntimeError, match="I/O thread"):
        receiver.get()


# -- ends ----------------------------------------------------------------------------------------


def test_loss_of_the_receiver_ends_a_send_that_waits_and_all_later_ones(station: Station) -> None:
    sender = station.lent_sender(VALUE_COST)
    sender.send(0)
    thread, outcome = start(lambda: sender.send(1, DEADLINE))
    station.child.hang_up()
    thread.join(DEADLINE)
    assert [type(error) for error in outcome] == [DisconnectedError]
    with pytest.raises(DisconnectedError, match="closed the connection"):
        sender.send(2)
    sender.close()
    assert station.switch._waiters == {}
    assert station.streams._outlets == {}


@pytest.mark.parametrize(
    ("code", "kind"), [("disconnected", DisconnectedError), ("refused", RefusedError)]
)
def test_dead_reply_ends_a_send_that_waits_with_its_reason(
    station: Station, code: str, kind: type[Error]
) -> None:
    sender = station.lent_sender(VALUE_COST)
    sender.send(0)
    thread, outcome = start(lambda: sender.send(1, DEADLINE))
    station.answer(station.heard()[0], bury(code, "the receiver is closed"), DEAD)
    thread.join(DEADLINE)
    assert [(type(error), str(error)) for error in outcome] == [(kind, "the receiver is closed")]
    assert station.switch._waiters == {}
    assert station.streams._outlets == {}


def test_sender_to_a_context_that_is_gone_leaves_nothing_behind(station: Station) -> None:
    sender = station.lent_sender()
    station.child.hang_up()
    for _ in range(2):
        with pytest.raises(DisconnectedError):
            sender.send(1)
    assert (station.switch._waiters, station.streams._outlets) == ({}, {})


def test_close_does_not_wait_for_credit_and_happens_once(station: Station) -> None:
    sender = station.lent_sender(VALUE_COST)
    with pytest.raises(LookupError), sender:
        sender.send(0)
        raise LookupError("lost")
    sender.close()
    ends = [one.payload[16:] for one in station.heard()[1:]]
    assert ends == [b"\x02" + encode(("LookupError", "lost"))]
    with pytest.raises(Error, match="this sender is closed"):
        sender.send(1)


def test_text_of_the_error_is_cut_and_may_fail(station: Station) -> None:
    class Broken(Exception):
        def __str__(self) -> str:
            raise ValueError("no text")

    wide = type("\U0001f40d" * 1000, (Exception,), {})
    for error in (Broken(), ValueError("x" * 10_000_000), wide("\U0001f40d" * 1000)):
        sender = station.lent_sender()
        sender.close(error)
    sent = station.heard()
    assert all(len(one.payload) <= HEAD_SIZE + END_LIMIT for one in sent)
    texts = [decode(one.payload[HEAD_SIZE:]) for one in sent]
    assert texts[0][0].endswith("Broken") and "str() failed with ValueError" in texts[0][1]
    assert [len(text) for _, text in texts[1:]] == [400, 400]


# -- within one process --------------------------------------------------------------------------


def test_sender_and_receiver_of_one_process(station: Station) -> None:
    with Receiver(station, 1 << 20) as receiver:
        for value in (1, b"raw", bytes(600_000), "last"):
            receiver.sender.send(value, timeout=0)
            assert receiver.get(0) == value
        one, other = receiver.sender, receiver.sender
        one.send(1)
        other.send(2)
        one.close()
        other.close(ValueError("no"))
        assert [receiver.get(0), receiver.get(0)] == [1, 2]
        with pytest.raises(RemoteError, match="ValueError: no"):
            receiver.get(0)
    late = receiver.sender
    late.send(1)  # nobody has told it yet
    with pytest.raises(DisconnectedError, match="the receiver is closed"):
        late.send(2)
    assert station.switch._waiters == {}


def test_values_of_several_threads_arrive_whole_and_in_the_order_of_each() -> None:
    station = Station()
    with Receiver(station, 1 << 20) as receiver:
        sender = receiver.sender

        def run(thread: int) -> None:
            for number in range(20):
                sender.send((thread, number, bytes([thread]) * 300_000), DEADLINE)

        running = [start(lambda n=n: run(n))[0] for n in range(3)]  # type: ignore[misc]
        numbers: dict[int, list[int]] = {0: [], 1: [], 2: []}
        for _ in range(60):
            thread, number, padding = receiver.get(DEADLINE)
            assert padding == bytes([thread]) * 300_000
            numbers[thread].append(number)
        for one in running:
            one.join(DEADLINE)
    assert all(order == list(range(20)) for order in numbers.values())


def test_sender_inside_a_value_makes_its_receiver_wait_for_who_got_it(station: Station) -> None:
    with Receiver(station) as receiver:
        station.lent_sender().send({"reply to": receiver.sender})
        station.child.hang_up()
        with pytest.raises(DisconnectedError):
            receiver.get(0)


def test_sender_inside_a_value_that_is_not_sent_makes_nobody_wait(station: Station) -> None:
    with Receiver(station) as receiver:
        sender = station.lent_sender(VALUE_COST)
        with pytest.raises(MessageTooLarge):
            sender.send([receiver.sender, bytes(2 * VALUE_COST)])
        sender.send(0)
        with pytest.raises(CallTimeout):
            sender.send(receiver.sender, timeout=0)
        assert receiver._inbox._writers == {}
        station.write(receiver, None, kind=END, src=OTHER)
        assert list(receiver) == []


# -- trust ---------------------------------------------------------------------------------------

GOOD = (CHILD, 300, bytes(16), 4096)


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param((), id="nothing"),
        pytest.param(GOOD[:3], id="too short"),
        pytest.param((*GOOD, 1), id="too long"),
        pytest.param((True, *GOOD[1:]), id="a bool for the context"),
        pytest.param(("5", *GOOD[1:]), id="a text for the context"),
        pytest.param((OTHER, *GOOD[1:]), id="a sibling"),
        pytest.param((999, *GOOD[1:]), id="a context that is not there"),
        pytest.param((-1, *GOOD[1:]), id="no context at all"),
        pytest.param((CHILD, 4, *GOOD[2:]), id="CALL_FUNCTION of the child"),
        pytest.param((0, 4, *GOOD[2:]), id="CALL_FUNCTION of ours"),
        pytest.param((CHILD, 255, *GOOD[2:]), id="the last reserved handle"),
        pytest.param((CHILD, 1 << 32, *GOOD[2:]), id="a handle beyond the header"),
        pytest.param((CHILD, 300, bytes(15), 4096), id="a short token"),
        pytest.param((CHILD, 300, bytes(17), 4096), id="a long token"),
        pytest.param((CHILD, 300, "x" * 16, 4096), id="a text for the token"),
        pytest.param((CHILD, 300, bytes(16), 0), id="no window"),
        pytest.param((CHILD, 300, bytes(16), MAX_WINDOW + 1), id="a window too large"),
        pytest.param((CHILD, 300, bytes(16), 1.5), id="a broken window"),
    ],
)
def test_sender_from_below_that_is_not_its_to_give_is_a_breach_of_protocol(
    station: Station, fields: tuple[Any, ...]
) -> None:
    with pytest.raises(ProtocolError):
        open_sender(station, CHILD, CHILD, fields)


def test_sender_of_ours_comes_back_from_a_child_but_its_token_must_be_right(
    station: Station,
) -> None:
    with Receiver(station) as receiver:
        back = open_sender(station, CHILD, CHILD, fields_of(receiver))
        back.send("known")
        assert receiver.get(0) == "known"
        place, (token, window) = fields_of(receiver)[:2], fields_of(receiver)[2:]
        for forged in ((bytes(16), window), (token, window - 1)):
            with pytest.raises(ProtocolError, match="where no receiver of ours gave it"):
                open_sender(station, CHILD, CHILD, (*place, *forged))
        back.close()
        assert receiver._inbox._writers.keys() == {0}
    with pytest.raises(ProtocolError, match="no receiver of ours"):
        open_sender(station, CHILD, CHILD, (*place, token, window))


def test_sender_to_what_is_no_receiver_of_ours_is_refused_even_from_ourselves(
    station: Station,
) -> None:
    station.lent_sender().send("makes a handle for credit")
    for handle in station.switch._waiters:
        for src in (0, CHILD):
            with pytest.raises(ProtocolError, match="no receiver of ours"):
                open_sender(station, src, src, (0, handle, bytes(16), 4096))


def test_a_great_many_senders_in_one_value_leave_no_trace(station: Station) -> None:
    class Fake:
        def __wire__(self) -> tuple[int, tuple[Any, ...]]:
            return SENDER, GOOD

    senders = station.decode(encode([Fake() for _ in range(50_000)]), CHILD, CHILD)
    assert all(type(one) is Sender for one in senders)
    assert (station.switch._waiters, station.streams._outlets) == ({}, {})


def test_senders_that_were_used_and_closed_leave_no_trace(station: Station) -> None:
    for number in range(200):
        station.lent_sender(handle=300 + number).close()
    assert (station.switch._waiters, station.streams._outlets) == ({}, {})


def test_writing_end_stays_until_all_that_was_sent_is_granted_again(station: Station) -> None:
    with station.lent_sender(2 * VALUE_COST) as sender:
        sender.send(0, timeout=0)
    (sent, _) = station.heard()
    with station.lent_sender(2 * VALUE_COST) as sender:
        sender.send(1, timeout=0)
        with pytest.raises(CallTimeout):
            sender.send(2, timeout=0)
    station.answer(sent, GRANT.pack(VALUE_COST))
    assert len(station.streams._outlets) == 1
    station.answer(sent, GRANT.pack(VALUE_COST))
    assert (station.switch._waiters, station.streams._outlets) == ({}, {})


def test_writing_end_stays_while_another_sender_is_open(station: Station) -> None:
    one, other = station.lent_sender(), station.lent_sender()
    one.send(0)
    other.send(1)
    station.answer(station.heard()[0], GRANT.pack(2 * VALUE_COST))
    one.close()
    other.send(2)
    assert len(station.streams._outlets) == 1


def test_streams_to_one_child_that_never_reads_are_limited_and_the_others_go_on(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "MAX_OUTLETS", 2)
    for handle in (300, 301):
        with station.lent_sender(handle=handle) as sender:
            sender.send(0)
    late = station.lent_sender(handle=302)
    with pytest.raises(RefusedError, match=r"2 streams to web1 are open, .* close their rec"):
        late.send(0)
    late.close()
    station.lent_sender(handle=301).send("known")
    open_sender(station, OTHER, OTHER, (OTHER, 300, bytes(16), 4096)).send("fine")
    with Receiver(station) as receiver:
        receiver.sender.send("fine")
        assert receiver.get(0) == "fine"
    assert len(station.streams._outlets) == 3


def test_credit_is_taken_from_the_reading_context_only_and_garbage_is_no_credit(
    station: Station,
) -> None:
    sender = station.lent_sender(VALUE_COST)
    sender.send(0)
    (sent,) = station.heard()
    station.answer(sent, GRANT.pack(1 << 20), src=OTHER)
    station.answer(sent, b"")
    station.answer(sent, bytes(200_000))
    station.answer(sent, GRANT.pack(0))
    with pytest.raises(CallTimeout):
        sender.send(1, timeout=0)
    assert any("answers a call that was made to context 5" in text for text in station.reports)


def test_answer_that_is_no_credit_ends_the_stream(station: Station) -> None:
    sender = station.lent_sender(VALUE_COST)
    sender.send(0)
    station.answer(station.heard()[0], encode("hello"), PLAIN)
    with pytest.raises(ProtocolError):
        sender.send(1, timeout=0)
