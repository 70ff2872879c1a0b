"""What the fuzzer feeds: each target takes any bytes, and raises when a promise is broken.

No fuzzer is imported here, so a crash is replayed, and the tests run, without one.
"""

import struct
from collections.abc import Callable
from typing import Any

from remotesvc.bootstrap.handshake import Failed, Handshake, Ready
from remotesvc.bootstrap.settings import MARKER
from remotesvc.controller.decoder import decode as fast_decode
from remotesvc.core.authority import FIRST_DYNAMIC
from remotesvc.core.errors import ProtocolError
from remotesvc.core.fragments import Reassembler, total_size
from remotesvc.core.values import decode, encode
from remotesvc.core.wire import FRAGMENT, FRAME_LIMIT, FrameDecoder, Message, encode_frame
from tests.controller.test_decoder import LONG
from tests.core.ends import fields
from tests.core.test_switch_hostile import Fortress
from tests.core.value_shapes import Live, shape

__all__ = ["NONCE", "TARGETS", "check"]

NONCE = bytes(range(16))

CHILD, OWN = 5, 0

# How an extension of MessagePack's own begins, whichever form its length has.
TIMESTAMPS = (b"\xd6\xff", b"\xd7\xff", b"\x04\xff", b"\x08\xff", b"\x0c\xff")

# All fragments of an input together; enough for some, and not for all of what an input claims.
BUDGET = 4 * FRAME_LIMIT


def check(is_true: bool, promise: str) -> None:
    """Raise if a promise is broken; an assert would vanish under -O."""
    if not is_true:
        raise AssertionError(promise)


def fuzz_wire(data: bytes) -> None:
    """Frames: cut anywhere they are the same; what they hold is what was encoded."""
    whole = _decode_frames([data])
    check(whole == _decode_frames([data[i : i + 1] for i in range(len(data))]), "byte by byte")
    middle = len(data) // 2
    check(whole == _decode_frames([data[:middle], data[middle:]]), "in two halves")
    messages, _ = whole
    again = b"".join(encode_frame(Message(*one)) for one in messages)
    check(data.startswith(again), "encoded anew")
    _join([Message(*one) for one in messages])


def _decode_frames(parts: list[bytes]) -> tuple[list[Any], str]:
    decoder = FrameDecoder()
    messages: list[Any] = []
    try:
        for part in parts:
            messages += map(fields, decoder.feed(part))
            check(decoder.pending <= FRAME_LIMIT + 28, "holds one frame at most")
    except ProtocolError as error:
        # Fed whole, the frames before a bad one are not returned: so they are not compared.
        return [], str(error)
    return messages, ""


def _join(messages: list[Message]) -> None:
    reassembler = Reassembler(BUDGET)
    sources = {one.src for one in messages}
    for one in messages:
        if not one.encoding & FRAGMENT:
            continue
        try:
            total = total_size(one)
            joined = reassembler.add(one)
        except ProtocolError:
            continue
        check(joined is None or len(joined.payload) == total <= BUDGET, "as long as was said")
    for source in sources:
        reassembler.forget(source)
    prefix = struct.pack(">LL", 1, BUDGET)
    first = Message(0, 1, 1, FIRST_DYNAMIC, 0, FRAGMENT, prefix + bytes(FRAME_LIMIT - 8))
    check(reassembler.add(first) is None, "all room is given back")


def fuzz_values(data: bytes) -> None:
    """Values: both decoders agree; what is taken can be sent on, and is the same then."""
    if any(head in data for head in TIMESTAMPS):
        return  # the one difference that the two have by contract
    outcome = _decode(decode, data)
    check(outcome == _decode(fast_decode, data), "both decoders agree")
    long = b"\x92" + data + encode(LONG)
    check(_decode(decode, long) == _decode(fast_decode, long), "both agree on long messages")
    if outcome is not None:
        check(_decode(decode, encode(decode(data, Live))) == outcome, "the same when sent on")


def _decode(decoder: Callable[..., Any], data: bytes) -> Any:
    try:
        return shape(decoder(data, Live))
    except ProtocolError as error:
        check(len(str(error)) < 1000, "short errors")
        return None


# Above, at and below the switch of a Fortress, and nobody.
CONTEXTS = (0, 1, 10, 20, 21, 30, 99, 2**32 - 1)


def fuzz_authority(data: bytes) -> None:
    """A switch: whatever a child sends, and its parent too, the rules hold."""
    fortress = Fortress()
    while len(data) >= 8 and fortress.hostile.link.error is None:
        message, data = _take_message(data)
        if message.dst == 10 and message.src in (0, 1):
            fortress.switch.receive(fortress.parent.link, message)
            fortress.commanded.clear()  # it may
        else:
            fortress.hostile.say_bytes(encode_frame(message))
    check(fortress.hostile.link.error is None, "no message ends a link")


def _take_message(data: bytes) -> tuple[Message, bytes]:
    dst, src, auth, handle, far, reply_to, encoding, size = data[:8]
    payload = data[8 : 8 + size]
    message = Message(
        CONTEXTS[dst % 8],
        CONTEXTS[src % 8],
        CONTEXTS[auth % 8],
        handle + (FIRST_DYNAMIC if far & 1 else 0),
        reply_to + (FIRST_DYNAMIC if far & 2 else 0),
        encoding,
        payload,
    )
    return message, data[8 + size :]


def fuzz_handshake(data: bytes) -> None:
    """The beginning of a link: an outcome or a wait, the same however the bytes are cut."""
    stream = data[1:] if data[:1] < b"\x80" else MARKER + NONCE + data[1:]
    whole = _shake([stream])
    check(whole == _shake([stream[i : i + 1] for i in range(len(stream))]), "byte by byte")


def _shake(parts: list[bytes]) -> str:
    handshake = Handshake(NONCE, CHILD, OWN)
    for part in parts:
        outcome = handshake.feed(part)
        if isinstance(outcome, Failed):
            return "failed"
        if isinstance(outcome, Ready):
            info = outcome.info
            texts = (info.executable, info.hostname, info.platform)
            check("\x1b" not in "".join(texts), "facts that do not steer a terminal")
            check(bool(repr(info)), "facts that can be shown")
            return repr(info)
    return f"waits: {handshake.has_marker}"


TARGETS: dict[str, Callable[[bytes], None]] = {
    "wire": fuzz_wire,
    "values": fuzz_values,
    "authority": fuzz_authority,
    "handshake": fuzz_handshake,
}
