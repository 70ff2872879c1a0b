"""remotesvc.controller.decoder: the same as the decoder in core, faster, and as hard to hurt."""

import datetime
import threading
from collections.abc import Callable
from typing import Any

import msgpack
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from remotesvc import ProtocolError
from remotesvc.controller import decoder
from remotesvc.core import decoder as exact
from remotesvc.core import values
from remotesvc.core.extensions import FROZENSET, SET, TUPLE
from tests.core.value_shapes import Live, plain_values, shape, wire_trees

# More container heads than the short way to msgpack takes, more bytes than the exact one is for.
LONG: list[Any] = [{}] * 40 + ["padding " * 400]


def outcome(decode: Callable[..., Any], raw: bytes) -> Any:
    try:
        return shape(decode(raw, Live))
    except ProtocolError:
        return "refused"


def lengthen(raw: bytes) -> bytes:
    """Return bytes that hold what `raw` holds, and are too long for the short way."""
    return b"\x92" + raw + values.encode(LONG)


def has_timestamp_like_bytes(raw: bytes) -> bool:
    return any(head in raw for head in (b"\xd6\xff", b"\xd7\xff", b"\x0c\xff"))


def extension(code: int, payload: bytes) -> bytes:
    return b"\xc9" + len(payload).to_bytes(4, "big") + bytes((code,)) + payload


@given(plain_values, st.booleans())
def test_value_arrives_as_it_was(value: Any, is_long: bool) -> None:
    sent = [value, LONG] if is_long else value

    assert shape(decoder.decode(values.encode(sent))) == shape(sent)


@given(st.binary(max_size=100) | wire_trees)
def test_both_decoders_agree_on_any_bytes(raw: bytes) -> None:
    assume(not has_timestamp_like_bytes(raw))

    assert outcome(decoder.decode, raw) == outcome(values.decode, raw)
    assert outcome(decoder.decode, lengthen(raw)) == outcome(values.decode, lengthen(raw))


@given(plain_values, st.integers(0), st.binary(max_size=3), st.integers(0, 3), st.booleans())
def test_both_decoders_agree_on_damaged_values(
    value: Any, place: int, patch: bytes, removed: int, is_long: bool
) -> None:
    raw = values.encode(value)
    place %= len(raw)
    damaged = raw[:place] + patch + raw[place + removed :]
    damaged = lengthen(damaged) if is_long else damaged
    assume(not has_timestamp_like_bytes(damaged))

    assert outcome(decoder.decode, damaged) == outcome(values.decode, damaged)


def test_reference_library_is_understood() -> None:
    value = [None, -5, 1 << 63, 0.25, "é" * 300, b"x" * 70000, {"k": [{}], b"k": 1}]

    assert decoder.decode(msgpack.packb(value)) == value


def test_lone_surrogates_arrive() -> None:
    assert decoder.decode(values.encode(["\udcff", {"\ud800": "é"}])) == [
        "\udcff",
        {"\ud800": "é"},
    ]


def test_plain_results_do_not_need_the_exact_decoder(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object) -> Any:
        raise AssertionError("the exact decoder was asked")

    rows = [{"name": f"host{number}", "load": 0.5, "up": True} for number in range(1000)]
    table = [(number, f"host{number}", -0.5) for number in range(1000)]
    dates = [{"at": datetime.date(2024, 1, 1), "tags": {"a"}} for _ in range(1000)]
    sent = [rows, table, dict.fromkeys(range(1000), "x"), dates]
    monkeypatch.setattr(exact, "decode", refuse)

    for value in sent:
        assert decoder.decode(values.encode(value)) == value


def test_message_of_many_bytes_and_few_elements_arrives() -> None:
    value = {"file": b"\x93" * (values.MAX_ELEMENTS + 1)}

    assert decoder.decode(values.encode(value)) == value


def test_timestamp_of_messagepack_is_a_plain_float_here() -> None:
    assert decoder.decode(msgpack.packb(msgpack.Timestamp(5, 500_000_000))) == 5.5


def test_reference_goes_through_resolve_on_both_ways() -> None:
    sent = [Live(values.CONTEXT, (7, ("web1",))), Live(values.REMOTE_ERROR, ([1],))]

    for value in (sent, [sent, LONG]):
        assert shape(decoder.decode(values.encode(value), Live)) == shape(value)
    with pytest.raises(ProtocolError, match="reference"):
        decoder.decode(values.encode(sent))


