"""What a relay believes of who lies behind its links, and whom it tells who is gone."""

import threading
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remotesvc.core import reach, routes
from remotesvc.core.authority import ADD_ROUTE, DEL_ROUTE, GIVE_IDS
from remotesvc.core.errors import DisconnectedError
from remotesvc.core.routes import Routes
from remotesvc.core.switch import Switch
from remotesvc.core.values import decode, encode
from remotesvc.core.wire import Message
from tests.core.ends import Neighbour, Waiter, message


class Tree:
    """Context 10 below 1 and 0, with its children 20, behind which is 21, and 30."""

    def __init__(self, siblings: bool = True) -> None:
        self.reports: list[str] = []
        self.switch = Switch(10, (1, 0), 1 << 20, siblings, self.reports.append)
        self.parent = Neighbour(self.switch, 1, 0, is_parent=True)
        self.child = Neighbour(self.switch, 20, 21)
        self.other = Neighbour(self.switch, 30)
        self.hear()

    @property
    def routes(self) -> Routes:
        assert self.switch.relay is not None
        return self.switch.relay.routes

    def hear(self) -> list[list[Message]]:
        return [end.hear() for end in (self.parent, self.child, self.other)]

    def give(self, start: int, stop: int, owner: int) -> None:
        """Have the controller give a block to a context below."""
        payload = encode((start, stop, owner, False))
        self.parent.say(message(payload, dst=10, src=0, handle=GIVE_IDS))

    def claim(self, context_id: object, src: int = 20, end: Neighbour | None = None) -> None:
        payload = encode(context_id)
        (end or self.child).say(message(payload, dst=10, src=src, handle=ADD_ROUTE))


def told(messages: list[Message]) -> list[tuple[int, object]]:
    return [(one.handle, decode(one.payload)) for one in messages]


# -- claims --------------------------------------------------------------------------------------


def test_claim_from_the_block_of_the_child_is_believed_and_passed_on() -> None:
    tree = Tree()
    tree.give(100, 164, 20)

    tree.claim(100)

    assert tree.switch.routes[100] is tree.child.link
    assert tree.routes.parent_of(100) == 20
    assert told(tree.parent.hear()) == [(ADD_ROUTE, 100)]


def test_block_of_one_behind_a_child_is_passed_on_to_the_relay_before_it() -> None:
    tree = Tree()
    tree.give(100, 164, 21)

    assert told(tree.child.hear()) == [(GIVE_IDS, (100, 164, 21, False))]
    tree.claim(100)
    assert tree.routes.is_behind(100, 21) and tree.routes.is_behind(100, 20)
    assert not tree.routes.is_behind(100, 30)


@pytest.mark.parametrize(
    "claimed",
    [0, 1, 10, 20, 21, 30, 99, 164, -1, 1 << 32, True, "100", None, [100], (100,), b"\x64"],
    ids=repr,
)
def test_claim_of_anything_else_is_refused_and_reported_once(claimed: object) -> None:
    tree = Tree()
    tree.give(100, 164, 20)
    before = dict(tree.switch.routes)

    tree.claim(claimed)
    tree.claim(claimed)

    assert tree.switch.routes == before
    assert tree.hear()[0] == []
    assert len(tree.reports) == 1


@given(st.binary(max_size=40))
def test_claim_of_garbage_is_refused(payload: bytes) -> None:
    tree = Tree()
    tree.give(100, 164, 20)
    tree.child.say(message(payload, dst=10, src=20, handle=ADD_ROUTE))
    assert set(tree.switch.routes) in ({20, 21, 30}, {20, 21, 30, *payload[-1:]})
    assert tree.child.link.error is None


def test_block_of_one_child_is_of_no_use_to_another() -> None:
    tree = Tree()
    tree.give(100, 164, 20)
    tree.claim(100, 30, tree.other)
    assert 100 not in tree.switch.routes


def test_id_is_claimed_once_and_never_again() -> None:
    tree = Tree()
    tree.give(100, 164, 20)
    tree.claim(100)
    tree.child.say(message(encode(([100], "gone")), dst=10, src=20, handle=DEL_ROUTE))
    assert 100 not in tree.switch.routes

    tree.claim(100)

    assert 100 not in tree.switch.routes
    assert "not given to it" in tree.reports[-1]


def test_ids_that_a_child_leaves_lying_are_forgotten() -> None:
    tree = Tree()
    for start in range(1000, 1000 + 8 * routes.GIVEN_LIMIT, 64):
        tree.give(start, start + 64, 20)
    tree.claim(1000)
    assert 1000 not in tree.switch.routes
    tree.claim(1000 + 8 * routes.GIVEN_LIMIT - 1)
    assert 1000 + 8 * routes.GIVEN_LIMIT - 1 in tree.switch.routes
    assert len(tree.routes._given) < routes.GIVEN_LIMIT


