"""RemoteErrors from records: of every builtin type, and of what a hostile child may send."""

import subprocess
import sys
import traceback
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remotesvc.controller.decoder import decode as fast_decode
from remotesvc.core.capture import capture
from remotesvc.core.errors import ProtocolError, RemoteError
from remotesvc.core.rebuild import RECORDS_LIMIT, RemoteTraceback, rebuild
from remotesvc.core.values import encode
from tests.core.every_exception import problems_of, types
from tests.interpreters import Interpreter, find_interpreters

ROOT = Path(__file__).resolve().parents[2]

CONTROLLERS = [one for one in find_interpreters(at_least=(3, 10)) if one.version <= (3, 13)]


def record(**parts: Any) -> tuple[Any, ...]:
    """Return a record, with some parts of it replaced."""
    fields: dict[str, Any] = {
        "type_name": "app.Error",
        "bases": ("ValueError", "Exception", "BaseException", "object"),
        "message": "why",
        "args": ("why",),
        "fields": (),
        "notes": (),
        "traceback": "Traceback ...\n",
        "cause": None,
        "context": None,
        "members": (),
    }
    return tuple({**fields, **parts}.values())


def build(**parts: Any) -> Exception:
    return rebuild(encode(record(**parts)), "web1")


@pytest.mark.parametrize("kind", types(), ids=lambda kind: kind.__name__)
def test_builtin_exception_is_caught_shown_and_copied_as_what_it_was(
    kind: type[BaseException],
) -> None:
    assert list(problems_of(kind)) == []


