"""Results as text and as JSON."""

import json
import pathlib
import uuid
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from remotesvc.cli.outcome import Item, Kind, Outcome, Problem
from remotesvc.cli.render import json_line, plain, text_of
from remotesvc.core.secret import Secret


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, None),
        ("as it is", "as it is"),
        ("", ""),
        ("two\nlines\n", "two\nlines"),
        ("\x1b[2Jgone\r", "\\x1b[2Jgone\\x0d"),
        ("\u202etxt.exe", "\\u202etxt.exe"),
        (5, "5"),
        ({"b": 1, "a": [1, 2]}, "{'b': 1, 'a': [1, 2]}"),
        (["\x1b[2J"], "['\\x1b[2J']"),
    ],
)
def test_text_is_shown_as_it_is_and_nothing_in_it_drives_the_terminal(
    value: object, text: str | None
) -> None:
    assert text_of(value) == text


@pytest.mark.parametrize("value", [1 << 20000, [{"a": -1 << 20000}], {(1 << 20000,): 1}], ids=type)
def test_number_with_too_many_digits_is_shown_in_hexadecimal(value: object) -> None:
    shown = text_of(value)
    assert shown is not None and "0x1000" in shown
    assert "0x1000" in json_line(Outcome("web1", Kind.OK, 0.1, value))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (True, True),
        (1.5, 1.5),
        (float("inf"), "inf"),
        (float("nan"), "nan"),
        ("text", "text"),
        (b"\x00\xff", {"base64": "AP8="}),
        ((1, [2]), [1, [2]]),
        (frozenset([1]), [1]),
        ({1: "a", "b": {(1, 2): b""}}, {"1": "a", "b": {"(1, 2)": {"base64": ""}}}),
        (1 + 2j, "(1+2j)"),
        (Decimal("1.10"), "1.10"),
        (date(2024, 2, 29), "2024-02-29"),
        (datetime(2024, 2, 29, 1, 2, tzinfo=timezone.utc), "2024-02-29T01:02:00+00:00"),
        (timedelta(minutes=1, milliseconds=500), 60.5),
        (pathlib.PurePosixPath("/a/b"), "/a/b"),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
    ],
)
def test_every_value_has_its_shape_in_json(value: object, expected: object) -> None:
    assert plain(value) == expected
    json.dumps(plain(value), allow_nan=False)


def test_a_secret_stays_one() -> None:
    for value in (Secret("hush"), {Secret("hush"): [Secret("hush")]}):
        assert "hush" not in json.dumps(plain(value))
        assert "hush" not in f"{text_of(value)}\n".split("\n")[0]


def test_a_result_is_one_line_of_the_documented_shape() -> None:
    line = json_line(Outcome("web1", Kind.OK, 0.12345, {"a": "é\n\x7f\ud800"}))

    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line) == {
        "host": "web1",
        "outcome": "ok",
        "exit_code": 0,
        "elapsed": 0.123,
        "result": {"a": "é\n\x7f\ud800"},
        "error": None,
    }


def test_an_error_is_one_line_of_the_documented_shape() -> None:
    problem = Problem("text for people", "ResolveError", "no such name", None, "resolve")

    assert json.loads(json_line(Outcome("web1", Kind.UNREACHABLE, 2, None, problem))) == {
        "host": "web1",
        "outcome": "unreachable",
        "exit_code": 3,
        "elapsed": 2,
        "result": None,
        "error": {
            "type": "ResolveError",
            "message": "no such name",
            "traceback": None,
            "phase": "resolve",
        },
    }


def test_item_of_a_stream_is_one_line_of_the_documented_shape() -> None:
    line = json_line(Item("web1", 3, ("a\n\x7f", b"\xff")))

    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line) == {
        "host": "web1",
        "index": 3,
        "item": ["a\n\x7f", {"base64": "/w=="}],
    }
