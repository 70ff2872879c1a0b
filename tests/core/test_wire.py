"""The frame: its bytes, its decoder however the stream is cut, and what it refuses."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remotesvc.core import wire
from remotesvc.core.errors import ProtocolError
from remotesvc.core.wire import FRAME_LIMIT, HEADER, FrameDecoder, Message, encode_frame
from tests.core.ends import decode_all, fields, message

u32 = st.integers(0, 2**32 - 1)
messages = st.builds(
    Message, u32, u32, u32, u32, u32, st.integers(0, 255), st.binary(max_size=200)
)


def test_header_is_28_bytes_in_the_documented_order() -> None:
    frame = encode_frame(Message(1, 2, 3, 4, 5, 6, b"payload"))
    assert frame == (
        b"RS\x01\x06"
        b"\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00\x03\x00\x00\x00\x04\x00\x00\x00\x05"
        b"\x00\x00\x00\x07payload"
    )
    assert HEADER.size == 28


@pytest.mark.parametrize("step", [None, 1, 2, 3, 27, 28, 29, 64])
def test_decoder_gives_the_same_messages_however_the_stream_is_cut(step: int | None) -> None:
    sent = [message(b"a"), message(), message(bytes(100)), message(b"RS\x01")]
    stream = b"".join(map(encode_frame, sent))
    assert list(map(fields, decode_all(stream, step))) == list(map(fields, sent))


@given(st.lists(messages, max_size=8), st.data())
def test_decoder_gives_the_same_messages_for_any_cuts(
    sent: list[Message], data: st.DataObject
) -> None:
    stream = b"".join(map(encode_frame, sent))
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=20).map(sorted))
    decoder = FrameDecoder()
    got = [
        fields(found)
        for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)
        for found in decoder.feed(stream[start:end])
    ]
    assert got == list(map(fields, sent))
    assert decoder.pending == 0


def test_pending_counts_the_bytes_of_an_incomplete_frame() -> None:
    decoder = FrameDecoder()
    frame = encode_frame(message(b"abc"))
    assert decoder.feed(frame + frame[:30]) and decoder.pending == 30
    assert decoder.feed(frame[30:]) and decoder.pending == 0


def test_longest_frame_is_taken() -> None:
    frame = encode_frame(message(bytes(FRAME_LIMIT)))
    assert [len(found.payload) for found in decode_all(frame, 65536)] == [FRAME_LIMIT]


BAD_HEADERS = {
    "magic": (HEADER.pack(b"SR", 1, 0, 1, 2, 2, 3, 0, 0), r"does not begin with b'RS'"),
    "text": (b"Last login: Mon Nov 16 10:00:00 from", r"Last login: Mon"),
    "version": (HEADER.pack(b"RS", 2, 0, 1, 2, 2, 3, 0, 0), r"version 2, this side speaks 1"),
    "length": (HEADER.pack(b"RS", 1, 0, 1, 2, 2, 3, 0, 2**32 - 1), r"a length of 4294967295"),
    "one too long": (
        HEADER.pack(b"RS", 1, 0, 1, 2, 2, 3, 0, FRAME_LIMIT + 1),
        rf"a length of {FRAME_LIMIT + 1}, at most {FRAME_LIMIT}",
    ),
}


@pytest.mark.parametrize("step", [None, 1])
@pytest.mark.parametrize("name", BAD_HEADERS)
def test_bad_header_is_refused_and_quoted(name: str, step: int | None) -> None:
    header, reason = BAD_HEADERS[name]
    with pytest.raises(ProtocolError, match=reason) as caught:
        decode_all(header, step)
    assert repr(header[:28]) in str(caught.value)


@pytest.mark.parametrize("step", [None, 1, 40])
def test_bad_header_after_good_frames_is_refused(step: int | None) -> None:
    stream = encode_frame(message(b"good")) + BAD_HEADERS["length"][0]
    with pytest.raises(ProtocolError, match="4294967295"):
        decode_all(stream, step)


@given(st.binary(min_size=28, max_size=200))
def test_any_bytes_are_messages_or_a_protocol_error(data: bytes) -> None:
    decoder = FrameDecoder()
    try:
        for found in decoder.feed(data):
            assert isinstance(found, Message)
    except ProtocolError:
        return
    assert decoder.pending <= HEADER.size + FRAME_LIMIT


def test_nothing_is_allocated_because_a_header_claims_it() -> None:
    decoder = FrameDecoder()
    header = struct.pack(">2sBB6L", b"RS", 1, 0, 1, 2, 2, 3, 0, FRAME_LIMIT)
    assert decoder.feed(header) == [] and decoder.pending == HEADER.size


def test_encodings_and_the_fragment_flag_do_not_overlap() -> None:
    encodings = [wire.PLAIN, wire.PICKLE, wire.RAW, wire.ERROR, wire.DEAD]
    assert encodings == list(range(5))
    assert all(not encoding & wire.FRAGMENT for encoding in encodings)


def test_message_shows_its_address_and_not_its_content() -> None:
    shown = repr(message(b"secret", src=7, handle=4))
    assert "src=7" in shown and "handle=4" in shown and "6 bytes" in shown
    assert "secret" not in shown
