"""Select: fair between its members, awake when one has something, and done when all have ended."""

import threading
from typing import Any

import pytest

from remotesvc import CallTimeout, EndOfStream, Error, Receiver, RemoteError, Select
from remotesvc.channel.frames import END, VALUES
from remotesvc.core.values import encode
from tests.channel.ends import OTHER, Station, fields_of

DEADLINE = 30.0


@pytest.fixture
def station() -> Station:
    return Station()


def shown(select: Select) -> Any:
    """Return receiver and value of the next event."""
    event = select.get(0)
    assert event.error is None
    return event.receiver, event.value


@pytest.mark.parametrize("nested", [False, True])
def test_receiver_that_is_not_in_a_list_is_refused_and_loses_nothing(
    station: Station, nested: bool
) -> None:
    with Receiver(station) as one, Select([one]) as select:
        station.write(one, 1)
        with pytest.raises(TypeError, match=r"Select\(\[receiver\]\)"):
            Select(select if nested else one)  # type: ignore[arg-type]
        assert shown(select) == (one, 1)


# -- taking --------------------------------------------------------------------------------------


def test_values_come_with_who_had_them_and_each_has_its_turn(station: Station) -> None:
    with Receiver(station) as one, Receiver(station) as two, Select((one, two)) as select:
        station.write(one, 1, 2, 3)
        station.write(two, "a", "b", "c", src=OTHER)
        taken = [shown(select) for _ in range(6)]
        assert taken == [(one, 1), (two, "a"), (one, 2), (two, "b"), (one, 3), (two, "c")]
        with pytest.raises(CallTimeout, match="no event came within 0 s"):
            select.get(0)


def test_rest_of_a_batch_is_not_forgotten(station: Station) -> None:
    with Receiver(station) as one, Select([one]) as select:
        frame = fields_of(one)[2] + bytes((VALUES,)) + encode([1, 2, 3])
        station.write_frame(one, frame)
        assert [shown(select)[1] for _ in range(3)] == [1, 2, 3]
        assert select.poll() is None


def test_member_that_has_something_when_it_is_added_is_heard(station: Station) -> None:
    with Receiver(station) as one, Select() as select:
        station.write(one, 1)
        select.add(one)
        assert shown(select) == (one, 1)


def test_wait_ends_when_something_comes(station: Station) -> None:
    with Receiver(station) as one, Receiver(station) as two, Select((one, two)) as select:
        got: list[Any] = []
        thread = threading.Thread(target=lambda: got.append(select.get(DEADLINE).value))
        thread.start()
        station.write(two, "hello")
        thread.join(DEADLINE)
        assert got == ["hello"]


