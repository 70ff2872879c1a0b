"""A relay between a slow parent and two children, of which one floods: the other is served."""

import tracemalloc
from collections.abc import Iterator

import pytest

from remotesvc.core import relay as relay_module
from remotesvc.core.dead import exhume
from remotesvc.core.errors import RefusedError
from remotesvc.core.switch import Switch
from remotesvc.core.wire import DEAD, FRAGMENT_SIZE, PLAIN, Message
from tests.core.ends import Neighbour, cut, message

# Small, so that the test is quick: one child alone may have so much on the way up.
ALONE = 2 * 1024 * 1024
LUMP = 64 * 1024

# A pipe's worth of room between the relay and its parent, who does not read by himself.
CAPACITY = 64 * 1024

FLOODER, HONEST = 20, 30


@pytest.fixture(autouse=True)
def small_limits(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(relay_module, "SHARED_LIMIT", 2 * ALONE)
    monkeypatch.setattr(relay_module, "LUMP", LUMP)
    monkeypatch.setattr(relay_module, "NEWS_LIMIT", LUMP)
    yield


class Tree:
    """Context 10 below the controller 0, with its children FLOODER and HONEST."""

    def __init__(self) -> None:
        self.reports: list[str] = []
        self.switch = Switch(10, (0,), LUMP, False, self.reports.append)
        self.parent = Neighbour(self.switch, 0, is_parent=True, capacity=CAPACITY)
        self.flooder = Neighbour(self.switch, FLOODER)
        self.honest = Neighbour(self.switch, HONEST)

    @property
    def queued(self) -> int:
        return self.parent.link.outbox.size

    def flood(self, size: int, count: int, reply_to: int = 0) -> None:
        """Send so many messages of that size up from the flooder."""
        chunk = bytes(size)
        for _ in range(count):
            self.flooder.say(message(chunk, dst=0, src=FLOODER, reply_to=reply_to))

    def call(self, number: int) -> Message:
        """Send a small message up from the honest child."""
        sent = message(b"call %d" % number, dst=0, src=HONEST, reply_to=900 + number)
        self.honest.say(sent)
        return sent


@pytest.mark.parametrize("size", [100, FRAGMENT_SIZE])
def test_no_message_of_another_child_is_lost_in_a_flood(size: int) -> None:
    tree = Tree()
    sent = []
    for number in range(50):
        tree.flood(size, 2 * ALONE // size // 50)
        sent.append(tree.call(number))

    heard = [one for one in tree.parent.hear() if one.src == HONEST]

    assert [one.payload for one in heard] == [one.payload for one in sent]
    assert tree.honest.hear() == []  # no dead reply: nothing was refused


def test_what_exceeds_the_share_of_the_flooder_is_refused_as_congested() -> None:
    tree = Tree()

    tree.flood(LUMP, 4 * ALONE // LUMP, reply_to=900)

    refusals = tree.flooder.hear()
    assert len(refusals) >= 2 * ALONE // LUMP
    assert {one.encoding for one in refusals} == {DEAD}
    error = exhume(refusals[0].payload)
    assert isinstance(error, RefusedError)
    assert "the way to context 0 is congested" in str(error)
    assert len(tree.reports) == 1  # a line of log, not one per message


def test_memory_of_the_relay_is_bounded_by_its_limit() -> None:
    tree = Tree()
    tracemalloc.start()
    try:
        tree.flood(1000, 5 * ALONE // 1000)
        tree.call(1)
        used = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()

    assert tree.queued <= ALONE + 3 * LUMP
    assert used < 2 * ALONE


def test_who_waits_for_a_reply_that_found_no_room_hears_of_it() -> None:
    tree = Tree()
    tree.flood(LUMP, 4 * ALONE // LUMP)
    large = message(bytes(4 * FRAGMENT_SIZE), dst=0, src=FLOODER, handle=4711)
    for piece, _ in cut(large, 1):
        tree.flooder.say(piece)

    told = [one for one in tree.parent.hear() if one.handle == 4711]

    assert {(one.src, one.auth, one.encoding) for one in told} == {(FLOODER, FLOODER, DEAD)}
    assert "the way to context 0 is congested" in str(exhume(told[0].payload))


def test_flood_of_replies_that_find_no_room_is_bounded() -> None:
    tree = Tree()
    tree.flood(LUMP, 4 * ALONE // LUMP)
    for _ in range(20_000):
        tree.flooder.say(message(b"", dst=0, src=FLOODER, handle=4711))
    assert tree.queued <= ALONE + 4 * LUMP
    tree.call(1)
    assert [one.src for one in tree.parent.hear()].count(HONEST) == 1


def test_largest_message_passes_a_link_that_is_slow() -> None:
    tree = Tree()
    tree.switch.max_message_size = 4 * ALONE
    large = message(bytes(4 * ALONE), dst=0, src=FLOODER, handle=4711)
    for piece, _ in cut(large, 1):
        tree.flooder.say(piece)
    assert tree.flooder.hear() == [] == tree.reports
    assert sum(len(one.payload) for one in tree.parent.hear()) > 4 * ALONE


def test_a_flooder_that_is_done_may_send_again_once_the_way_is_free() -> None:
    tree = Tree()
    tree.flood(LUMP, 4 * ALONE // LUMP, reply_to=900)
    first = len(tree.parent.hear())

    tree.flood(LUMP, 4 * ALONE // LUMP, reply_to=900)

    assert tree.queued > ALONE - 2 * LUMP
    assert abs(len(tree.parent.hear()) - first) <= 2


def test_shares_of_a_link_that_has_ended_are_forgotten() -> None:
    tree = Tree()
    tree.flood(LUMP, 4 * ALONE // LUMP)
    relay = tree.switch.relay
    assert relay is not None and relay._shares

    tree.flooder.hang_up()

    assert not relay._shares


def test_calls_down_to_one_child_are_not_held_up_by_one_that_does_not_read() -> None:
    switch = Switch(10, (0,), LUMP, False, lambda text: None)
    parent = Neighbour(switch, 0, is_parent=True)
    deaf = Neighbour(switch, FLOODER, capacity=0)
    honest = Neighbour(switch, HONEST)
    for _ in range(4 * ALONE // LUMP):
        parent.say(message(bytes(LUMP), dst=FLOODER, src=0))
        parent.say(message(b"call", dst=HONEST, src=0, encoding=PLAIN))

    assert deaf.link.outbox.size <= ALONE + 2 * LUMP
    assert len(honest.hear()) == 4 * ALONE // LUMP
