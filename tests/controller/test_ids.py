"""Ids: each is given once, in whatever way it is asked for; nobody takes those of the others."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remotesvc import Error
from remotesvc.controller import ids
from remotesvc.controller.ids import BLOCK, END, Ids, refuse_block
from remotesvc.core.authority import ALLOCATE_ID, GIVE_IDS
from remotesvc.core.switch import Switch
from remotesvc.core.values import decode
from remotesvc.core.wire import DEAD, PLAIN, RAW, Message
from tests.core.ends import Neighbour, message


class Tree:
    """The controller, its child 5, behind which is 6, and its child 7."""

    def __init__(self) -> None:
        self.reports: list[str] = []
        self.switch = Switch(0, (), 1 << 20, False, self.reports.append)
        self.ids = Ids(self.switch)
        self.switch.serve(ALLOCATE_ID, self.ids.give_block)
        self.switch.observe(self.ids.lose)
        self.relay = Neighbour(self.switch, 5, 6)
        self.other = Neighbour(self.switch, 7)
        self.relay.hear()

    def ask(self, src: int, end: Neighbour) -> list[Message]:
        end.say(message(dst=0, src=src, handle=ALLOCATE_ID, reply_to=300, encoding=RAW))
        return end.hear()


def test_block_and_single_ids_never_overlap() -> None:
    tree = Tree()
    single = [tree.ids.take()]
    (reply,) = tree.ask(7, tree.other)
    single.append(tree.ids.take())

    assert reply.encoding == PLAIN
    start, stop = decode(reply.payload)
    assert stop - start == BLOCK
    assert single == [1, stop] and start == 2


def test_relay_hears_whose_a_block_is_before_its_owner_does() -> None:
    tree = Tree()

    told, reply = tree.ask(6, tree.relay)

    assert (told.handle, told.dst, reply.dst) == (GIVE_IDS, 5, 6)
    start, stop, owner, is_there = decode(told.payload)
    assert (start, stop) == decode(reply.payload) and (owner, is_there) == (6, False)


def test_who_asks_for_too_many_is_refused_and_leaves_some_to_the_others() -> None:
    tree = Tree()
    tree.ids._next = END - 256 * 256 * BLOCK

    answers = [tree.ask(6, tree.relay)[-1] for _ in range(40)]

    given = sum(answer.encoding == PLAIN for answer in answers)
    assert 0 < given < 40
    assert answers[-1].encoding == DEAD and len(tree.reports) == 1
    assert tree.ask(5, tree.relay)[-1].encoding == PLAIN  # the relay before it
    assert tree.ask(7, tree.other)[-1].encoding == PLAIN


def test_all_behind_one_child_together_have_one_share() -> None:
    tree = Tree()
    tree.ids._next = END - 256 * 64 * BLOCK
    given = 0
    for src in (*range(100, 140), 5):
        tree.switch.relay.routes.give(src, src + 1, 5, True)  # type: ignore[union-attr]
        while tree.ask(src, tree.relay)[-1].encoding == PLAIN:
            given += 1
    assert 40 < given <= 64
    assert tree.ask(7, tree.other)[-1].encoding == PLAIN


@given(st.integers(0, END), st.integers(0, END), st.integers(0, END))
def test_no_refusal_leaves_less_than_the_share(held: int, by_all: int, left: int) -> None:
    if refuse_block(held, by_all, left) is None:
        assert by_all + BLOCK <= left // 256 and held + BLOCK <= left // 4096


def test_last_id_of_all_is_given_and_then_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ids, "END", 3)
    tree = Tree()
    assert [tree.ids.take(), tree.ids.take()] == [1, 2]
    with pytest.raises(Error, match="open a new Router"):
        tree.ids.take()


def test_what_lost_contexts_held_is_forgotten() -> None:
    tree = Tree()
    tree.ask(6, tree.relay)
    tree.relay.hang_up()
    assert not tree.ids._held and not tree.ids._held_by_all
