"""Results that come in pieces: opened like all others, whatever they are."""

import operator
from collections.abc import Iterator
from typing import Any

import pytest

import remotesvc
from remotesvc.core.errors import ProtocolError
from remotesvc.core.fragments import Reassembler, cut
from remotesvc.core.values import encode
from remotesvc.core.wire import FRAGMENT_SIZE, PLAIN, FrameDecoder, Message


@pytest.fixture
def child(no_leaks: None) -> Iterator[remotesvc.Context]:
    with remotesvc.Router() as router:
        yield router.local()


def in_pieces(payload: bytes) -> Message:
    """Return a message as it is after its fragments have come."""
    reassembler = Reassembler(1 << 30)
    for frame, _ in cut(Message(0, 1, 1, 300, 0, PLAIN, payload), 1):
        whole = reassembler.add(FrameDecoder().feed(frame)[0])
    assert whole is not None
    return whole


@pytest.mark.parametrize(
    "value",
    [
        bytes(range(256)) * 4096,
        bytes(FRAGMENT_SIZE),
        "text" * 100_000,
        [bytes(300_000), b"more"],
        list(range(200_000)),
    ],
    ids=["bytes", "bytes of one piece and a little", "text", "bytes in a list", "numbers"],
)
def test_large_result_arrives_as_it_was(child: remotesvc.Context, value: Any) -> None:
    assert child.open_reply(in_pieces(encode(value))) == value


def test_large_bytes_arrive_from_a_child(child: remotesvc.Context) -> None:
    assert child.call(operator.mul, b"abc", 1_000_000) == b"abc" * 1_000_000


@pytest.mark.parametrize("step", [-1, 1])
def test_large_bytes_of_another_size_than_they_say_are_refused(
    child: remotesvc.Context, step: int
) -> None:
    size = 1_000_000
    payload = b"\xc6" + (size + step).to_bytes(4, "big") + bytes(size)
    with pytest.raises(ProtocolError):
        child.open_reply(in_pieces(payload))
