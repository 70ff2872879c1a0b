"""Batches: what is packed comes out again, whatever way it takes, and nothing else does."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from remotesvc import ProtocolError
from remotesvc.channel.batch import SHORT, UNIT, Encoded, pack, unpack, weigh
from remotesvc.channel.frames import BATCH_SIZE
from remotesvc.core.values import decode, encode

SIMPLE = (
    some.none()
    | some.booleans()
    | some.integers(-(1 << 63), (1 << 64) - 1)
    | some.floats(allow_nan=False)
    | some.text(max_size=40)
    | some.binary(max_size=40)
)


def kept(value: Any) -> Any:
    """Return a value as a batch keeps it."""
    return value if weigh(value) else Encoded(encode(value, "value", 1))


@given(some.lists(SIMPLE | some.lists(SIMPLE, max_size=3), max_size=60))
def test_whatever_is_packed_comes_out_again(values: list[Any]) -> None:
    batch = pack([kept(value) for value in values])
    assert unpack(batch, decode) == values
    assert list(map(type, unpack(batch, decode))) == list(map(type, values))
    assert decode(batch) == values


@pytest.mark.parametrize(
    "values",
    [
        pytest.param(list(range(100)), id="u16"),
        pytest.param(list(range(65500, 65600)), id="u32"),
        pytest.param(list(range(-50, 50)), id="i64"),
        pytest.param([-(1 << 63)] * 20, id="the least"),
        pytest.param([(1 << 64) - 1] * 20, id="the greatest, which is no i64"),
        pytest.param([True, False] * 10, id="bools are no numbers"),
        pytest.param([1, 2.0] * 10, id="whole ones and floats"),
        pytest.param([n / 7 for n in range(50)] + [math.inf], id="floats"),
    ],
)
def test_numbers_keep_value_and_type(values: list[Any]) -> None:
    back = unpack(pack(values), decode)
    assert back == values
    assert list(map(type, back)) == list(map(type, values))
    assert decode(pack(values)) == values


def test_numbers_alone_never_meet_the_decoder() -> None:
    def refuse(data: bytes) -> Any:
        raise AssertionError("asked")

    for values in (list(range(1000)), [n / 3 for n in range(1000)], [-(1 << 40)] * 1000):
        assert unpack(pack(values), refuse) == values


@pytest.mark.parametrize("end", [-1, -2, 4, 3, 1, 0])
def test_batch_that_is_cut_short_is_refused(end: int) -> None:
    with pytest.raises(ProtocolError):
        unpack(pack(list(range(100)))[:end], decode)


def test_batch_with_something_behind_it_is_refused() -> None:
    with pytest.raises(ProtocolError):
        unpack(pack(list(range(100))) + b"\xcd\x00\x01", decode)


@pytest.mark.parametrize("value", [None, 7, "text", {"a": 1}, (1, 2)])
def test_batch_that_is_no_list_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="no list"):
        unpack(encode(value), decode)


def test_one_other_opcode_among_numbers_is_seen() -> None:
    batch = bytearray(pack(list(range(100))))
    batch[3 + 3 * 50] = 0xC1
    with pytest.raises(ProtocolError):
        unpack(bytes(batch), decode)


@given(SIMPLE)
def test_no_value_takes_more_than_it_weighs(value: Any) -> None:
    assert len(encode(value)) <= weigh(value) * UNIT


@pytest.mark.parametrize(
    "value", [[], {}, (), 1 << 64, -(1 << 63) - 1, "x" * (SHORT + 1), bytes(SHORT + 1), 1j, set()]
)
def test_what_may_change_or_is_large_is_not_kept_as_it_is(value: Any) -> None:
    assert weigh(value) == 0


def test_values_that_may_travel_alone_may_travel_together() -> None:
    """The greediest keys fill a batch before they break the limits of one message."""
    value: Any
    for value in ({(): None}, {frozenset(): 1}, {1: None, 2: None}, set(range(100)), {(None, 1)}):
        data = encode(value, "value", 1)
        count = (BATCH_SIZE - 3) // len(data)
        assert unpack(pack([Encoded(data)] * count), decode) == [value] * count
