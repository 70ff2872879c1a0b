"""Senders handed on to third parties: who may, who waits for whom, and what ends it."""

from collections.abc import Iterator

import pytest

from remotesvc import Context, Receiver, RefusedError, RemoteError, Router
from tests.integration.targets import channels

DEADLINE = 30.0


@pytest.fixture
def siblings(no_leaks: None) -> Iterator[tuple[Router, Context, Context]]:
    """A router whose children may talk to each other, and two of them."""
    with Router(siblings=True) as router:
        yield router, router.local("reader"), router.local("writer")


def test_sender_of_one_child_is_used_by_another(
    siblings: tuple[Router, Context, Context],
) -> None:
    _, reader, writer = siblings
    with reader.call(channels.open_receiver) as sender:
        running = reader.submit(channels.read_all)
        handed = writer.submit(channels.send_numbers, sender, 50_000)
    # Ours is closed already: the reader was told that another one writes.
    handed.result(DEADLINE)
    assert running.result(DEADLINE) == list(range(50_000))


def test_loss_of_who_was_given_a_sender_is_told_to_the_reader(
    siblings: tuple[Router, Context, Context],
) -> None:
    _, reader, writer = siblings
    with reader.call(channels.open_receiver) as sender:
        running = reader.submit(channels.read_all)
        writer.call(channels.send_and_keep, sender, "last")
    writer.kill()
    assert running.result(DEADLINE) == [
        "last",
        "DisconnectedError: writer was killed from here",
    ]


def test_loss_of_the_reader_ends_a_send_that_waits(
    siblings: tuple[Router, Context, Context],
) -> None:
    router, reader, writer = siblings
    sender = reader.call(channels.open_receiver)
    running = writer.submit(channels.fill, sender)
    writer_link = router.switch.routes[reader.id]
    while writer_link.bytes_sent < 500_000:
        reader.call(abs, -1)
    reader.kill()
    assert running.result(DEADLINE).startswith("DisconnectedError: ")


def test_window_counts_for_each_writer(siblings: tuple[Router, Context, Context]) -> None:
    router, reader, writer = siblings
    other = router.local("other")
    sender = reader.call(channels.open_receiver)
    for one in (writer, other):
        one.call(channels.send_numbers, sender, 3)
    sender.close()
    assert sorted(reader.call(channels.read_all)) == [0, 0, 1, 1, 2, 2]


def test_sender_of_ours_goes_from_child_to_child_by_way_of_us(
    siblings: tuple[Router, Context, Context],
) -> None:
    router, first, second = siblings
    with Receiver(router) as receiver:
        with Receiver(router) as way:
            first.call(channels.give, way.sender, receiver.sender)
            with way.get(DEADLINE) as back:
                second.call(channels.send_numbers, back, 3)
        assert [receiver.get(DEADLINE) for _ in range(3)] == [0, 1, 2]


def test_child_may_not_hand_on_what_leads_to_us_and_is_told(
    siblings: tuple[Router, Context, Context],
) -> None:
    router, reader, writer = siblings
    to_sibling = reader.call(channels.open_receiver)
    with (
        Receiver(router) as receiver,
        pytest.raises(RemoteError, match="only a parent of both may, so return it"),
    ):
        writer.call(channels.give, to_sibling, receiver.sender)


def test_sender_is_not_handed_to_who_may_not_use_it(router: Router) -> None:
    reader, writer = router.local("reader"), router.local("writer")
    sender = reader.call(channels.open_receiver)
    text = r"a sender to reader is of no use to writer: .* Router\(siblings=True\) would let them"
    with pytest.raises(RefusedError, match=text):
        writer.call(channels.send_numbers, sender, 3)
    with (
        writer.call(channels.open_receiver) as to_writer,
        pytest.raises(RefusedError, match=text),
    ):
        to_writer.send(["look", sender])
    # Back to where it leads it may go.
    reader.call(channels.send_numbers, sender, 3)
    assert reader.call(channels.read_all) == [0, 1, 2]
