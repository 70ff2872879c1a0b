"""Options that are wrong are told where they are given: their name, what came, what is wanted."""

import inspect
from pathlib import Path
from typing import Any

import pytest

import remotesvc
from remotesvc.controller.options import LONGEST, MESSAGE_SIZES, check_options

NAN, INFINITY = float("nan"), float("inf")

FINE: list[tuple[str, Any]] = [
    ("siblings", True),
    ("max_message_size", 65536),
    ("max_message_size", 2**32 - 1),
    ("modules", None),
    ("modules", remotesvc.ModulePolicy()),
    ("heartbeat", 0.001),
    ("heartbeat", LONGEST),
    ("heartbeat_misses", 1),
    ("grace", 0),
    ("output", None),
    ("output", print),
    ("name", None),
    ("name", "web1"),
    ("connect_timeout", 30),
    ("env", None),
    ("env", {}),
    ("env", {"LANG": "C", "GREETING": "grüezi", "FILE": "\udcff"}),
    ("env", {"TOKEN": remotesvc.Secret("hunter2")}),
    ("cwd", None),
    ("cwd", "/srv"),
]

WRONG: list[tuple[str, Any, type[Exception], str]] = [
    ("siblings", 1, TypeError, "True or False; got 1"),
    ("siblings", None, TypeError, "True or False; got None"),
    ("max_message_size", 1e9, TypeError, "bytes as an int"),
    ("max_message_size", True, TypeError, "bytes as an int"),
    ("max_message_size", 65535, ValueError, "from 65,536 on, as prints, logs and errors are"),
    ("max_message_size", 2**32, ValueError, "got 4294967296"),
    ("modules", ["app"], TypeError, "a remotesvc.ModulePolicy, or None; got ['app']"),
    ("modules", remotesvc.ModulePolicy, TypeError, "ModulePolicy"),
    ("heartbeat", None, TypeError, "a number of seconds"),
    ("heartbeat", "15", TypeError, "got '15'"),
    ("heartbeat", True, TypeError, "got True"),
    ("heartbeat", 0, ValueError, "more than 0"),
    ("heartbeat", -1, ValueError, "got -1"),
    ("heartbeat", NAN, ValueError, "got nan"),
    ("heartbeat", INFINITY, ValueError, "at most two weeks; got inf"),
    ("heartbeat_misses", 1.5, TypeError, "an int of at least 1; got 1.5"),
    ("heartbeat_misses", 0, ValueError, "got 0"),
    ("grace", "5", TypeError, "a number of seconds, at least 0"),
    ("grace", -0.1, ValueError, "got -0.1"),
    ("grace", NAN, ValueError, "got nan"),
    ("output", "stderr", ValueError, "output(name, stream, line), or None; got 'stderr'"),
    ("name", "", ValueError, "text that is not empty"),
    ("name", b"web1", TypeError, "got b'web1'"),
    ("connect_timeout", None, TypeError, "a number of seconds"),
    ("connect_timeout", 0, ValueError, "more than 0"),
    ("connect_timeout", LONGEST + 1, ValueError, "at most two weeks"),
    ("env", [("A", "1")], TypeError, "a dict of text to text, or None; got a value of type list"),
    ("env", {"A": 1}, TypeError, "env['A']: wanted is text"),
    ("env", {"A": None}, TypeError, "got a value of type NoneType"),
    ("env", {"A": "1\0"}, ValueError, "env['A']: wanted is text that the system takes"),
    ("env", {"A": "\ud800"}, ValueError, "env['A']"),
    ("env", {1: "1"}, TypeError, "a name in env: wanted is text that is not empty"),
    ("env", {"": "1"}, ValueError, "got ''"),
    ("env", {"A=B": "1"}, ValueError, "got 'A=B'"),
    ("cwd", Path("/srv"), TypeError, "the path of a folder over there, as text"),
    ("cwd", b"/srv", TypeError, "got b'/srv'"),
    ("cwd", "", ValueError, "got ''"),
    ("cwd", "/srv\0", ValueError, "without NUL"),
]


@pytest.mark.parametrize(("name", "value"), FINE)
def test_option_that_is_fine_is_taken(name: str, value: Any) -> None:
    check_options(**{name: value})


@pytest.mark.parametrize(("name", "value", "kind", "text"), WRONG)
def test_wrong_option_is_named_with_what_came_and_what_is_wanted(
    name: str, value: Any, kind: type[Exception], text: str
) -> None:
    with pytest.raises(kind) as caught:
        check_options(**{name: value})

    assert name in str(caught.value) and text in str(caught.value)


def test_what_env_holds_is_never_quoted() -> None:
    for env in ({"TOKEN": b"hunter2"}, {"TOKEN": "hunter2\0"}, ["TOKEN=hunter2"]):
        with pytest.raises((TypeError, ValueError)) as caught:
            check_options(env=env)
        assert "hunter2" not in str(caught.value)


def test_value_of_any_length_is_quoted_shortly() -> None:
    with pytest.raises(TypeError) as caught:
        check_options(cwd=b"x" * 10_000)

    assert len(str(caught.value)) < 200


def test_silence_of_more_than_two_weeks_is_refused() -> None:
    check_options(heartbeat=LONGEST / 2, heartbeat_misses=2)
    with pytest.raises(ValueError, match=r"^heartbeat_misses: .* heartbeat \* heartbeat_misses"):
        check_options(heartbeat=LONGEST / 2, heartbeat_misses=3)


def test_sizes_of_messages_fit_the_wire_and_the_default() -> None:
    default = inspect.signature(remotesvc.Router).parameters["max_message_size"].default

    assert default in MESSAGE_SIZES and MESSAGE_SIZES.stop == 1 << 32


def test_every_option_of_a_router_is_checked_before_anything_is_started(no_leaks: None) -> None:
    for name in inspect.signature(remotesvc.Router).parameters:
        wrong: dict[str, Any] = {name: "of no use"}
        with pytest.raises((TypeError, ValueError), match=f"^{name}: wanted is .* 'of no use'"):
            remotesvc.Router(**wrong)


@pytest.mark.parametrize("option", ["name", "connect_timeout", "env", "cwd"])
def test_options_of_a_context_are_checked_before_anything_is_started(
    option: str, no_leaks: None
) -> None:
    wrong: dict[str, Any] = {option: b"of no use"}
    with remotesvc.Router() as router:
        for connect in (router.local, lambda **given: router.ssh("nowhere.invalid", **given)):
            with pytest.raises(TypeError, match=f"^{option}: wanted is"):
                connect(**wrong)
        assert router.contexts == []
