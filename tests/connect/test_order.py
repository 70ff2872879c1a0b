"""What is told of a context on its way: read back as it was said, and garbage is no event."""

from pathlib import PurePosixPath
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remotesvc import (
    AuthenticationError,
    ConnectError,
    ConnectTimeout,
    DisconnectedError,
    InterpreterError,
    Secret,
    ValueNotSupported,
)
from remotesvc.bootstrap.info import Info
from remotesvc.connect.order import EVENT_LIMIT, Order, describe_error, read_event
from remotesvc.core.errors import ProtocolError
from remotesvc.core.values import decode, encode
from remotesvc.core.wire import VERSION

FACTS = (VERSION, (3, 11, 0), "/usr/bin/python3", 4242, "web1", "Linux-6-x86_64", 0)

PLAIN_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def order(**opts: Any) -> Order:
    return Order(
        7, "app.connector", "for p in x", "a/web1", 30.0, 0.5, opts, {"A": "b"}, "/srv", 20
    )


def test_order_arrives_as_it_was_given() -> None:
    given_order = order(path=PurePosixPath("/x"), password=Secret("hush"), words=["a", "b"])
    context_id, told = decode(given_order.pack())
    read = Order.read(context_id, told)
    for name in Order.__slots__:
        if name != "opts":
            assert getattr(read, name) == getattr(given_order, name)
    assert read.opts.pop("password") == Secret("hush")
    assert read.opts == {"path": PurePosixPath("/x"), "words": ["a", "b"]}


def test_id_of_an_order_is_read_without_its_options() -> None:
    # The thread that reads the link cannot fetch what a path needs.
    context_id, told = decode(order(path=PurePosixPath("/x")).pack())
    assert context_id == 7 and type(told) is bytes


def test_words_of_a_program_stand_beside_the_order() -> None:
    context_id, told, words = decode(order().pack(["ssh", "web1"]))
    assert (context_id, words) == (7, ["ssh", "web1"])
    assert told == decode(order().pack())[1]


def test_option_that_cannot_travel_is_named() -> None:
    with pytest.raises(ValueNotSupported, match=r"^a/web1: options\['key'\]: "):
        order(key=object()).pack()


# -- errors --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "error",
    [
        ConnectError("a/web1: no", "resolve", 1.5, None, ""),
        ConnectTimeout("a/web1: late", "auth", 30.0, None, "asked\nfor nothing"),
        AuthenticationError("a/sudo: wrong password", None, 0.5, 1, "sorry"),
        InterpreterError("a/x: none", None, None, -9, ""),
        InterpreterError("a/x: none", None, 1, 127, ""),
        DisconnectedError("a/x is gone: closed", "closed"),
        ProtocolError("a/x: nonsense"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_error_is_read_as_it_was_described(error: Exception) -> None:
    event = read_event(decode(encode(("lost", describe_error(error)))))
    assert event is not None
    read = event[1]
    assert type(read) is type(error) and str(read) == str(error)
    for name in ("phase", "elapsed", "exit_status", "stderr", "reason"):
        assert getattr(read, name, None) == getattr(error, name, None)


def test_error_of_another_kind_is_told_as_a_failed_connect() -> None:
    class Odd(ConnectError):
        phase = "auth"

    for error, text in ((OSError(2, "none"), "FileNotFoundError: "), (Odd("odd"), "odd")):
        event = read_event(describe_lost(error))
        assert event is not None
        assert type(event[1]) is ConnectError and text in str(event[1])


def describe_lost(error: BaseException) -> Any:
    return decode(encode(("lost", describe_error(error))))


def test_largest_error_is_an_event() -> None:
    worst = "\U0001f600" * 100_000
    error = AuthenticationError(worst, "auth", 1.0, 255, worst)
    assert len(encode(("lost", describe_error(error)))) <= EVENT_LIMIT
    assert read_event(describe_lost(error)) is not None
    lost = DisconnectedError(worst, worst)
    assert len(encode(("lost", describe_error(lost)))) <= EVENT_LIMIT


def test_words_of_a_child_are_made_visible() -> None:
    poison = "\x1b]0;title\x07\u202e\ud800\nweb2: fine"
    facts = (*FACTS[:2], poison, FACTS[3], poison, poison, FACTS[6])
    error = ConnectError(poison, "tcp", None, None, poison)
    told = [read_event(("ready", facts)), read_event(("ask", poison))]
    told += [read_event(("lost", describe_error(error)))]
    for event in told:
        assert event is not None
        texts = [str(event[1])] if not isinstance(event[1], Info) else map(str, event[1].plain())
        for text in texts:
            assert not set(text) & {"\x1b", "\x07", "\u202e", "\ud800", "\n"}


# -- garbage -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fields",
    [
        None,
        "ready",
        ["ready", FACTS],
        ("ready",),
        ("ready", FACTS, 1),
        ("ready", None),
        ("ready", FACTS[:-1]),
        ("ready", (VERSION + 1, *FACTS[1:])),
        ("ready", (VERSION, (3, 11, 0), "/p", "pid", "h", "p", 0)),
        ("ask", None),
        ("ask", ("a", "b")),
        ("lost", None),
        ("lost", ("ConnectError", "text", None, None, None, "")),
        ("lost", ("SystemExit", "text", None, None, None, "", "")),
        ("lost", ("ConnectError", "x" * 4097, None, None, None, "", "")),
        ("lost", ("ConnectError", "x", "y" * 20, None, None, "", "")),
        ("lost", ("ConnectError", "x", None, True, None, "", "")),
        ("lost", ("ConnectError", "x", None, None, 1 << 40, "", "")),
        ("lost", ("ConnectError", "x", None, None, True, "", "")),
        ("lost", (1, "x", None, None, None, "", "")),
        ("lost", ([], "x", None, None, None, "", "")),
        ("vanished", None),
        (b"gone", None),
    ],
    ids=lambda fields: repr(fields)[:60],
)
def test_garbage_is_no_event(fields: Any) -> None:
    assert read_event(fields) is None


@given(
    st.tuples(st.sampled_from(["ready", "ask", "lost", "gone"]), PLAIN_VALUES) | PLAIN_VALUES,
)
def test_whatever_comes_is_an_event_or_none(fields: Any) -> None:
    event = read_event(fields)
    assert event is None or event[0] in ("ready", "ask", "lost", "gone")
    if event is not None and event[0] == "lost":
        assert isinstance(event[1], Exception)


@given(
    st.tuples(
        st.sampled_from(["ConnectError", "DisconnectedError", "ProtocolError"]) | PLAIN_VALUES,
        *[PLAIN_VALUES] * 6,
    )
)
def test_error_of_any_fields_is_one_of_ours_or_none(told: Any) -> None:
    event = read_event(("lost", told))
    assert event is None or isinstance(event[1], Exception)
