"""Messages delivered, passed on and refused; and who is told when a link is lost."""

import tracemalloc

import pytest

from remotesvc.core.authority import (
    CALL_FUNCTION,
    DEL_ROUTE,
    FIRST_DYNAMIC,
    GET_MODULE,
    HELLO,
    PING,
    STDIO,
    UNASKED_LIMIT,
)
from remotesvc.core.dead import bury, exhume
from remotesvc.core.errors import (
    DisconnectedError,
    MessageTooLarge,
    ProtocolError,
    RefusedError,
)
from remotesvc.core.link import QUEUE_LIMIT, Link
from remotesvc.core.switch import Switch
from remotesvc.core.wire import DEAD, FRAGMENT, FRAGMENT_SIZE, PLAIN, RAW, Message
from tests.core.ends import Neighbour, Waiter, cut, fields, message

LIMIT = 8 * 1024 * 1024


class Tree:
    """Context 10 with its parent 1 (and the controller 0), and its children 20 and 30.

    Behind 20 lies 21. What is delivered to a handler of context 10 is in `handled`.
    """

    def __init__(self, siblings: bool = False, capacity: int | None = None) -> None:
        self.reports: list[str] = []
        self.handled: list[Message] = []
        self.switch = Switch(10, (1, 0), LIMIT, siblings, self.reports.append)
        for handle in (CALL_FUNCTION, GET_MODULE, STDIO, PING):
            self.switch.serve(handle, self._handle)
        self.parent = Neighbour(self.switch, 1, 0, is_parent=True)
        self.child = Neighbour(self.switch, 20, 21, capacity=capacity)
        self.other = Neighbour(self.switch, 30)

    def _handle(self, link: Link | None, arrived: Message) -> None:
        self.handled.append(arrived)

    def hear_all(self) -> list[list[Message]]:
        return [end.hear() for end in (self.parent, self.child, self.other)]


def dead_texts(messages: list[Message]) -> list[str]:
    """Return the texts of dead replies; anything else among the messages fails."""
    assert all(one.encoding == DEAD for one in messages)
    return [str(exhume(one.payload)) for one in messages]


# -- delivery and relay --------------------------------------------------------------------------


def test_command_of_the_parent_reaches_its_handler() -> None:
    tree = Tree()
    tree.parent.say(message(b"x", dst=10, src=1, handle=CALL_FUNCTION))
    tree.parent.say(message(b"y", dst=10, src=0, handle=CALL_FUNCTION))
    assert [one.payload for one in tree.handled] == [b"x", b"y"]
    assert tree.reports == []


def test_request_of_a_grandchild_reaches_its_handler() -> None:
    tree = Tree()
    tree.child.say(message(b"name", dst=10, src=21, handle=GET_MODULE))
    assert [one.src for one in tree.handled] == [21]


def test_message_to_oneself_is_delivered_without_a_link() -> None:
    tree = Tree()
    assert tree.switch.send(10, CALL_FUNCTION, PLAIN, b"x") is None
    assert [one.src for one in tree.handled] == [10]


@pytest.mark.parametrize("dst", [20, 21])
def test_message_from_above_is_passed_on_unchanged(dst: int) -> None:
    tree = Tree()
    sent = message(b"x", dst=dst, src=0, auth=1, handle=CALL_FUNCTION, reply_to=900)
    tree.parent.say(sent)
    assert [[fields(one) for one in end] for end in tree.hear_all()] == [[], [fields(sent)], []]


def test_message_from_below_to_above_is_passed_on_unchanged() -> None:
    tree = Tree()
    sent = message(b"x", dst=0, src=21, handle=STDIO)
    tree.child.say(sent)
    assert [[fields(one) for one in end] for end in tree.hear_all()] == [[fields(sent)], [], []]


def test_siblings_may_not_talk_by_default() -> None:
    tree = Tree()
    tree.child.say(message(b"x", dst=30, src=20, reply_to=900))
    assert "siblings may not talk" in dead_texts(tree.child.hear())[0]
    assert tree.other.hear() == []


