"""remotesvc.core.values: what holds for every value and for every byte string."""

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remotesvc import ProtocolError
from remotesvc.core import values
from tests.core.value_shapes import Live, plain_values, shape, wire_trees


@given(plain_values)
def test_value_arrives_as_it_was(value: Any) -> None:
    assert shape(values.decode(values.encode(value))) == shape(value)


@given(plain_values)
def test_what_arrived_can_be_sent_on(value: Any) -> None:
    data = values.encode(value)

    assert shape(values.decode(values.encode(values.decode(data)))) == shape(value)


@given(plain_values, st.data())
def test_every_proper_beginning_is_refused(value: Any, data: st.DataObject) -> None:
    raw = values.encode(value)
    cut = raw[: data.draw(st.integers(0, len(raw) - 1))]

    with pytest.raises(ProtocolError):
        values.decode(cut)


@given(plain_values, st.binary(min_size=1, max_size=3))
def test_trailing_bytes_are_refused(value: Any, garbage: bytes) -> None:
    with pytest.raises(ProtocolError):
        values.decode(values.encode(value) + garbage)


@given(st.binary(max_size=200) | wire_trees)
def test_only_protocol_errors_come_out_of_any_bytes(raw: bytes) -> None:
    with contextlib.suppress(ProtocolError):
        values.encode(values.decode(raw, Live))
