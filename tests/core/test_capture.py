"""Exceptions as records: bounded whatever they hold, and never an error of their own."""

import builtins
from typing import Any

import pytest

from remotesvc.core.capture import MEMBERS_LIMIT, MESSAGE_LIMIT, RECORDS_LIMIT, capture
from remotesvc.core.values import decode

NAMES = (
    *("type_name", "bases", "message", "args", "fields"),
    *("notes", "traceback", "cause", "context", "members"),
)


def captured(error: BaseException) -> dict[str, Any]:
    record = decode(capture(error))
    assert isinstance(record, tuple)
    return dict(zip(NAMES, record, strict=True))


def count(record: Any) -> int:
    """Return the number of records in a record."""
    if record is None:
        return 0
    cause, context, members = record[-3:]
    return 1 + sum(map(count, (cause, context, *members)))


def raised(error: BaseException) -> BaseException:
    try:
        raise error
    except BaseException as caught:
        return caught


def test_facts_are_plain() -> None:
    record = captured(raised(FileNotFoundError(2, "no such file", "a.txt")))

    assert record["type_name"] == "FileNotFoundError"
    assert record["bases"] == (
        *("FileNotFoundError", "OSError", "Exception", "BaseException", "object"),
    )
    assert record["message"] == "[Errno 2] no such file: 'a.txt'"
    assert record["args"] == (2, "no such file")
    assert dict(record["fields"]) == {
        "errno": 2,
        "strerror": "no such file",
        "filename": "a.txt",
    }
    assert f'File "{__file__}"' in record["traceback"]
    assert (record["cause"], record["context"], record["members"]) == (None, None, ())


def test_args_that_cannot_travel_are_left_out_and_the_text_stays() -> None:
    record = captured(ValueError(object))

    assert record["args"] is None
    assert record["message"] == "<class 'object'>"


def test_fields_of_own_types_stay_where_they_are() -> None:
    error = ValueError("x")
    error.name = "secret"  # type: ignore[attr-defined]

    assert captured(error)["fields"] == ()


def test_tree_of_causes_and_contexts_is_bounded() -> None:
    def grow(depth: int) -> BaseException:
        error = ValueError(depth)
        if depth:
            error.__cause__, error.__context__ = grow(depth - 1), grow(depth - 1)
            error.__suppress_context__ = False
        return error

    record = decode(capture(grow(10)))

    assert 10 < count(record) <= RECORDS_LIMIT


@pytest.mark.skipif(not hasattr(builtins, "ExceptionGroup"), reason="needs Python 3.11")
def test_tree_of_groups_is_bounded() -> None:
    group: Any = ValueError("leaf")
    for _ in range(3):
        group = ExceptionGroup("many", [group] * 10)  # noqa: F821 from 3.11 on

    record = decode(capture(group))

    assert count(record) == RECORDS_LIMIT


@pytest.mark.skipif(not hasattr(builtins, "ExceptionGroup"), reason="needs Python 3.11")
def test_members_of_a_wide_group_are_cut() -> None:
    errors = [KeyError(number) for number in range(MEMBERS_LIMIT + 10)]
    group = ExceptionGroup("wide", errors)  # noqa: F821 from 3.11 on

    assert len(captured(group)["members"]) == MEMBERS_LIMIT


def test_long_texts_keep_both_ends() -> None:
    record = captured(ValueError("a" * 1_000_000 + "z"))

    assert record["message"].startswith("a" * 1000)
    assert record["message"].endswith("az")
    assert len(record["message"]) < MESSAGE_LIMIT + 100
    assert record["args"] is None


@pytest.mark.parametrize("depth", [30, 50, 60, 64, 100])
def test_deep_args_never_keep_an_exception_from_travelling(depth: int) -> None:
    value: Any = []
    for _ in range(depth):
        value = [value]
    error = KeyError(value)
    for number in range(7):
        outer = ValueError(number)
        outer.__cause__ = error
        error = outer  # type: ignore[assignment]

    record = captured(error)

    assert record["type_name"] == "ValueError"
    assert count(tuple(record.values())) == 8


def test_args_that_are_too_much_together_are_all_left_out() -> None:
    error: BaseException = KeyError(1)
    for _ in range(RECORDS_LIMIT - 1):
        # Within the limits alone: keys that are neither text nor numbers of 64 bits.
        outer = ValueError({2**70 + number for number in range(1000)})
        outer.__context__ = error
        error = outer

    record = captured(error)

    assert record["type_name"] == "ValueError"
    assert record["args"] is None
    assert record["context"] is not None


class Hostile(LookupError):
    """Each way to look at it ends in another exception."""

    def __str__(self) -> str:
        raise SystemExit

    def __getattribute__(self, name: str) -> object:
        raise KeyboardInterrupt


def test_exception_whose_every_attribute_raises_is_still_described() -> None:
    record = captured(raised(Hostile("x")))

    assert record["type_name"] == f"{__name__}.Hostile"
    assert record["bases"][0] == "LookupError"
    assert record["message"] == "<its __str__ raised SystemExit>"


def test_text_of_a_strange_type_becomes_plain() -> None:
    class Text(str):
        __slots__ = ()

        def __len__(self) -> int:
            raise RuntimeError

    class Odd(Exception):
        def __str__(self) -> str:
            return Text("odd")

    assert captured(Odd())["message"] == "odd"


def test_notes_are_texts_only() -> None:
    error = ValueError("x")
    error.__notes__ = ["one", 2, None, "three"]  # type: ignore[list-item]

    assert captured(error)["notes"] == ("one", "three")
