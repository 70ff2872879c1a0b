"""Large messages cut and joined, and fragments that lie."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remotesvc.core.errors import ProtocolError
from remotesvc.core.fragments import PIECE_SIZE, Reassembler, total_size
from remotesvc.core.wire import ERROR, FRAGMENT, FRAGMENT_SIZE, FRAME_LIMIT, PLAIN, Message
from tests.core.ends import cut, fields, message

BUDGET = 64 * FRAGMENT_SIZE
LARGE = bytes(range(256)) * (3 * FRAGMENT_SIZE // 256) + b"end"


def fragments(of: Message, message_id: int = 1) -> list[Message]:
    return [fragment for fragment, _ in cut(of, message_id)]


def fragment(
    message_id: int, total: int, piece: bytes, *, src: int = 2, handle: int = 300
) -> Message:
    payload = struct.pack(">LL", message_id, total) + piece
    return message(payload, src=src, handle=handle, encoding=PLAIN | FRAGMENT)


def join(pieces: list[Message]) -> list[Message]:
    reassembler = Reassembler(BUDGET)
    return [joined for piece in pieces if (joined := reassembler.add(piece)) is not None]


@pytest.mark.parametrize(
    "size",
    [FRAGMENT_SIZE + 1, PIECE_SIZE * 2 - 1, PIECE_SIZE * 2, PIECE_SIZE * 2 + 1, len(LARGE)],
)
def test_message_is_the_same_after_cutting_and_joining(size: int) -> None:
    whole = message(LARGE[:size], dst=9, src=8, auth=7, handle=6, reply_to=5, encoding=ERROR)
    assert [fields(joined) for joined in join(fragments(whole))] == [fields(whole)]


@pytest.mark.parametrize("size", [0, 1, FRAGMENT_SIZE])
def test_message_of_one_frame_is_no_fragment(size: int) -> None:
    whole = message(LARGE[:size])
    assert [(fields(one), is_last) for one, is_last in cut(whole, 1)] == [(fields(whole), True)]


def test_payload_is_put_together_once_and_holds_no_piece_after_that() -> None:
    (joined,) = join(fragments(message(LARGE)))
    assert len(joined.pieces) == 4  # type: ignore[attr-defined]
    assert joined.payload == LARGE
    assert joined.payload is joined.payload
    assert joined.pieces == []  # type: ignore[attr-defined]


def test_no_fragment_is_longer_than_a_frame_may_be_so_a_relay_passes_it_on_uncut() -> None:
    sizes = [len(piece.payload) for piece in fragments(message(LARGE))]
    assert max(sizes) == FRAGMENT_SIZE <= FRAME_LIMIT


def test_the_last_fragment_is_marked_and_every_one_tells_the_total() -> None:
    cuts = list(cut(message(LARGE), 1))
    assert [is_last for _, is_last in cuts] == [False] * (len(cuts) - 1) + [True]
    assert {total_size(piece) for piece, _ in cuts} == {len(LARGE)}


def test_fragments_of_two_messages_to_different_handles_may_interleave() -> None:
    one = fragments(message(LARGE, handle=300), 1)
    two = fragments(message(LARGE[::-1], handle=301), 2)
    mixed = [piece for both in zip(one, two, strict=True) for piece in both]
    assert [(joined.handle, joined.payload) for joined in join(mixed)] == [
        (300, LARGE),
        (301, LARGE[::-1]),
    ]


def test_fragments_of_two_sources_with_the_same_number_do_not_mix() -> None:
    one = fragments(message(LARGE, src=2), 1)
    two = fragments(message(LARGE[::-1], src=3), 1)
    mixed = [piece for both in zip(one, two, strict=True) for piece in both]
    assert [(joined.src, joined.payload) for joined in join(mixed)] == [
        (2, LARGE),
        (3, LARGE[::-1]),
    ]


def test_a_second_message_to_a_handle_gives_up_an_unfinished_first_one() -> None:
    first = fragments(message(LARGE), 1)[:2]
    second = fragments(message(LARGE[::-1]), 2)
    reassembler = Reassembler(len(LARGE))  # room for one of them
    results = [reassembler.add(piece) for piece in first + second]
    assert [joined.payload for joined in results if joined is not None] == [LARGE[::-1]]


def test_a_lost_fragment_never_gives_a_wrong_message() -> None:
    pieces = fragments(message(LARGE))
    for missing in range(len(pieces)):
        reassembler = Reassembler(BUDGET)
        got: list[Message | None] = []
        try:
            got = [reassembler.add(piece) for i, piece in enumerate(pieces) if i != missing]
        except ProtocolError:
            continue
        assert not any(got)


LIES = {
    "total changes": fragment(1, 3 * PIECE_SIZE - 1, bytes(PIECE_SIZE)),
    "piece too short": fragment(1, 3 * PIECE_SIZE, bytes(PIECE_SIZE - 1)),
    "piece empty": fragment(1, 3 * PIECE_SIZE, b""),
    "piece too long": fragment(1, 3 * PIECE_SIZE, bytes(PIECE_SIZE + 1)),
    "other encoding": message(
        struct.pack(">LL", 1, 3 * PIECE_SIZE) + bytes(PIECE_SIZE), encoding=ERROR | FRAGMENT
    ),
    "other auth": message(
        struct.pack(">LL", 1, 3 * PIECE_SIZE) + bytes(PIECE_SIZE),
        auth=5,
        encoding=PLAIN | FRAGMENT,
    ),
    "other reply handle": message(
        struct.pack(">LL", 1, 3 * PIECE_SIZE) + bytes(PIECE_SIZE),
        reply_to=5,
        encoding=PLAIN | FRAGMENT,
    ),
}


@pytest.mark.parametrize("lie", LIES)
def test_fragment_that_lies_is_refused_and_its_message_forgotten(lie: str) -> None:
    reassembler = Reassembler(3 * PIECE_SIZE)
    assert reassembler.add(fragment(1, 3 * PIECE_SIZE, bytes(PIECE_SIZE))) is None
    with pytest.raises(ProtocolError, match="does not continue its message"):
        reassembler.add(LIES[lie])
    # The room is free again: another source gets all of it.
    assert reassembler.add(fragment(2, 3 * PIECE_SIZE, bytes(PIECE_SIZE), src=3)) is None


@pytest.mark.parametrize("total", [0, 1, PIECE_SIZE])
def test_first_fragment_of_the_wrong_size_is_refused_and_takes_no_room(total: int) -> None:
    reassembler = Reassembler(PIECE_SIZE)
    with pytest.raises(ProtocolError):
        reassembler.add(fragment(1, total, bytes(total + 1)))
    assert reassembler.add(fragment(1, PIECE_SIZE, bytes(PIECE_SIZE))) is not None


@pytest.mark.parametrize("size", range(8))
def test_fragment_without_a_prefix_is_refused(size: int) -> None:
    with pytest.raises(ProtocolError, match=f"{size} bytes has no prefix"):
        total_size(message(bytes(size), encoding=FRAGMENT))


def test_room_for_the_whole_message_is_reserved_at_its_first_fragment() -> None:
    reassembler = Reassembler(5 * PIECE_SIZE)
    reassembler.add(fragment(1, 3 * PIECE_SIZE, bytes(PIECE_SIZE), src=2))
    with pytest.raises(ProtocolError, match=f"{3 * PIECE_SIZE} of {5 * PIECE_SIZE} are"):
        reassembler.add(fragment(1, 3 * PIECE_SIZE, bytes(PIECE_SIZE), src=3))
    for _ in range(2):  # what was begun can be finished
        joined = reassembler.add(fragment(1, 3 * PIECE_SIZE, bytes(PIECE_SIZE), src=2))
    assert joined is not None and len(joined.payload) == 3 * PIECE_SIZE
    assert reassembler.add(fragment(1, 3 * PIECE_SIZE, bytes(PIECE_SIZE), src=3)) is None


def test_one_source_can_begin_one_message_per_handle_and_no_more() -> None:
    reassembler = Reassembler(2 * 2 * 3 * PIECE_SIZE)
    for message_id in range(1000):
        assert reassembler.add(fragment(message_id, 3 * PIECE_SIZE, bytes(PIECE_SIZE))) is None
    assert reassembler.add(fragment(1, 3 * PIECE_SIZE, bytes(PIECE_SIZE), handle=301)) is None


def test_one_source_that_finishes_nothing_leaves_half_of_the_room_to_others() -> None:
    reassembler = Reassembler(8 * PIECE_SIZE)
    for handle in (300, 301):
        reassembler.add(fragment(1, 2 * PIECE_SIZE, bytes(PIECE_SIZE), handle=handle))
    with pytest.raises(ProtocolError, match="no room"):
        reassembler.add(fragment(1, 2 * PIECE_SIZE, bytes(PIECE_SIZE), handle=302))
    assert reassembler.add(fragment(1, 4 * PIECE_SIZE, bytes(PIECE_SIZE), src=3)) is None


def test_single_message_of_one_source_may_take_all_of_the_room() -> None:
    reassembler = Reassembler(2 * PIECE_SIZE)
    assert reassembler.add(fragment(1, 2 * PIECE_SIZE, bytes(PIECE_SIZE))) is None
    assert reassembler.add(fragment(1, 2 * PIECE_SIZE, bytes(PIECE_SIZE))) is not None


def test_lost_source_gives_its_room_back_and_no_other_source_loses() -> None:
    reassembler = Reassembler(6 * PIECE_SIZE)
    for src in (2, 3):
        reassembler.add(fragment(1, 3 * PIECE_SIZE, bytes(PIECE_SIZE), src=src))
    reassembler.forget(2)
    reassembler.add(fragment(1, 3 * PIECE_SIZE, bytes(PIECE_SIZE), src=4))
    for src in (3, 4):
        reassembler.add(fragment(1, 3 * PIECE_SIZE, bytes(PIECE_SIZE), src=src))
        assert reassembler.add(fragment(1, 3 * PIECE_SIZE, bytes(PIECE_SIZE), src=src))


def test_forgetting_one_handle_leaves_the_others() -> None:
    reassembler = Reassembler(2 * 2 * 2 * PIECE_SIZE)
    for handle in (300, 301):
        reassembler.add(fragment(1, 2 * PIECE_SIZE, bytes(PIECE_SIZE), handle=handle))
    reassembler.forget(2, 300)
    assert reassembler.add(fragment(1, 2 * PIECE_SIZE, bytes(PIECE_SIZE), handle=301))
    reassembler.forget(2, 300)  # twice is fine


@given(
    st.lists(
        st.tuples(
            st.integers(2, 3),
            st.sampled_from([4, 300]),
            st.integers(0, 2),
            st.sampled_from([0, 1, 9, PIECE_SIZE, PIECE_SIZE + 9]),
            st.sampled_from([0, 1, 9, PIECE_SIZE]),
        ),
        max_size=25,
    )
)
def test_whatever_fragments_come_the_budget_holds_and_comes_back(
    script: list[tuple[int, int, int, int, int]],
) -> None:
    budget = 3 * PIECE_SIZE
    reassembler = Reassembler(budget)
    for src, handle, message_id, total, size in script:
        try:
            piece = fragment(message_id, total, bytes(size), src=src, handle=handle)
            joined = reassembler.add(piece)
        except ProtocolError:
            continue
        assert joined is None or len(joined.payload) == total
    for src in (2, 3):
        reassembler.forget(src)
    reassembler.add(fragment(1, budget, bytes(PIECE_SIZE), src=5))
