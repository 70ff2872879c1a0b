"""What a context tells of the bytes of its children: all makes sense, or none is believed."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remotesvc import Router
from remotesvc.connect.tally import MOST, count_traffic, read_tally

COUNT = st.integers(0, MOST - 1)
ODD = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary()


def test_each_child_is_known_and_a_grandchild_is_not(router: Router) -> None:
    child = router.local()
    inner = router.local(via=child)
    last = router.local(via=inner)
    last.call(abs, 1)

    told = child.call(count_traffic, [inner.id, last.id, child.id])

    assert told[1:] == [None, None] and set(read_tally([inner.id, 1, 2], told)) == {inner.id}


@given(st.lists(st.tuples(COUNT, COUNT) | st.none()))
def test_what_makes_sense_is_read(told: list[Any]) -> None:
    read = read_tally(range(len(told)), told)
    assert read == {key: one for key, one in enumerate(told) if one is not None}


@given(ODD | st.lists(ODD | st.lists(ODD)))
def test_whatever_else_is_told_is_read_without_an_error(told: Any) -> None:
    for counts in read_tally([7, 8], told).values():
        assert len(counts) == 2 and all(type(one) is int and one >= 0 for one in counts)


@pytest.mark.parametrize("odd", [-1, True, MOST, 1.0, "1"])
def test_one_thing_that_makes_no_sense_spoils_all(odd: object) -> None:
    assert read_tally([7, 8], [(1, 2), (1, odd)]) == {}
