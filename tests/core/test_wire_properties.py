"""remotesvc.core.wire and fragments: what holds for every stream, however it is cut."""

import itertools
import random

from hypothesis import given
from hypothesis import strategies as st

from remotesvc.core.errors import ProtocolError
from remotesvc.core.fragments import PIECE_SIZE, Reassembler, total_size
from remotesvc.core.wire import FRAGMENT, FRAME_LIMIT, HEADER, FrameDecoder, Message, encode_frame
from tests.core.ends import cut, fields

UINTS = st.integers(0, 2**32 - 1)
MESSAGES = st.builds(
    Message, UINTS, UINTS, UINTS, UINTS, UINTS, st.integers(0, 255), st.binary(max_size=200)
)
BUDGET = 4 * FRAME_LIMIT


@given(st.lists(MESSAGES, max_size=8), st.lists(st.integers(0, 2000), max_size=20))
def test_messages_are_the_same_wherever_the_stream_is_cut(
    messages: list[Message], cuts: list[int]
) -> None:
    stream = b"".join(map(encode_frame, messages))
    places = [0, *sorted(place % (len(stream) + 1) for place in cuts), len(stream)]
    decoder = FrameDecoder()
    found = [
        one for start, end in itertools.pairwise(places) for one in decoder.feed(stream[start:end])
    ]
    assert list(map(fields, found)) == list(map(fields, messages))
    assert decoder.pending == 0


@given(MESSAGES, st.binary(min_size=HEADER.size, max_size=100))
def test_any_bytes_after_a_frame_are_frames_or_one_error(first: Message, garbage: bytes) -> None:
    decoder = FrameDecoder()
    assert len(decoder.feed(encode_frame(first))) == 1
    try:
        found = decoder.feed(garbage)
    except ProtocolError as error:
        assert str(error).isprintable()
    else:
        assert b"".join(map(encode_frame, found)) == garbage[: len(garbage) - decoder.pending]


@given(st.integers(FRAME_LIMIT + 1, 2**32 - 1), st.integers(0, 255), UINTS)
def test_no_length_above_the_limit_is_waited_for(length: int, encoding: int, src: int) -> None:
    header = HEADER.pack(b"RS", 1, encoding, 0, src, src, 8, 0, length)
    try:
        FrameDecoder().feed(header)
    except ProtocolError as error:
        assert str(length) in str(error)
    else:
        raise AssertionError("it was taken")


@given(st.lists(st.integers(1, 3 * PIECE_SIZE), min_size=1, max_size=4), st.randoms())
def test_interleaved_frames_come_out_whole(sizes: list[int], choice: random.Random) -> None:
    messages = [
        Message(0, 5, 5, 300 + number, 0, 2, bytes((number,)) * size)
        for number, size in enumerate(sizes)
    ]
    queues = [[piece for piece, _ in cut(one, number)] for number, one in enumerate(messages)]
    reassembler = Reassembler(len(sizes) * 8 * PIECE_SIZE)
    whole: dict[int, bytes] = {}
    while any(queues):
        queue = choice.choice([one for one in queues if one])
        frame = queue.pop(0)
        joined = reassembler.add(frame) if frame.encoding & FRAGMENT else frame
        if joined is not None:
            whole[joined.handle] = joined.payload
    assert whole == {one.handle: one.payload for one in messages}


FRAGMENTS = st.builds(
    lambda src, handle, number, total, size: Message(
        0,
        src,
        src,
        handle,
        0,
        FRAGMENT,
        number.to_bytes(4, "big") + total.to_bytes(4, "big") + bytes(size),
    ),
    st.integers(1, 3),
    st.integers(256, 258),
    st.integers(0, 2),
    st.sampled_from([0, 1, 7, PIECE_SIZE, PIECE_SIZE + 7, BUDGET // 2, BUDGET, BUDGET + 1])
    | UINTS,
    st.sampled_from([0, 1, 7, PIECE_SIZE]),
)


@given(st.lists(FRAGMENTS, max_size=30))
def test_fragments_that_lie_never_keep_more_than_the_budget(script: list[Message]) -> None:
    reassembler = Reassembler(BUDGET)
    for one in script:
        try:
            joined = reassembler.add(one)
        except ProtocolError as error:
            assert str(error).isprintable()
        else:
            assert joined is None or len(joined.payload) == total_size(one) <= BUDGET
    for source in (1, 2, 3):
        reassembler.forget(source)
    # All room was given back: a message as large as the budget can be begun.
    prefix = (1).to_bytes(4, "big") + BUDGET.to_bytes(4, "big")
    begun = Message(0, 1, 1, 256, 0, FRAGMENT, prefix + bytes(PIECE_SIZE))
    assert reassembler.add(begun) is None