def test_siblings_talk_where_the_router_allows_it() -> None:
    tree = Tree(siblings=True)
    sent = message(b"x", dst=30, src=21, reply_to=900)
    tree.child.say(sent)
    assert list(map(fields, tree.other.hear())) == [fields(sent)]


def test_large_message_is_passed_on_and_joined_at_its_end_only() -> None:
    tree = Tree()
    whole = message(bytes(3 * FRAGMENT_SIZE), dst=20, src=0, handle=CALL_FUNCTION)
    pieces = [piece for piece, _ in cut(whole, 1)]
    tree.parent.say(*pieces)
    assert list(map(fields, tree.child.hear())) == list(map(fields, pieces))


# -- forged origins ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("src", "auth"), [(0, 0), (1, 1), (10, 10), (30, 30), (20, 0), (20, 30), (99, 99)]
)
@pytest.mark.parametrize("handle", [CALL_FUNCTION, GET_MODULE, 300])
def test_message_with_a_forged_origin_is_dropped_unanswered(
    src: int, auth: int, handle: int
) -> None:
    tree = Tree()
    for dst in (10, 0, 21):
        tree.child.say(message(b"x", dst=dst, src=src, auth=auth, handle=handle, reply_to=900))
    assert tree.handled == [] and tree.hear_all() == [[], [], []]
    assert len(tree.reports) == 1 and "does not lie behind this link" in tree.reports[0]


def test_command_of_a_child_is_refused_before_its_handler() -> None:
    tree = Tree()
    tree.child.say(message(b"x", dst=10, src=20, handle=CALL_FUNCTION, reply_to=900))
    assert tree.handled == []
    (answer,) = tree.child.hear()
    assert (answer.dst, answer.src, answer.auth, answer.handle) == (20, 10, 10, 900)
    assert isinstance(exhume(answer.payload), RefusedError)


# -- refusals ------------------------------------------------------------------------------------


def test_refusals_are_answered_each_and_reported_once_per_kind() -> None:
    tree = Tree()
    for reply_to in range(900, 1000):
        tree.child.say(message(b"x", dst=10, src=20, handle=CALL_FUNCTION, reply_to=reply_to))
        tree.child.say(message(b"x", dst=99, src=20, auth=99))
    assert [one.handle for one in tree.child.hear()] == list(range(900, 1000))
    assert len(tree.reports) == 2


def test_refusals_of_another_link_are_reported_too() -> None:
    tree = Tree()
    for end, src in ((tree.child, 20), (tree.other, 30)):
        end.say(message(b"x", dst=10, src=src, handle=CALL_FUNCTION))
    assert len(tree.reports) == 2


def test_refused_message_that_wants_no_reply_gets_none() -> None:
    tree = Tree()
    tree.child.say(message(b"x", dst=10, src=20, handle=CALL_FUNCTION))
    assert tree.hear_all() == [[], [], []] and len(tree.reports) == 1


@pytest.mark.parametrize("encoding", [DEAD, DEAD | FRAGMENT])
@pytest.mark.parametrize(("dst", "handle"), [(10, CALL_FUNCTION), (30, 300), (10, GET_MODULE)])
def test_dead_reply_is_never_answered(encoding: int, dst: int, handle: int) -> None:
    tree = Tree()
    dead = message(b"", dst=dst, src=20, handle=handle, reply_to=900, encoding=encoding)
    tree.child.say(dead)
    assert tree.hear_all() == [[], [], []]


@pytest.mark.parametrize("reply_to", range(1, FIRST_DYNAMIC, 15))
def test_reply_never_goes_to_a_reserved_handle(reply_to: int) -> None:
    # Else a child could have its grandchild commanded with our authority.
    tree = Tree()
    asked = message(b"x", dst=10, src=21, handle=CALL_FUNCTION, reply_to=reply_to)
    tree.child.say(asked)
    assert tree.switch.reply(asked, PLAIN, b"") is None
    assert tree.hear_all() == [[], [], []]


@pytest.mark.parametrize("handle", [HELLO, 0, 77])
def test_handle_without_a_handler_is_refused(handle: int) -> None:
    tree = Tree()
    tree.parent.say(message(b"x", dst=10, src=1, handle=handle, reply_to=900))
    assert len(dead_texts(tree.parent.hear())) == 1


