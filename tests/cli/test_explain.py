"""Exceptions as kinds and lines."""

import pytest

from remotesvc import (
    AuthenticationError,
    CallTimeout,
    ConnectError,
    ConnectTimeout,
    DisconnectedError,
    HostKeyError,
    InterpreterError,
    MessageTooLarge,
    ProtocolError,
    RefusedError,
    RemoteError,
    ValueNotSupported,
)
from remotesvc.cli.explain import Call, Subject, explain
from remotesvc.cli.outcome import Kind

SERVICE = Subject("app.Logs.tail", "; nor is 'app' here", is_service=True)

CALL = Call(Subject("app.health.chek", "; did you mean 'check'?"), "web1", 5.0)

FRAMES = 'Traceback (most recent call last):\n  File "a.py", line 1, in f\n'


def remote(type_name: str, message: str, frames: str = "") -> RemoteError:
    error = RemoteError(message)
    error.type_name, error.message = type_name, message
    error.traceback = f"{frames}{type_name}: {message}\n"
    return error


@pytest.mark.parametrize(
    ("error", "kind", "text"),
    [
        (AuthenticationError("web1: no"), Kind.UNREACHABLE, "no (phase: auth)"),
        (
            ConnectTimeout("web1: late (phase: tcp). Raise connect_timeout", "tcp"),
            Kind.UNREACHABLE,
            "late (phase: tcp). Raise --connect-timeout",
        ),
        (
            ConnectError("web1: su is not here: install it, or name it with program=", "resolve"),
            Kind.UNREACHABLE,
            "su is not here: install it (phase: resolve)",
        ),
        (
            InterpreterError("web1: none. Name one with python_path"),
            Kind.UNREACHABLE,
            "none. Name one with --python (phase: interpreter)",
        ),
        (
            HostKeyError("web1: changed\n  it showed: \x1b"),
            Kind.UNREACHABLE,
            "changed (phase: host key)\n  it showed: \\x1b",
        ),
        (
            CallTimeout("any"),
            Kind.TIMED_OUT,
            "app.health.chek did not return within 5 s (--timeout)",
        ),
        (DisconnectedError("web1 is gone: EOF\x07"), Kind.LOST, "is gone: EOF\\x07"),
        (ProtocolError("garbage"), Kind.LOST, "garbage"),
        (ValueNotSupported("result: Lock"), Kind.FAILED, "result: Lock"),
        (MessageTooLarge("large"), Kind.FAILED, "large"),
        (RefusedError("no"), Kind.FAILED, "no"),
    ],
)
def test_errors_of_the_library_are_told_in_their_own_words(
    error: Exception, kind: Kind, text: str
) -> None:
    found, problem = explain(error, CALL)

    assert (found, problem.text) == (kind, text)
    assert problem.type_name == type(error).__name__
    assert problem.traceback is None


def test_a_function_that_raised_keeps_its_traceback() -> None:
    kind, problem = explain(remote("KeyError", "'\x1b'", FRAMES), CALL)

    assert (kind, problem.text) == (Kind.RAISED, "KeyError: '\\x1b'")
    assert problem.traceback is not None
    assert problem.traceback.startswith(FRAMES)


def test_a_function_written_in_c_raised_without_frames() -> None:
    kind, problem = explain(remote("FileNotFoundError", "/none"), CALL)

    assert (kind, problem.text, problem.traceback) == (
        Kind.RAISED,
        "FileNotFoundError: /none",
        None,
    )


@pytest.mark.parametrize(
    ("type_name", "text"),
    [
        ("AttributeError", "AttributeError: no 'chek'; did you mean 'check'?"),
        ("ModuleNotFoundError", "ModuleNotFoundError: no 'chek'; did you mean 'check'?"),
        ("TypeError", "app.health.chek cannot be called like that: no 'chek'"),
    ],
)
def test_a_lookup_that_failed_over_there_is_a_mistake_of_the_caller(
    type_name: str, text: str
) -> None:
    kind, problem = explain(remote(type_name, "no 'chek'"), CALL)

    assert (kind, problem.text, problem.traceback) == (Kind.MISUSED, text, None)
    assert explain(remote(type_name, "no 'chek'", FRAMES), CALL)[0] is Kind.RAISED


def test_an_error_of_ours_asks_to_be_reported() -> None:
    kind, problem = explain(ZeroDivisionError("oops"), CALL)

    assert kind is Kind.INTERNAL
    assert problem.text.startswith("ZeroDivisionError: oops; please report this")
    assert problem.traceback is None


def test_an_error_of_ours_keeps_its_traceback_for_debugging() -> None:
    try:
        raise ZeroDivisionError("oops")
    except ZeroDivisionError as error:
        _, problem = explain(error, Call(CALL.subject, "web1", is_debug=True))

    assert problem.traceback is not None
    assert "test_explain.py" in problem.traceback


@pytest.mark.parametrize(
    ("error", "kind", "text"),
    [
        (
            remote("LookupError", "service app.Logs: there is no app.Logs"),
            Kind.MISUSED,
            "service app.Logs: there is no app.Logs; nor is 'app' here",
        ),
        (
            remote("TypeError", "Logs.tail: argument 'n' must be int, not str"),
            Kind.MISUSED,
            "Logs.tail: argument 'n' must be int, not str; nor is 'app' here",
        ),
        (
            remote("ModuleNotFoundError", "No module named 'app'"),
            Kind.MISUSED,
            "ModuleNotFoundError: No module named 'app'; nor is 'app' here",
        ),
        (remote("LookupError", "none", FRAMES), Kind.RAISED, "LookupError: none"),
        (
            RefusedError("web1: app.Logs exposes no method 'tial'; exposed are: tail"),
            Kind.MISUSED,
            "app.Logs exposes no method 'tial'; exposed are: tail",
        ),
        (
            RefusedError("web1: Logs.tail is refused to context 0 by its policy Nobody"),
            Kind.FAILED,
            "Logs.tail is refused to context 0 by its policy Nobody",
        ),
        (
            CallTimeout("no value came within 5 s"),
            Kind.TIMED_OUT,
            "app.Logs.tail yielded nothing for 5 s (--timeout)",
        ),
    ],
)
def test_error_of_a_service_has_its_kind_and_its_line(
    error: Exception, kind: Kind, text: str
) -> None:
    found, problem = explain(error, Call(SERVICE, "web1", 5.0, is_stream=True))

    assert (found, problem.text) == (kind, text)


def test_lookup_error_of_a_function_is_its_own() -> None:
    assert explain(remote("LookupError", "unknown encoding"), CALL)[0] is Kind.RAISED