def test_threads_that_wait_get_one_event_each(station: Station) -> None:
    with Receiver(station) as one, Select([one]) as select:
        got: list[Any] = []
        threads = [
            threading.Thread(target=lambda: got.append(select.get(DEADLINE).value))
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        station.write(one, *range(4))
        for thread in threads:
            thread.join(DEADLINE)
        assert sorted(got) == [0, 1, 2, 3]


def test_whoever_waits_in_a_select_sends_what_is_gathered(station: Station) -> None:
    sender = station.lent_sender(1 << 20)
    with Receiver(station) as one, Select([one]) as select:
        for number in range(3):
            sender.send(number)
        assert len(station.heard()) == 1
        with pytest.raises(CallTimeout):
            select.get(0)
        assert len(station.heard()) == 1


# -- ends ----------------------------------------------------------------------------------------


def test_member_that_ends_is_an_event_and_leaves(station: Station) -> None:
    with Receiver(station) as one, Receiver(station) as two, Select((one, two)) as select:
        station.write(one, 1)
        station.write(one, None, kind=END)
        station.write(two, ("app.Broken", "no luck"), kind=END, src=OTHER)
        events = list(select)
        assert [(event.receiver, event.value) for event in events] == [
            (one, 1),
            (two, None),
            (one, None),
        ]
        assert [type(event.error) for event in events] == [type(None), RemoteError, EndOfStream]
        assert [event.is_end for event in events] == [False, True, True]
        assert len(select) == 0 and not select


def test_failure_of_one_writer_leaves_the_receiver_a_member(station: Station) -> None:
    with Receiver(station) as one, Select([one]) as select:
        station.write(one, "other", src=OTHER)
        assert shown(select) == (one, "other")
        station.write(one, 1)
        station.write(one, ("E", "no"), kind=END)
        assert shown(select) == (one, 1)
        event = select.get(0)
        assert (type(event.error), event.is_end) == (RemoteError, False)
        station.write(one, "more", src=OTHER)
        assert shown(select) == (one, "more")


def test_receiver_that_is_closed_here_leaves(station: Station) -> None:
    with Select() as select:
        receiver = Receiver(station)
        select.add(receiver)
        receiver.close()
        event = select.get(0)
        assert (str(event.error), event.is_end) == ("this receiver is closed", True)
        with pytest.raises(Error, match="nothing to wait for"):
            select.get()


def test_malformed_value_is_an_event_and_the_stream_goes_on(station: Station) -> None:
    with Receiver(station) as one, Select([one]) as select:
        station.write(one, b"\xc1")
        station.write(one, "fine")
        event = select.get(0)
        assert "malformed" in str(event.error) and not event.is_end
        assert shown(select) == (one, "fine")


# -- members -------------------------------------------------------------------------------------


def test_wait_without_members_is_refused_and_ends_with_the_last_one(station: Station) -> None:
    with Receiver(station) as one, Select() as select, Select([select]) as outer:
        for empty in (select, outer):
            with pytest.raises(Error, match="this select has nothing to wait for: add a receiver"):
                empty.get()
        select.add(one)
        raised: list[Exception] = []

        def wait() -> None:
            try:
                select.get(DEADLINE)
            except Error as error:
                raised.append(error)

        thread = threading.Thread(target=wait)
        thread.start()
        select.remove(one)
        thread.join(DEADLINE)
        assert [str(error) for error in raised] == [
            "this select has nothing to wait for: add a receiver"
        ]


def test_member_that_was_removed_is_not_heard_and_may_come_back(station: Station) -> None:
    with Receiver(station) as one, Receiver(station) as two, Select((one, two)) as select:
        station.write(one, 1)
        select.remove(one)
        station.write(one, 2)
        assert select.poll() is None
        with pytest.raises(ValueError, match="is not a member"):
            select.remove(one)
        select.add(one)
        assert [shown(select)[1], shown(select)[1]] == [1, 2]


def test_wrong_members_are_told(station: Station) -> None:
    wrong: Any = 7
    with Receiver(station) as one, Select([one]) as select, Select([select]) as outer:
        with pytest.raises(TypeError, match="wanted is a Receiver, Channel or Select"):
            select.add(wrong)
        with pytest.raises(ValueError, match="is a member already"):
            select.add(one)
        for inner in (select, outer):
            with pytest.raises(ValueError, match="would wait for itself"):
                select.add(inner)


def test_select_in_a_select_gives_the_events_of_its_members(station: Station) -> None:
    with (
        Receiver(station) as one,
        Receiver(station) as two,
        Select([one]) as inner,
        Select((inner, two)) as outer,
    ):
        station.write(one, 1, 2)
        station.write(two, "a", "b")
        assert [shown(outer) for _ in range(4)] == [(one, 1), (two, "a"), (one, 2), (two, "b")]
        assert outer.poll() is None
        station.write(one, 3)
        assert shown(outer) == (one, 3)
        station.write(one, None, kind=END)
        assert outer.get(0).is_end
        assert (len(inner), len(outer)) == (0, 2)


# -- news ----------------------------------------------------------------------------------------


def test_news_come_once_after_nothing_was_found(station: Station) -> None:
    with Receiver(station) as one, Select([one]) as select:
        assert select.poll() is None
        news: list[int] = []
        select.on_ready = lambda: news.append(1)
        station.write(one, 1, 2)
        assert news == [1]
        while select.poll() is not None:
            assert news == [1]
        station.write(one, 3)
        assert news == [1, 1]


def test_news_are_told_to_who_asks_for_them_late(station: Station) -> None:
    with Receiver(station) as one, Select([one]) as select:
        station.write(one, 1)
        news: list[int] = []
        select.on_ready = lambda: news.append(1)
        assert news == [1]
        select.on_ready = None
        assert select.on_ready is None


def test_news_may_take_at_once(station: Station) -> None:
    with Receiver(station) as one, Select([one]) as select, Select([select]) as outer:
        taken: list[Any] = []

        def take() -> None:
            while True:
                event = outer.poll()
                if event is None:
                    return
                taken.append(event.value)

        outer.on_ready = take
        station.write(one, *range(5))
        assert taken == [0, 1, 2, 3, 4]


def test_closed_select_tells_who_waits_and_leaves_its_members_open(station: Station) -> None:
    with Receiver(station) as one:
        select = Select([one])
        raised: list[Exception] = []

        def wait() -> None:
            try:
                select.get(DEADLINE)
            except Error as error:
                raised.append(error)

        thread = threading.Thread(target=wait)
        thread.start()
        select.close()
        select.close()
        thread.join(DEADLINE)
        assert [str(error) for error in raised] == ["this select is closed"]
        with pytest.raises(Error, match="this select is closed"):
            select.add(one)
        station.write(one, 1)
        assert one.get(0) == 1
        assert one._inbox._watchers == ()