def test_message_of_the_parent_to_a_vanished_grandchild_does_not_bounce() -> None:
    tree = Tree()
    tree.parent.say(message(b"x", dst=21, src=0))
    tree.child.hang_up()
    tree.parent.say(message(b"x", dst=21, src=0))
    assert {one.handle for one in tree.parent.hear()} == {DEL_ROUTE}
    tree.parent.say(message(b"x", dst=21, src=0, reply_to=900))
    (answer,) = tree.parent.hear()
    assert (answer.dst, answer.src, answer.handle) == (0, 10, 900)
    assert isinstance(exhume(answer.payload), DisconnectedError)


def test_message_that_a_full_way_has_no_room_for_is_refused_as_congested() -> None:
    tree = Tree(capacity=0)
    chunk = bytes(FRAGMENT_SIZE)
    for _ in range((QUEUE_LIMIT + LIMIT) // FRAGMENT_SIZE + 1):
        tree.parent.say(message(chunk, dst=20, src=0, reply_to=700))
    tree.parent.hear()
    tree.parent.say(message(b"x", dst=20, src=0, reply_to=900))
    assert "the way to context 20 is congested" in dead_texts(tree.parent.hear())[0]
    assert tree.child.link.outbox.size <= QUEUE_LIMIT + LIMIT + 2 * FRAGMENT_SIZE
    tree.parent.say(message(b"x", dst=30, src=0))
    assert len(tree.other.hear()) == 1  # nobody else is held up


def test_peer_that_asks_and_does_not_read_cannot_fill_our_memory() -> None:
    tree = Tree(capacity=0)
    asked = message(b"x", dst=10, src=20, handle=CALL_FUNCTION, reply_to=900)
    answer = bytes(LIMIT)
    for _ in range(2 * (QUEUE_LIMIT + LIMIT) // LIMIT):
        tree.switch.reply(asked, RAW, answer)
    assert tree.child.link.outbox.size <= QUEUE_LIMIT + 2 * LIMIT + 4096
    with pytest.raises(RefusedError, match="congested"):
        tree.switch.send(20, CALL_FUNCTION, PLAIN, b"")


# -- sending -------------------------------------------------------------------------------------


def test_message_over_the_limit_is_refused_at_the_sender() -> None:
    tree = Tree()
    with pytest.raises(MessageTooLarge, match=r"CALL_FUNCTION of \d+ bytes: at most \d+ "):
        tree.switch.send(20, CALL_FUNCTION, PLAIN, bytes(LIMIT + 1))
    assert tree.hear_all() == [[], [], []]


@pytest.mark.parametrize("dst", [0, 1, 99])
def test_command_to_anyone_but_a_child_is_refused_at_the_sender(dst: int) -> None:
    tree = Tree()
    with pytest.raises(RefusedError, match="own children only"):
        tree.switch.send(dst, CALL_FUNCTION, PLAIN, b"")
    assert tree.hear_all() == [[], [], []]


def test_controller_has_no_route_to_a_context_that_it_does_not_know() -> None:
    switch = Switch(0, (), LIMIT, False, lambda text: None)
    for handle in (CALL_FUNCTION, 300):
        with pytest.raises(DisconnectedError, match="no route to context 5"):
            switch.send(5, handle, PLAIN, b"")


def test_what_is_sent_for_another_carries_its_authority() -> None:
    tree = Tree()
    tree.switch.send(20, 300, PLAIN, b"", auth=21)
    tree.switch.send(20, 300, PLAIN, b"")
    assert [(one.src, one.auth) for one in tree.child.hear()] == [(10, 21), (10, 10)]


# -- replies -------------------------------------------------------------------------------------


def test_reply_reaches_its_waiter_once() -> None:
    tree = Tree()
    waiter = Waiter(20)
    handle = tree.switch.listen(waiter)
    for payload in (b"first", b"late"):
        tree.child.say(message(payload, dst=10, src=20, handle=handle))
    assert [one.payload for one in waiter.replies] == [b"first"]
    assert tree.reports == []  # a late reply is nobody's fault


@pytest.mark.parametrize("src", [21, 30])
def test_reply_of_a_context_that_was_not_called_is_dropped(src: int) -> None:
    tree = Tree()
    waiter = Waiter(20)
    handle = tree.switch.listen(waiter)
    end = tree.child if src == 21 else tree.other
    end.say(message(b"forged", dst=10, src=src, handle=handle))
    assert waiter.replies == [] and "answers a call that was made to" in tree.reports[0]
    tree.child.say(message(b"true", dst=10, src=20, handle=handle))
    assert [one.payload for one in waiter.replies] == [b"true"]


@pytest.mark.parametrize(
    ("src", "is_taken"), [(0, True), (1, True), (20, False), (21, True), (30, False)]
)
def test_dead_reply_is_taken_from_who_was_asked_or_from_above(src: int, is_taken: bool) -> None:
    tree = Tree()
    waiter = Waiter(21)
    handle = tree.switch.listen(waiter)
    ends = {20: tree.child, 21: tree.child, 30: tree.other}
    end = ends.get(src, tree.parent)
    dead = bury("disconnected", "it is gone")
    end.say(message(dead, dst=10, src=src, handle=handle, encoding=DEAD))
    assert bool(waiter.replies) == is_taken


def test_reply_given_up_in_the_middle_gives_its_room_back() -> None:
    tree = Tree()
    whole = bytes(LIMIT)
    for _ in range(600 * 1024 * 1024 // LIMIT):  # more than the budget of all of them
        handle = tree.switch.listen(Waiter(20))
        pieces = cut(message(whole, dst=10, src=20, handle=handle), handle)
        tree.child.say(next(pieces)[0])
        tree.switch.unlisten(handle)
        tree.child.say(next(pieces)[0])  # too late
    waiter = Waiter(20)
    handle = tree.switch.listen(waiter)
    for piece, _ in cut(message(whole, dst=10, src=20, handle=handle), 1):
        tree.child.say(piece)
    assert [len(one.payload) for one in waiter.replies] == [LIMIT]


def test_reply_that_is_too_large_is_told_to_its_waiter_before_it_is_kept() -> None:
    tree = Tree()
    waiter = Waiter(20)
    handle = tree.switch.listen(waiter)
    piece, _ = next(cut(message(bytes(LIMIT + 1), dst=10, src=20, handle=handle), 1))
    tree.child.say(piece)
    assert [type(error) for error in waiter.losses] == [MessageTooLarge]
    assert str(LIMIT + 1) in str(waiter.losses[0])


def test_reply_whose_fragments_lie_is_a_protocol_error_for_its_waiter() -> None:
    tree = Tree()
    waiter = Waiter(20)
    handle = tree.switch.listen(waiter)
    piece, _ = next(cut(message(bytes(LIMIT), dst=10, src=20, handle=handle), 1))
    piece.payload = piece.payload[:-1]
    tree.child.say(piece, piece)
    assert [type(error) for error in waiter.losses] == [ProtocolError]


@pytest.mark.parametrize(("size", "is_taken"), [(UNASKED_LIMIT, True), (UNASKED_LIMIT + 1, False)])
def test_child_may_start_a_message_of_one_mebibyte_and_no_more(size: int, is_taken: bool) -> None:
    tree = Tree()
    whole = message(bytes(size), dst=10, src=20, handle=GET_MODULE, reply_to=900)
    tree.child.say(*[piece for piece, _ in cut(whole, 1)])
    assert [len(one.payload) for one in tree.handled] == ([size] if is_taken else [])
    assert all("at most 1048576" in text for text in dead_texts(tree.child.hear()))


def test_parent_may_start_a_message_up_to_the_limit() -> None:
    tree = Tree()
    whole = message(bytes(LIMIT), dst=10, src=1, handle=CALL_FUNCTION)
    tree.parent.say(*[piece for piece, _ in cut(whole, 1)])
    assert [len(one.payload) for one in tree.handled] == [LIMIT]


def test_handles_are_not_reused_while_somebody_waits() -> None:
    switch = Switch(0, (), LIMIT, False, lambda text: None)
    waiter = Waiter(5)
    first = switch.listen(waiter)
    assert first == FIRST_DYNAMIC
    switch._handles = iter([0, 0, 2**32 - FIRST_DYNAMIC, 1])  # type: ignore[assignment]
    assert switch.listen(Waiter(5)) == FIRST_DYNAMIC + 1


def test_calls_that_were_answered_leave_no_memory_behind() -> None:
    switch = Switch(0, (), LIMIT, False, lambda text: None)
    waiter = Waiter(5)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(20_000):
            switch.unlisten(switch.listen(waiter))
        assert tracemalloc.get_traced_memory()[0] - before < 50_000
    finally:
        tracemalloc.stop()


# -- ends ----------------------------------------------------------------------------------------


def test_lost_link_tells_every_waiter_with_an_error_of_its_own() -> None:
    tree = Tree()
    waiters = [Waiter(20), Waiter(21), Waiter(20)]
    for waiter in waiters:
        tree.switch.listen(waiter)
    bystander = Waiter(30)
    tree.switch.listen(bystander)
    tree.child.hang_up()
    errors = [error for waiter in waiters for error in waiter.losses]
    assert [str(error) for error in errors] == ["the other side closed the connection"] * 3
    assert len({id(error) for error in errors}) == 3
    assert all(isinstance(error, DisconnectedError) for error in errors)
    assert bystander.losses == []


def test_lost_link_is_told_to_observers_with_all_that_lay_behind() -> None:
    tree = Tree()
    lost: list[set[int]] = []
    tree.switch.observe(lambda ids, error: lost.append(ids))
    tree.child.hang_up()
    tree.child.link.end(DisconnectedError("again"))
    assert lost == [{20, 21}]


def test_lost_parent_is_told_to_whoever_waits_for_any_parent() -> None:
    tree = Tree()
    waiters = [Waiter(1), Waiter(0)]
    for waiter in waiters:
        tree.switch.listen(waiter)
    tree.parent.hang_up()
    assert [len(waiter.losses) for waiter in waiters] == [1, 1]


def test_lost_child_gives_its_reassembly_room_back() -> None:
    switch = Switch(0, (), LIMIT, False, lambda text: None)
    for child_id in range(1, 600 * 1024 * 1024 // LIMIT):
        end = Neighbour(switch, child_id)
        handle = switch.listen(Waiter(child_id))
        whole = message(bytes(LIMIT), dst=0, src=child_id, handle=handle)
        end.say(next(cut(whole, 1))[0])
        end.hang_up()
    waiter = Waiter(child_id + 1)
    end = Neighbour(switch, child_id + 1)
    handle = switch.listen(waiter)
    for piece, _ in cut(message(bytes(LIMIT), dst=0, src=child_id + 1, handle=handle), 1):
        end.say(piece)
    assert len(waiter.replies) == 1


def test_answer_to_a_context_that_is_gone_is_dropped() -> None:
    tree = Tree()
    asked = message(b"x", dst=10, src=20, handle=GET_MODULE, reply_to=900)
    tree.child.link.error = ProtocolError("it lied")  # ended, but not forgotten yet
    assert tree.switch.reply(asked, PLAIN, b"") is None


def test_reply_and_loss_at_one_time_tell_the_waiter_once() -> None:
    tree = Tree()

    class Unlucky(Waiter):
        """Is lost, by another thread as it were, when its reply has just been found."""

        is_armed = False

        @property
        def respondent(self) -> int:
            if self.is_armed:
                self.is_armed = False
                tree.switch.lose_contexts({20}, DisconnectedError("gone"))
            return 20

        @respondent.setter
        def respondent(self, value: int) -> None:
            pass

    waiter = Unlucky(20)
    handle = tree.switch.listen(waiter)
    waiter.is_armed = True
    tree.child.say(message(b"x", dst=10, src=20, handle=handle))
    assert waiter.replies == [] and [str(error) for error in waiter.losses] == ["gone"]
