"""The queue between the hosts and whoever reports them: items wait for room, the rest never."""

import threading

from remotesvc.cli.events import ITEMS_LIMIT, Events, Notice
from remotesvc.cli.outcome import Item, Kind, Outcome


def item(index: int) -> Item:
    return Item("web1", index, None)


def test_events_come_in_their_order() -> None:
    events = Events()
    told: list[Notice | Outcome | None] = [Notice("a"), Outcome("web1", Kind.OK, 0.1), None]
    for event in told:
        assert events.offer(item(0))
        events.tell(event)

    assert [events.get() for _ in range(6)] == [
        item(0), told[0], item(0), told[1], item(0), told[2]
    ]  # fmt: skip


def test_item_waits_until_one_was_taken_and_outcomes_do_not() -> None:
    events = Events()
    for index in range(ITEMS_LIMIT):
        assert events.offer(item(index))
    taken: list[bool] = []
    thread = threading.Thread(target=lambda: taken.append(events.offer(item(ITEMS_LIMIT))))
    thread.start()
    events.tell(Notice("never waits"))
    was_waiting = not taken

    assert events.get() == item(0)
    thread.join()

    assert was_waiting
    assert taken == [True]


def test_all_who_wait_go_on_when_no_more_items_are_taken() -> None:
    events = Events()
    for index in range(ITEMS_LIMIT):
        events.offer(item(index))
    taken: list[bool] = []
    threads = [
        threading.Thread(target=lambda: taken.append(events.offer(item(-1)))) for _ in range(3)
    ]
    for thread in threads:
        thread.start()

    events.close()
    events.close()
    for thread in threads:
        thread.join()

    assert taken == [False] * 3
    assert events.get() == item(0)
    assert not events.offer(item(1))
