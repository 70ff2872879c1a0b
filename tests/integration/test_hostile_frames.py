"""A hostile child whose frames lie about their length, end early, come in crumbs or overlap."""

import struct
from typing import Any

import pytest

from remotesvc import DisconnectedError, MessageTooLarge, ProtocolError
from remotesvc.core.authority import GET_MODULE, STDIO
from remotesvc.core.fragments import PIECE_SIZE
from remotesvc.core.values import encode
from remotesvc.core.wire import (
    DEAD,
    ERROR,
    FRAGMENT,
    FRAME_LIMIT,
    HEADER,
    PLAIN,
    RAW,
    Message,
    encode_frame,
)
from tests.integration.hostile_scene import (
    DEADLINE,
    MEMORY,
    Scene,
    memory_stays_below,
    target,
)


def header(length: int) -> bytes:
    """Return the header of a frame that is allowed in all but its length."""
    return HEADER.pack(b"RS", 1, PLAIN, 0, 1, 1, GET_MODULE, 0, length)


# -- lengths -------------------------------------------------------------------------------------


@pytest.mark.parametrize("length", [FRAME_LIMIT + 1, 1 << 31, (1 << 32) - 1])
@pytest.mark.parametrize("size", [0, 100, 1 << 20])
def test_length_beyond_the_limit_ends_the_link_before_anything_is_kept(
    scene: Scene, length: int, size: int
) -> None:
    complaint = f"a length of {length}, at most {FRAME_LIMIT}"
    with memory_stays_below(MEMORY), pytest.raises(ProtocolError, match=complaint):
        scene.tell("babble", header(length) + bytes(size))
    assert not scene.evil.connected
    scene.check_the_rest_is_well()


def test_body_that_never_comes_costs_one_frame_and_holds_up_nobody(scene: Scene) -> None:
    with memory_stays_below(MEMORY):
        scene.evil.call_no_reply(target("babble"), header(FRAME_LIMIT) + bytes(1000))
        waiting = scene.evil.submit(target("settle"))  # its reply is taken for a part of the body
        for _ in range(20):
            scene.check_the_rest_is_well()
    assert not waiting.done()
    scene.evil.kill()
    assert isinstance(waiting.exception(DEADLINE), DisconnectedError)


# -- truncated -----------------------------------------------------------------------------------

WHOLE = encode_frame(Message(0, 1, 1, GET_MODULE, 0, PLAIN, encode("vault")))


@pytest.mark.parametrize("size", [1, 3, HEADER.size - 1, HEADER.size, len(WHOLE) - 1])
def test_truncated_frame_is_told_to_every_waiter(scene: Scene, size: int) -> None:
    # What says nothing is not answered either; after the last one nobody could ask any more.
    waiting = [scene.evil.submit(target("babble"), b"") for _ in range(2)]
    waiting.append(scene.evil.submit(target("leave"), WHOLE[:size]))
    for call in waiting:
        error = call.exception(DEADLINE)
        assert isinstance(error, DisconnectedError) and "evil is gone" in str(error)
    scene.check_the_rest_is_well()


def test_truncated_fragments_are_forgotten_with_their_sender(scene: Scene) -> None:
    prefix = struct.pack(">LL", 1, 100 << 20)
    with memory_stays_below(MEMORY):
        scene.evil.call_no_reply(
            target("say"), [[GET_MODULE, FRAGMENT, prefix + bytes(PIECE_SIZE)]], 5
        )
        waiting = scene.evil.submit(target("leave"), WHOLE[:5])
        assert isinstance(waiting.exception(DEADLINE), DisconnectedError)
    scene.check_the_rest_is_well()


# -- crumbs --------------------------------------------------------------------------------------


def test_answer_that_comes_byte_by_byte_is_the_same(scene: Scene) -> None:
    value = [("text", 1.5, None)] * 50
    assert scene.tell("drip", [[None, PLAIN, encode(value)]]) == value


def test_forged_and_refused_frames_that_come_byte_by_byte_are_refused(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    forged: list[Any] = [GET_MODULE, PLAIN, encode("vault"), 300, 0, 0]
    nonsense: list[Any] = [STDIO, RAW, b"\x07"]
    assert scene.tell("drip", [forged, nonsense, forged, [None, PLAIN, encode("end")]]) == "end"
    assert len(caplog.records) == 2
    scene.check_the_rest_is_well()


def test_bad_length_that_comes_byte_by_byte_ends_the_link(scene: Scene) -> None:
    for byte in header(1 << 31)[:-1]:
        scene.evil.call_no_reply(target("babble"), bytes((byte,)))
    with pytest.raises(ProtocolError, match="at most"):
        scene.tell("babble", b"\0")
    scene.check_the_rest_is_well()


# -- fragments -----------------------------------------------------------------------------------


def piece(total: int, size: int, number: int = 1) -> bytes:
    """Return the payload of a fragment."""
    return struct.pack(">LL", number, total) + bytes(size)


TWO = 2 * PIECE_SIZE

# A reply in fragments that are not one message: (encoding, payload) each.
BROKEN: dict[str, list[tuple[int, bytes]]] = {
    "of no size": [(PLAIN, piece(0, 0))],
    "of no size with a piece": [(PLAIN, piece(0, 1))],
    "empty piece": [(PLAIN, piece(TWO, 0))],
    "short piece": [(PLAIN, piece(TWO, PIECE_SIZE - 1))],
    "piece too long for its total": [(PLAIN, piece(10, 11))],
    "no prefix": [(PLAIN, b"\0\0\0\1\0\0\0")],
    "another total": [(PLAIN, piece(TWO, PIECE_SIZE)), (PLAIN, piece(TWO + 1, PIECE_SIZE))],
    "another encoding": [(PLAIN, piece(TWO, PIECE_SIZE)), (ERROR, piece(TWO, PIECE_SIZE))],
    "dead in the middle": [(PLAIN, piece(TWO, PIECE_SIZE)), (DEAD, piece(TWO, PIECE_SIZE))],
    "larger than a message": [(PLAIN, piece((128 << 20) + 1, PIECE_SIZE))],
    "as large as can be said": [(PLAIN, piece((1 << 32) - 1, PIECE_SIZE))],
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_fragments_of_a_reply_are_the_error_of_that_call_only(
    scene: Scene, name: str
) -> None:
    frames = [[None, encoding | FRAGMENT, payload] for encoding, payload in BROKEN[name]]
    with memory_stays_below(MEMORY), pytest.raises((ProtocolError, MessageTooLarge)) as caught:
        scene.tell("say", frames)
    assert str(caught.value).isprintable()
    assert scene.evil.connected and scene.tell("settle") is None
    scene.check_the_rest_is_well()


def test_fragments_begun_anew_for_ever_hold_one_piece_each(scene: Scene) -> None:
    frames = [[GET_MODULE, FRAGMENT, piece(1 << 20, PIECE_SIZE, number)] for number in range(4)]
    with memory_stays_below(MEMORY):
        scene.say(*frames, count=100)
    scene.check_the_rest_is_well()


def test_reply_begun_anew_for_ever_holds_one_piece(scene: Scene) -> None:
    frames = [[None, FRAGMENT, piece(100 << 20, PIECE_SIZE, number)] for number in range(4)]
    with memory_stays_below(MEMORY):
        waiting = scene.evil.submit(target("say"), frames, 100)
        assert scene.tell("settle") is None
    assert not waiting.done()
    scene.check_the_rest_is_well()
    waiting.cancel()
