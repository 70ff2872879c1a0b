"""Frames of a stream: whole values out of parts, and what they cost."""

import pytest

from remotesvc.channel.frames import (
    BYTES,
    DEFAULT_WINDOW,
    GOES_ON,
    HEAD_SIZE,
    MORE,
    PART_SIZE,
    VALUE,
    VALUE_COST,
    cost_of,
    cut,
    total_cost,
)
from remotesvc.core.wire import FRAME_LIMIT

TOKEN = bytes(range(16))
SIZES = [0, 1, VALUE_COST, PART_SIZE, PART_SIZE + 1, 2 * PART_SIZE, 2 * PART_SIZE + 7]


def test_small_value_is_one_frame_without_flags() -> None:
    assert list(cut(TOKEN, VALUE, b"data")) == [TOKEN + b"\x00data"]


@pytest.mark.parametrize("size", SIZES)
def test_parts_join_to_the_value_and_none_is_cut_again_on_its_way(size: int) -> None:
    data = bytes(range(256)) * (size // 256) + bytes(size % 256)
    frames = list(cut(TOKEN, BYTES, data))

    assert b"".join(frame[HEAD_SIZE:] for frame in frames) == data
    assert all(frame[:16] == TOKEN and len(frame) <= FRAME_LIMIT for frame in frames)
    flags = [frame[16] & ~BYTES for frame in frames]
    assert [bool(flag & GOES_ON) for flag in flags] == [n > 0 for n in range(len(frames))]
    assert [bool(flag & MORE) for flag in flags] == [n > 0 for n in range(len(frames))][::-1]


@pytest.mark.parametrize("size", SIZES)
def test_value_costs_what_its_frames_cost(size: int) -> None:
    assert total_cost(size) == sum(map(cost_of, cut(TOKEN, BYTES, bytes(size))))


def test_default_window_holds_1024_small_values() -> None:
    assert DEFAULT_WINDOW // total_cost(1) == 1024
