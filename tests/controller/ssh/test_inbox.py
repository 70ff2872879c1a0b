"""What arrives for a channel: handed on, counted, and not kept, whatever a server sends."""

import threading
import tracemalloc

from remotesvc.controller.ssh.inbox import WORTHWHILE, Inbox


def test_what_came_before_is_handed_on_first_and_then_all_in_order() -> None:
    inbox = Inbox(threading.Event())
    heard: list[bytes] = []
    for data in (b"one", b"", b"two"):
        inbox.feed(data)
    inbox.start(heard.append)
    inbox.feed(b"three")
    assert heard == [b"onetwo", b"three"] and len(inbox) == 11
    assert len(inbox.read(4)) == 4 and len(inbox.read(100)) == 7
    assert inbox.read(100) == b"" and not inbox.read_ready()


def test_reader_is_woken_for_what_is_worth_it_and_at_the_end() -> None:
    inbox = Inbox(threading.Event())
    inbox.start(lambda data: None)
    inbox.feed(bytes(WORTHWHILE))
    assert not inbox._arrival.is_set()
    inbox.feed(b"x")
    assert inbox._arrival.is_set()
    inbox._arrival.clear()
    inbox.close()
    assert inbox._arrival.is_set()


def test_server_that_heeds_no_window_fills_no_memory() -> None:
    inbox = Inbox(threading.Event())
    inbox.start(lambda data: None)
    tracemalloc.start()
    try:
        for _ in range(64):
            inbox.feed(bytes(1 << 20))
        for _ in range(100_000):
            inbox.feed(b"")
        held = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert held < 1 << 20
    assert len(inbox) == 64 << 20


def test_what_is_read_while_more_arrives_is_not_counted_again() -> None:
    inbox = Inbox(threading.Event())

    class Interrupted(bytes):
        """Arrives while the reading thread takes what was there before."""

        def __len__(self) -> int:
            taken.append(len(inbox.read(0 if taken else 100)))
            return super().__len__()

    taken: list[int] = []

    inbox.feed(bytes(100))
    inbox.feed(Interrupted(50))
    assert taken[0] == 100 and len(inbox) == 50