def test_contexts_that_one_child_claims_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reach, "CLAIMS_LIMIT", 64)
    tree = Tree()
    tree.give(100, 200, 20)
    for context_id in range(100, 200):
        tree.claim(context_id)
    assert sum(100 <= one < 200 for one in tree.switch.routes) == 64

    # One that goes makes room for another.
    tree.child.say(message(encode(([100], "gone")), dst=10, src=20, handle=DEL_ROUTE))
    tree.claim(199)
    assert 199 in tree.switch.routes


def test_nothing_is_kept_of_a_link_that_has_ended() -> None:
    tree = Tree()
    tree.give(100, 164, 21)
    tree.claim(100)
    tree.routes.note_talk(tree.child.link, 30)

    tree.child.hang_up()

    kept = tree.routes
    assert not (kept._given or kept._givings or kept._claims or kept._talks)
    assert kept._above == {30: 10} and kept._below == {30}


# -- losses --------------------------------------------------------------------------------------


def test_loss_is_told_to_the_parent_and_to_those_who_talked_to_it_and_to_nobody_else() -> None:
    tree = Tree()
    third = Neighbour(tree.switch, 40)
    tree.other.say(message(dst=21, src=30))
    tree.hear()

    tree.child.hang_up()

    (above,) = told(tree.parent.hear())
    assert above == (DEL_ROUTE, ([20, 21], "the other side closed the connection"))
    assert told(tree.other.hear()) == [(DEL_ROUTE, ([21], above[1][1]))]
    assert third.hear() == []


def test_child_tells_of_those_behind_it_only() -> None:
    tree = Tree()
    waiters = {one: Waiter(one) for one in (0, 1, 20, 21, 30)}
    for waiter in waiters.values():
        tree.switch.listen(waiter)

    payload = encode(([0, 1, 10, 20, 21, 30, 77], "gone\x1b[2J"))
    tree.child.say(message(payload, dst=10, src=20, handle=DEL_ROUTE))

    assert [one for one, waiter in waiters.items() if waiter.losses] == [21]
    (error,) = waiters[21].losses
    assert isinstance(error, DisconnectedError) and "\x1b" not in str(error)
    assert set(tree.switch.routes) == {20, 30}


@pytest.mark.parametrize(
    "told",
    [None, 1, [], (), ([], 1), ("x", "y"), ([None], "why"), ([1.5], "w"), ({1}, "w"), ([21],)],
    ids=repr,
)
def test_loss_of_garbage_is_refused(told: object) -> None:
    tree = Tree()
    tree.child.say(message(encode(told), dst=10, src=20, handle=DEL_ROUTE))
    assert set(tree.switch.routes) == {20, 21, 30}
    assert len(tree.reports) == 1 and tree.child.link.error is None


def test_loss_that_is_too_long_is_refused_unread() -> None:
    tree = Tree()
    payload = encode(([21] * 200_000, "gone"))
    tree.child.say(message(payload, dst=10, src=20, handle=DEL_ROUTE))
    assert 21 in tree.switch.routes


def test_parent_tells_of_those_elsewhere() -> None:
    tree = Tree()
    waiter, own = Waiter(77), Waiter(30)
    tree.switch.listen(waiter)
    tree.switch.listen(own)
    tree.child.say(message(dst=77, src=21))
    tree.hear()

    payload = encode(([77, 30, 1], "cut"))
    tree.parent.say(message(payload, dst=10, src=1, handle=DEL_ROUTE))

    assert [type(one) for one in waiter.losses] == [DisconnectedError]
    assert own.losses == []  # that one is below this one, who knows better
    assert [one[0] for one in told(tree.child.hear())] == [DEL_ROUTE]


def test_claims_and_losses_of_several_links_at_once_disturb_nobody() -> None:
    tree = Tree()
    ends = [Neighbour(tree.switch, 1000 + number) for number in range(8)]

    def turn(number: int) -> Callable[[], None]:
        def run() -> None:
            for step in range(200):
                start = 10_000 + 1000 * number + step
                tree.routes.give(start, start + 1, 1000 + number, False)
                tree.claim(start, 1000 + number, ends[number])
                tree.routes.note_talk(ends[number].link, 21)
                payload = encode(([start], "gone"))
                gone = message(payload, dst=10, src=1000 + number, handle=DEL_ROUTE)
                ends[number].say(gone)

        return run

    threads = [threading.Thread(target=turn(number)) for number in range(len(ends))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert [str(end.link.error) for end in ends if end.link.error] == []
    assert set(tree.switch.routes) == {20, 21, 30, *range(1000, 1008)}
