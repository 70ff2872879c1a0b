"""The tree of exceptions: drawn as it is, catchable as promised, copied for each waiter."""

import inspect
import re

import pytest

from remotesvc.core import errors
from remotesvc.core.errors import (
    BootstrapError,
    CallTimeout,
    ConnectError,
    ConnectTimeout,
    DisconnectedError,
    Error,
    ProtocolError,
    RemoteError,
    ValueNotSupported,
    again,
)

CLASSES = {
    name: kind
    for name, kind in vars(errors).items()
    if inspect.isclass(kind) and issubclass(kind, Exception)
}


def test_docstring_draws_every_class_under_its_parent_in_the_order_of_the_file() -> None:
    drawn: dict[str, str | None] = {}
    parents: dict[int, str] = {}
    for line in (errors.__doc__ or "").splitlines():
        found = re.match(r"^    ((?:[| ]+)?(?:\+-- )?)(\w+)(?:\s{2,}|$)", line)
        if found:
            depth = len(found[1]) // 4
            parents[depth] = found[2]
            drawn[found[2]] = parents.get(depth - 1)
    assert drawn == {
        name: None if kind is Error else kind.__bases__[0].__name__
        for name, kind in CLASSES.items()
    }
    assert list(drawn) == list(CLASSES)


def test_what_is_also_a_builtin_error_can_be_caught_as_one() -> None:
    assert issubclass(ConnectTimeout, TimeoutError) and issubclass(CallTimeout, TimeoutError)
    assert issubclass(ValueNotSupported, TypeError)


@pytest.mark.parametrize(
    ("kind", "phase"),
    [
        ("ResolveError", "resolve"),
        ("HostKeyError", "host key"),
        ("AuthenticationError", "auth"),
        ("InterpreterError", "interpreter"),
        ("BootstrapError", "bootstrap"),
        ("ConnectError", "tcp"),
    ],
)
def test_connect_error_knows_its_phase(kind: str, phase: str) -> None:
    assert CLASSES[kind]("text").phase == phase  # type: ignore[attr-defined]


def test_connect_error_carries_what_is_known() -> None:
    error = ConnectError("text", "auth", 1.5, 255, "Permission denied")
    assert (str(error), error.phase, error.elapsed) == ("text", "auth", 1.5)
    assert (error.exit_status, error.stderr) == (255, "Permission denied")
    assert BootstrapError("text").exit_status is None


def test_disconnected_error_gives_its_text_as_the_reason_unless_told() -> None:
    assert DisconnectedError("gone").reason == "gone"
    assert DisconnectedError("web1 is gone: killed", "killed").reason == "killed"


def test_remote_error_shows_type_and_message() -> None:
    error = RemoteError("text")
    assert str(error) == "text"
    error.type_name, error.message = "app.Broken", "at line 3"
    assert str(error) == "app.Broken: at line 3"
    error.message = ""
    assert str(error) == "app.Broken"


@pytest.mark.parametrize(
    "error",
    [
        ConnectTimeout("text", "tcp", 2.0, None, "stderr"),
        DisconnectedError("text", "reason"),
        ProtocolError("text"),
        Error(),
    ],
)
def test_copy_of_an_error_is_equal_in_all_but_identity_and_traceback(error: Exception) -> None:
    error.__cause__ = OSError("below")
    try:
        raise error
    except Exception:
        copy = again(error)
    assert copy is not error and type(copy) is type(error)
    assert (copy.args, vars(copy)) == (error.args, vars(error))
    assert copy.__cause__ is error.__cause__ and copy.__traceback__ is None