@pytest.mark.parametrize("python", CONTROLLERS, ids=str)
def test_builtin_exceptions_of_every_controller_survive(python: Interpreter) -> None:
    done = subprocess.run(
        [python.path, "-B", "-W", "error", "-m", "tests.core.every_exception"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.stderr == ""
    assert [line for line in done.stdout.splitlines() if not line.endswith(" types")] == []
    assert int(done.stdout.split()[0]) > 60


def test_facts_of_an_own_type_arrive() -> None:
    error = build(notes=("one",), fields=(("name", "app"),))

    assert isinstance(error, ValueError)
    assert isinstance(error, RemoteError)
    assert str(error) == "app.Error: why"
    assert (error.type_name, error.message, error.args) == ("app.Error", "why", ("why",))
    assert (error.context_name, error.notes) == ("web1", ("one",))
    assert error.traceback == "Traceback ...\n"
    assert str(error.__cause__) == "\non web1:\nTraceback ...\n"


def test_cause_context_and_members_are_remote_errors_too() -> None:
    error = build(
        cause=record(type_name="Cause", traceback=""),
        context=record(type_name="Context", traceback=""),
        members=(record(bases=("KeyError",)), record(type_name="Second")),
    )

    assert isinstance(error, RemoteError)
    assert error.remote_cause is not None
    assert error.remote_context is not None
    assert (error.remote_cause.type_name, error.remote_context.type_name) == ("Cause", "Context")
    assert isinstance(error.members[0], KeyError)
    assert error.members[1].type_name == "Second"


@pytest.mark.parametrize(
    ("bases", "expected"),
    [
        (("PythonFinalizationErrorOf2030", "RuntimeError", "Exception"), RuntimeError),
        (("SystemExit", "BaseException"), RemoteError),
        (("KeyboardInterrupt", "BaseException"), RemoteError),
        (("StopIteration", "Exception"), RemoteError),
        (("ExceptionGroup", "BaseExceptionGroup", "Exception"), RemoteError),
        (("int", "object"), RemoteError),
        (("eval",), RemoteError),
        (("__import__", "os"), RemoteError),
        ((), RemoteError),
    ],
)
def test_nearest_known_base_is_mixed_in(bases: tuple[str, ...], expected: type) -> None:
    error = build(bases=bases)

    assert isinstance(error, RemoteError)
    assert isinstance(error, expected)
    never = (SystemExit, KeyboardInterrupt, StopIteration, GeneratorExit)
    assert not isinstance(error, never)


def test_what_is_shown_cannot_steer_a_terminal() -> None:
    error = build(message="red \x1b[31m\u202e", traceback="line\n\x1b]0;title\x07")

    assert str(error) == "app.Error: red \\x1b[31m\\u202e"
    assert "\x1b" not in str(error.__cause__)
    assert str(error.__cause__).count("\n") == 3
    assert isinstance(error, RemoteError)
    assert error.message == "red \x1b[31m\u202e"


HOSTILE_SYNTAX: tuple[Any, ...] = (
    (("filename", "\x1b]0;x\x07"), ("lineno", 1), ("text", "\x1b[31m"), ("offset", 1)),
    (("filename", 7), ("lineno", "\x1b"), ("text", ["a"]), ("offset", {})),
    (("filename", "f"), ("lineno", 1 << 40000), ("text", "a"), ("offset", 1)),
    (("lineno", 1), ("text", "a"), ("offset", 1), ("end_lineno", 1), ("end_offset", 1 << 60)),
    (("lineno", 1), ("text", "a"), ("offset", -(1 << 60)), ("end_offset", "x")),
)


@pytest.mark.parametrize("fields", HOSTILE_SYNTAX)
@pytest.mark.parametrize("args", [(), ("\x1b[1m", ("\x1b[2m", 1 << 40000, {}, ["\x1b"]))])
def test_what_the_interpreter_shows_of_a_syntax_error_is_harmless(
    fields: tuple[Any, ...], args: tuple[Any, ...]
) -> None:
    error = build(bases=("SyntaxError",), fields=fields, args=args, message="\x1b[3m")

    shown = "".join(traceback.format_exception(error))

    assert isinstance(error, SyntaxError)
    assert "\x1b" not in shown and len(shown) < 1000


@pytest.mark.parametrize("base", ["NameError", "AttributeError", "ImportError"])
@pytest.mark.parametrize("name", [["x"], {}, 1, "\x1b[1m"])
def test_name_that_is_no_text_breaks_no_traceback(base: str, name: object) -> None:
    error = build(bases=(base,), fields=(("name", name),))
    assert "\x1b" not in "".join(traceback.format_exception(error))


def test_honest_syntax_error_keeps_its_place() -> None:
    try:
        compile("a = (\n", "app/x.py", "exec")
    except SyntaxError as honest:
        error = rebuild(capture(honest), "web1")
        expected = (honest.msg, honest.filename, honest.lineno, honest.offset, honest.text)
    assert isinstance(error, SyntaxError)
    assert (error.msg, error.filename, error.lineno, error.offset, error.text) == expected


def test_empty_traceback_object_is_shown_as_nothing() -> None:
    assert str(RemoteTraceback()) == ""


# -- what no child of ours sends -----------------------------------------------------------------

DEEP = record()
for _ in range(6):
    DEEP = record(members=(DEEP,) * 3)


@pytest.mark.parametrize(
    "value",
    [
        None,
        "text",
        (),
        record()[:-1],
        list(record()),
        record(type_name=1),
        record(type_name=""),
        record(bases=["ValueError"]),
        record(bases=(1,)),
        record(args="text"),
        record(fields=(("a",),)),
        record(fields=(([], 1),)),
        record(notes=(None,)),
        record(cause="text"),
        record(cause=record(message=None)),
        record(members=(None,)),
        DEEP,
    ],
)
def test_what_is_no_record_is_a_breach_of_protocol(value: object) -> None:
    error = rebuild(encode(value), "web1")

    assert isinstance(error, ProtocolError)
    assert "web1" in str(error)


def test_number_of_records_is_limited() -> None:
    allowed = record(members=(record(),) * (RECORDS_LIMIT - 1))
    too_many = record(members=(record(),) * RECORDS_LIMIT)

    assert isinstance(rebuild(encode(allowed), "web1"), RemoteError)
    assert isinstance(rebuild(encode(too_many), "web1"), ProtocolError)


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.tuples(inner, inner),
    max_leaves=6,
)

BASES = st.sampled_from([kind.__name__ for kind in types()]) | st.text(max_size=5)

FIELD_NAMES = st.sampled_from(
    [
        *("errno", "strerror", "filename", "filename2", "characters_written", "name", "path"),
        *("encoding", "object", "start", "end", "reason", "lineno", "offset", "text", "args"),
        *("__class__", "__dict__", "__traceback__", "__cause__", "with_traceback"),
    ]
)

RECORDS = st.tuples(
    st.text(),
    st.lists(BASES, max_size=4).map(tuple),
    st.text(),
    st.none() | st.lists(PLAIN, max_size=6).map(tuple),
    st.lists(st.tuples(FIELD_NAMES, PLAIN), max_size=8).map(tuple),
    st.lists(st.text(), max_size=2).map(tuple),
    st.text(),
    st.none() | st.just(record()),
    st.none() | PLAIN,
    st.just(()) | st.just((record(),)),
)


def check(payload: bytes) -> None:
    """Rebuild, show and copy; only the two kinds of error may come of it, and no import."""
    before = set(sys.modules)
    for decoder in (None, fast_decode):
        error = rebuild(payload, "web1", *([decoder] if decoder else []))
        assert isinstance(error, (RemoteError, ProtocolError))
        assert str(error)
        assert repr(error)
        assert "\x1b" not in str(error)
    assert set(sys.modules) == before


@given(RECORDS)
def test_hostile_record_becomes_an_error_of_ours(value: tuple[Any, ...]) -> None:
    check(encode(value))


@given(st.binary(max_size=200) | PLAIN.map(encode))
def test_hostile_bytes_become_an_error_of_ours(payload: bytes) -> None:
    check(payload)


@given(st.data())
def test_damaged_record_becomes_an_error_of_ours(data: st.DataObject) -> None:
    payload = bytearray(capture(OSError(2, "no such file", "a.txt")))
    for _ in range(data.draw(st.integers(1, 4))):
        payload[data.draw(st.integers(0, len(payload) - 1))] = data.draw(st.integers(0, 255))

    check(bytes(payload))
