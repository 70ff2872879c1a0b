"""Questions for modules and files, as a relay and the controller read them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remotesvc.core.authority import GET_MODULE, GET_RESOURCE
from remotesvc.core.questions import REQUEST_LIMIT, read_question
from remotesvc.core.values import encode
from remotesvc.core.wire import PLAIN
from tests.core.ends import message

FILE = ("app", "a.txt")


@given(st.binary(max_size=60), st.sampled_from([GET_MODULE, GET_RESOURCE]))
def test_any_bytes_are_a_question_or_none(payload: bytes, handle: int) -> None:
    question = read_question(message(payload, handle=handle))
    expected = bool if handle == GET_MODULE else int
    assert question is None or (type(question[1]) is int and type(question[2]) is expected)


def test_question_in_short_and_in_full() -> None:
    for wanted, handle, nothing, has in (
        ("app.one", GET_MODULE, False, True),
        (FILE, GET_RESOURCE, 0, 4711),
    ):
        assert read_question(message(encode(wanted), handle=handle)) == (wanted, 0, nothing)
        asked = message(encode((wanted, 7, has)), handle=handle, encoding=PLAIN)
        assert read_question(asked) == (wanted, 7, has)


@pytest.mark.parametrize(
    ("asked", "handle"),
    [
        (("app", 7, 1), GET_MODULE),
        (("app", 7, None), GET_MODULE),
        ((FILE, 7, True), GET_RESOURCE),
        ((FILE, 7, b"stamp"), GET_RESOURCE),
        ((FILE, 7, 1.0), GET_RESOURCE),
        ((FILE, True, 1), GET_RESOURCE),
        (("app", "a" * REQUEST_LIMIT), GET_RESOURCE),
        ("a" * REQUEST_LIMIT, GET_MODULE),
        (("app", b"a.txt"), GET_RESOURCE),
        (["app", "a.txt"], GET_RESOURCE),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_what_is_no_question(asked: Any, handle: int) -> None:
    assert read_question(message(encode(asked), handle=handle)) is None
