"""Errors of ours that travel: each code is a class, and a strange one is no surprise."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remotesvc.core import errors
from remotesvc.core.dead import CLASSES, bury, code_of, exhume
from remotesvc.core.errors import Error, ProtocolError
from remotesvc.core.values import encode
from tests.core.value_shapes import plain_values

EXPECTED = {
    "busy": errors.Busy,
    "chain": errors.RefusedError,
    "congested": errors.RefusedError,
    "disconnected": errors.DisconnectedError,
    "pool": errors.PoolExhausted,
    "protocol": errors.ProtocolError,
    "refused": errors.RefusedError,
    "size": errors.MessageTooLarge,
    "value": errors.ValueNotSupported,
}


def test_table_of_codes_is_complete() -> None:
    assert CLASSES == EXPECTED


@pytest.mark.parametrize("code", EXPECTED)
def test_error_arrives_as_its_class_with_its_text(code: str) -> None:
    error = exhume(bury(code, "why: ünïcode"))
    assert type(error) is EXPECTED[code] and str(error) == "why: ünïcode"


def test_busy_tells_call_and_time() -> None:
    error = exhume(encode(("busy", "app.f", 2.5)), "web1")
    assert isinstance(error, errors.Busy)
    assert (error.call, error.since) == ("app.f", 2.5)
    assert "web1 is still inside app.f, which was cancelled 2.5 s ago" in str(error)
    assert "cancel(hard=True)" in str(error) and "kill()" in str(error)


@pytest.mark.parametrize("since", [float("inf"), float("nan"), -1.0])
def test_busy_of_a_hostile_child_is_an_error_and_shows_no_control_characters(
    since: float,
) -> None:
    error = exhume(encode(("busy", "\x1b[2J\nf", since)), "web1")
    assert "\x1b" not in str(error) and "\n" not in str(error)


@pytest.mark.parametrize("payload", [None, [], (), (1, "text"), "busy", {"a": "b"}])
def test_dead_reply_without_a_code_has_none(payload: object) -> None:
    assert code_of(encode(payload)) == ""
    assert code_of(bury("chain", "why")) == "chain"


def test_text_of_a_hostile_child_cannot_steer_a_terminal_nor_fake_a_line() -> None:
    error = exhume(bury("refused", "\x1b]0;title\x07 \u202e\nweb2: all fine \ud800"))
    assert str(error) == "\\x1b]0;title\\x07 \\u202e\\x0aweb2: all fine \\ud800"


def test_unknown_code_is_an_error_all_the_same() -> None:
    error = exhume(bury("from the future", "some text"))
    assert type(error) is Error and str(error) == "some text"


@pytest.mark.parametrize(
    "payload",
    [
        None,
        "refused",
        ("refused",),
        ("refused", "text", "more"),
        ("refused", "text", 1.5),
        ("busy", "f", 1),
        ["refused", "text"],
        (1, "text"),
        (["refused"], "text"),
        ("refused", b"text"),
        ("refused", 1 << 100_000),
    ],
)
def test_dead_reply_of_another_form_is_a_protocol_error(payload: object) -> None:
    assert type(exhume(encode(payload))) is ProtocolError


@given(st.one_of(plain_values, st.tuples(plain_values, plain_values)))
def test_any_value_gives_an_error_and_raises_none(value: object) -> None:
    assert isinstance(exhume(encode(value)), Error)


@given(st.binary(max_size=60))
def test_any_bytes_give_an_error_or_a_protocol_error(payload: bytes) -> None:
    try:
        assert isinstance(exhume(payload), Error)
    except ProtocolError:
        return
