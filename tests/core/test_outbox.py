"""What waits to be written: the order in a lane, the turns between lanes, the count of bytes."""

from hypothesis import given
from hypothesis import strategies as st

from remotesvc.core.fragments import Reassembler
from remotesvc.core.outbox import Outbox
from remotesvc.core.wire import FRAGMENT, FRAGMENT_SIZE, FRAME_LIMIT, HEADER, Message
from tests.core.ends import decode_all, fields, message

LARGE = bytes(4 * FRAGMENT_SIZE)


def drain(outbox: Outbox) -> list[Message]:
    """Return the frames in the order in which they are written."""
    written = b""
    while outbox:
        data = outbox.take()
        assert data
        written += data
    return decode_all(written)


def join(frames: list[Message]) -> list[Message]:
    """Return the messages in the order in which their last frames were written."""
    reassembler = Reassembler(1 << 30)
    joined = [reassembler.add(one) if one.encoding & FRAGMENT else one for one in frames]
    return [one for one in joined if one is not None]


def test_empty_outbox_has_nothing_to_write() -> None:
    outbox = Outbox()
    assert not outbox and outbox.take() == b"" and outbox.size == 0


def test_small_messages_leave_in_order_and_together() -> None:
    outbox = Outbox()
    sent = [message(bytes([number]), handle=300 + number % 3) for number in range(50)]
    for one in sent:
        outbox.put(one)
    assert list(map(fields, decode_all(outbox.take()))) == list(map(fields, sent))
    assert not outbox


def test_small_message_overtakes_a_large_one_to_another_handle() -> None:
    outbox = Outbox()
    outbox.put(message(LARGE, handle=300))
    outbox.put(message(b"small", handle=301))
    assert [one.handle for one in join(drain(outbox))] == [301, 300]


def test_small_message_waits_for_the_large_one_before_it_in_its_lane() -> None:
    outbox = Outbox()
    outbox.put(message(LARGE, handle=300))
    outbox.put(message(b"small", handle=300))
    outbox.put(message(LARGE[::-1], handle=300))
    outbox.put(message(b"last", handle=300))
    sizes = [len(one.payload) for one in join(drain(outbox))]
    assert sizes == [len(LARGE), 5, len(LARGE), 4]


def test_same_handle_of_another_context_or_source_is_another_lane() -> None:
    outbox = Outbox()
    outbox.put(message(LARGE))
    outbox.put(message(b"dst", dst=9))
    outbox.put(message(b"src", src=9))
    assert [one.payload[:3] for one in join(drain(outbox))] == [b"dst", b"src", b"\0\0\0"]


def test_fragments_of_two_large_messages_take_turns() -> None:
    outbox = Outbox()
    outbox.put(message(LARGE, handle=300))
    outbox.put(message(LARGE, handle=301))
    handles = [one.handle for one in drain(outbox)]
    assert handles == [300, 301] * (len(handles) // 2)


def test_a_flood_of_small_messages_does_not_stop_a_large_one() -> None:
    outbox = Outbox()
    outbox.put(message(LARGE, handle=300))
    frames: list[Message] = []
    for _ in range(6):
        for _ in range(20):
            outbox.put(message(bytes(60000), handle=301))
        frames += decode_all(outbox.take())
    assert LARGE in [one.payload for one in join(frames)]


def test_no_frame_exceeds_the_limit_of_the_decoder() -> None:
    outbox = Outbox()
    outbox.put(message(bytes(FRAGMENT_SIZE)))
    outbox.put(message(bytes(FRAGMENT_SIZE + 1)))
    assert max(len(one.payload) for one in drain(outbox)) <= FRAME_LIMIT


def test_empty_messages_count_too() -> None:
    outbox = Outbox()
    for _ in range(1000):
        outbox.put(message(b""))
    assert outbox.size == 1000 * HEADER.size


def test_number_of_a_large_message_wraps_around_at_32_bits() -> None:
    outbox = Outbox()
    outbox._next_id = 0xFFFFFFFF
    outbox.put(message(LARGE))
    assert [one.payload for one in join(drain(outbox))] == [LARGE]


SIZES = st.sampled_from([0, 1, 1000, FRAGMENT_SIZE, FRAGMENT_SIZE + 1, 2 * FRAGMENT_SIZE])


@given(st.lists(st.tuples(st.integers(300, 302), SIZES, st.booleans()), max_size=15))
def test_every_message_arrives_whole_and_in_order_within_its_lane(
    script: list[tuple[int, int, bool]],
) -> None:
    outbox = Outbox()
    sent: dict[int, list[int]] = {}
    written = b""
    for handle, size, does_take in script:
        outbox.put(message(bytes(size), handle=handle))
        sent.setdefault(handle, []).append(size)
        if does_take:
            written += outbox.take()
    while outbox:
        written += outbox.take()
    got: dict[int, list[int]] = {}
    for one in join(decode_all(written)):
        got.setdefault(one.handle, []).append(len(one.payload))
    assert got == sent
    assert outbox.size == 0