# ---- depth ----

WRAPPERS: list[Callable[[bytes], bytes]] = [
    lambda raw: b"\x91" + raw,
    lambda raw: b"\x81\xa0" + raw,
    lambda raw: extension(TUPLE, b"\x91" + raw),
    lambda raw: extension(FROZENSET, b"\x91" + raw),
    lambda raw: b"\x91" + extension(TUPLE, b"\x93\x90" + raw + b"\x90"),
]


def nest(depth: int, wrap: Callable[[bytes], bytes]) -> bytes:
    raw = b"\xc0"
    for _ in range(depth):
        raw = wrap(raw)
    return raw


@pytest.mark.parametrize("wrap", WRAPPERS)
@pytest.mark.parametrize("depth", [1, 12, 13, 32, 33, 62, 63, 64, 65, 200, 1500])
def test_both_decoders_agree_on_any_depth(wrap: Callable[[bytes], bytes], depth: int) -> None:
    raw = nest(depth, wrap)

    for data in (raw, lengthen(raw)):
        assert outcome(decoder.decode, data) == outcome(values.decode, data)


def test_depth_is_refused_by_name() -> None:
    with pytest.raises(ProtocolError, match="over 64 deep"):
        decoder.decode(lengthen(nest(64, WRAPPERS[0])))


@pytest.mark.parametrize("depth", [200, 5000])
@pytest.mark.parametrize("wrap", WRAPPERS)
def test_nested_bytes_do_not_crash_a_thread_with_a_small_stack(
    wrap: Callable[[bytes], bytes], depth: int
) -> None:
    raw = b"\x91" * (depth - 200) + nest(200, wrap)
    outcomes: list[Any] = []
    before = threading.stack_size(256 * 1024)
    try:
        thread = threading.Thread(
            target=lambda: outcomes.extend(
                outcome(decoder.decode, data) for data in (raw, lengthen(raw))
            )
        )
        thread.start()
        thread.join(60)
    finally:
        threading.stack_size(before)

    assert outcomes == ["refused", "refused"]


def test_allowed_depth_fits_a_small_stack() -> None:
    raw = lengthen(nest(30, WRAPPERS[2]))
    outcomes: list[Any] = []
    before = threading.stack_size(256 * 1024)
    try:
        thread = threading.Thread(target=lambda: outcomes.append(decoder.decode(raw)))
        thread.start()
        thread.join(60)
    finally:
        threading.stack_size(before)

    assert outcomes == [values.decode(raw)]


# ---- keys and elements ----


@pytest.mark.parametrize("count", [5_000, 20_000])
def test_colliding_keys_are_refused_before_one_is_hashed(count: int) -> None:
    class Touchy:
        def __hash__(self) -> int:
            raise AssertionError("was hashed")

    keys = values.encode([Live(values.CONTEXT, ()) for _ in range(count)])

    with pytest.raises(ProtocolError, match="too many keys"):
        decoder.decode(extension(SET, keys), lambda code, fields: Touchy())


def test_risky_keys_are_counted_over_the_whole_message() -> None:
    first = {(number,) for number in range(values.MAX_KEYS)}
    assert decoder.decode(values.encode([first, LONG])) == [first, LONG]

    both = b"\x92" + values.encode(first) + values.encode({(-1, -2)})
    with pytest.raises(ProtocolError, match="too many keys"):
        decoder.decode(both)


def test_too_many_elements_are_refused() -> None:
    half = b"\xdd" + (values.MAX_ELEMENTS // 2).to_bytes(4, "big")
    half += b"\xc0" * (values.MAX_ELEMENTS // 2)

    with pytest.raises(ProtocolError, match="4194304 elements"):
        decoder.decode(b"\x92" + half + half)


@pytest.mark.parametrize("claim", ["ddffffffff", "dfffffffff", "dbffffffff", "c9ffffffff01"])
def test_size_that_is_only_claimed_is_refused(claim: str) -> None:
    raw = bytes.fromhex(claim) + b"\xc0" * 100

    for data in (raw, lengthen(raw)):
        with pytest.raises(ProtocolError, match="ends early"):
            decoder.decode(data)
