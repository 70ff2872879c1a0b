"""Whatever a call does, returns or raises is the outcome of that call; the child takes the next.

Elsewhere: the types, facts and tracebacks of errors, 10 MB texts, notes, causes and groups in
test_remote_errors.py; arguments that cannot travel in test_calls.py; os._exit() and signals, which
end the child, in test_ends.py.
"""

import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from remotesvc import Context, Error, MessageTooLarge, RemoteError, Router, ValueNotSupported
from remotesvc.core import errors as our_errors
from tests.integration.hosts import Print
from tests.integration.targets import misbehaving
from tests.interpreters import Interpreter, find_interpreters

MEGABYTE = 1024 * 1024


@pytest.fixture
def child(any_child: Context) -> Context:
    """Each of the Pythons, for every test here."""
    return any_child


def caught(context: Context, function: Callable[..., Any], *args: object) -> RemoteError:
    """Return the RemoteError of a call; the context must still work after it."""
    pid = context.info.pid
    with pytest.raises(RemoteError) as info:
        context.call(function, *args)
    assert_lives(context, pid)
    return info.value


def assert_lives(context: Context, pid: int) -> None:
    assert context.call(os.getpid) == pid


def printed(prints: list[Print], stream: str) -> list[str]:
    return [line.decode() for _, name, line in prints if name == stream]


# -- what would end a program or a loop ----------------------------------------------------------


def test_exit_is_an_error_of_the_call_and_keeps_its_code(child: Context) -> None:
    for code, text in {3: ": 3", "the reason": ": the reason", None: ""}.items():
        error = caught(child, misbehaving.exit_with, code)

        assert str(error) == "SystemExit" + text
        assert getattr(error, "code", None) == code


STEERING = (KeyboardInterrupt, StopIteration, StopAsyncIteration, GeneratorExit, SystemExit)


def test_what_would_steer_the_caller_is_only_an_error(child: Context) -> None:
    for kind in STEERING:
        error = caught(child, misbehaving.stop, kind.__name__)

        assert str(error) == f"{kind.__name__}: by hand"
        assert not isinstance(error, STEERING)


def test_exception_in_a_thread_is_printed_with_the_name_of_the_thread(
    child: Context, prints: list[Print]
) -> None:
    assert child.call(misbehaving.die_in_thread) == "done"

    lines = printed(prints, "stderr")
    assert lines[0] == "Exception in thread worker-of-mine:"
    assert "LookupError: nobody waits for it" in lines
    checkout = str(Path(__file__).parents[2])  # may be called anything
    assert not any("remotesvc" in line.replace(checkout, "") for line in lines)


def test_exit_in_a_thread_ends_that_thread_only(child: Context, prints: list[Print]) -> None:
    assert child.call(misbehaving.exit_thread) == "done"

    assert prints == []


def test_exception_in_a_finalizer_is_printed_and_fails_nothing(
    child: Context, prints: list[Print]
) -> None:
    assert child.call(misbehaving.drop_complaining) == "done"

    lines = printed(prints, "stderr")
    assert re.match(r"Exception ignored in: <.*Complaining\.__del__", lines[0])
    assert lines[-1] == "OSError: nobody catches this"


def test_warning_is_printed_with_its_source_line(child: Context, prints: list[Print]) -> None:
    assert child.call(misbehaving.warn) == "done"

    where, line = printed(prints, "stderr")
    assert re.search(r"misbehaving\.py:\d+: UserWarning: mind the gap$", where)
    assert "warnings.warn(" in line


# -- results that cannot travel ------------------------------------------------------------------


UNFIT = {
    "lock": "result['x'][1]: _thread.lock cannot travel; make it plain",
    "function": "result[1][1]: builtins.function cannot travel",
    "generator": "result['rows']: builtins.generator cannot travel; return list(x)",
    "map": "result[0]: builtins.map cannot travel; return list(x)",
    "keys": "result: builtins.dict_keys cannot travel; return list(x)",
    "member": "result member: builtins.type cannot travel",
    "coroutine": "result: builtins.coroutine cannot travel; call a plain function",
    "key": "result key (1, <class 'object'>)[1]: builtins.type cannot travel",
}


def test_result_that_cannot_travel_is_named_by_its_path(child: Context) -> None:
    pid = child.info.pid

    for kind, text in UNFIT.items():
        with pytest.raises(ValueNotSupported, match=re.escape(text)):
            child.call(misbehaving.make_result, kind)

    assert_lives(child, pid)


def test_result_that_raises_when_it_is_read_is_an_error_of_the_call(child: Context) -> None:
    error = caught(child, misbehaving.make_result, "unreadable")

    assert str(error) == "SystemExit: read"


@pytest.mark.parametrize("levels", [65, 100_000])
def test_result_nested_too_deeply_is_refused_with_its_path(child: Context, levels: int) -> None:
    pid = child.info.pid
    assert repr(child.call(misbehaving.deep, 64)) == "[" * 64 + "]" * 64

    with pytest.raises(ValueNotSupported, match=r"result(\[0\]){8}\.\.\.: is nested over 64 deep"):
        child.call(misbehaving.deep, levels)

    assert_lives(child, pid)


def test_result_that_contains_itself_is_refused(child: Context) -> None:
    pid = child.info.pid

    with pytest.raises(ValueNotSupported, match="nested over 64 deep, or contains itself"):
        child.call(misbehaving.make_cycle)

    assert_lives(child, pid)


def test_message_over_the_limit_is_refused_at_the_sender(
    no_leaks: None, python: str | None
) -> None:
    with Router(max_message_size=100_000) as router:
        child = router.local(python_path=python)
        pid = child.info.pid

        with pytest.raises(
            MessageTooLarge, match=r"len on local.*: the call takes.*max_message_size"
        ):
            child.call(len, bytes(100_001))
        with pytest.raises(MessageTooLarge, match="max_message_size"):
            child.call(bytes, 100_001)

        assert child.call(bytes, 90_000) == bytes(90_000)
        assert_lives(child, pid)


# -- out of stack, out of memory -----------------------------------------------------------------


def test_endless_recursion_in_c_is_an_error_of_the_call(child: Context) -> None:
    for how in ("json", "compare", "repr"):
        assert isinstance(caught(child, misbehaving.look_at_deep, how), RecursionError)


@pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_AS limits nothing elsewhere")
def test_out_of_memory_is_an_error_of_the_call(child: Context) -> None:
    child.call(misbehaving.lean, 64 * MEGABYTE)

    error = caught(child, misbehaving.allocate, 10_000 * MEGABYTE)

    assert isinstance(error, MemoryError)
    assert error.type_name == "MemoryError"
    assert child.call(misbehaving.allocate, MEGABYTE) == MEGABYTE


@pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_AS limits nothing elsewhere")
def test_result_that_leaves_no_memory_to_send_it_is_an_error_of_the_call(child: Context) -> None:
    child.call(misbehaving.lean, 64 * MEGABYTE)

    for size in (36, 48, 60):  # its bytes fit once and not twice
        error = caught(child, misbehaving.stretch, size * MEGABYTE)
        assert isinstance(error, MemoryError)
    assert child.call(misbehaving.stretch, 24 * MEGABYTE) == bytes(24 * MEGABYTE)


# -- exceptions that misbehave -------------------------------------------------------------------


def test_args_with_long_reprs_keep_the_beginning_and_the_end_of_the_text(child: Context) -> None:
    error = caught(child, misbehaving.raise_wide, 10_000_000)

    assert isinstance(error, ValueError)
    assert error.message.startswith("(<www") and error.message.endswith("www>)")
    assert "characters left out" in error.message
    assert len(error.message) < 100_000
    assert len(error.traceback) < 400_000


BROKEN = (
    *("__str__", "__repr__", "__reduce__", "__reduce_ex__", "__eq__"),
    *("args", "__cause__", "__notes__", "exceptions"),
)


def test_exception_with_one_broken_part_keeps_its_type(child: Context) -> None:
    for part in BROKEN:
        error = caught(child, misbehaving.raise_broken, part)

        assert isinstance(error, LookupError), part
        assert error.type_name == misbehaving.__name__ + ".BrokenError"
        text = "<its __str__ raised SystemExit>" if part == "__str__" else "is broken"
        assert error.message == text


def test_exception_whose_class_hides_its_name_is_still_one(child: Context) -> None:
    error = caught(child, misbehaving.hostile_class)

    assert "NamelessError" in error.type_name
    assert isinstance(error, KeyError)
    assert error.message == "'of a class'"


def test_exception_named_like_ours_is_an_error_of_the_call(router: Router) -> None:
    child = router.local()
    for name in set(our_errors.__all__) - {"again"}:
        error = caught(child, misbehaving.raise_like_ours, name)

        assert error.type_name == f"remotesvc.{name}"
        assert "not from here" in error.message
        ours = {kind for kind in type(error).__mro__ if issubclass(kind, Error)}
        assert ours - {type(error)} == {RemoteError, Error}


WITH_GROUPS = find_interpreters(at_least=(3, 11))


@pytest.mark.parametrize("interpreter", dict.fromkeys(WITH_GROUPS[:1] + WITH_GROUPS[-1:]), ids=str)
def test_groups_in_groups_are_cut(router: Router, interpreter: Interpreter) -> None:
    child = router.local(python_path=interpreter.path)
    for depth in (5, 900):
        error = caught(child, misbehaving.nested_groups, depth)

        assert error.message == f"level {depth - 1} (1 sub-exception)"
        levels = 0
        while error.members:
            (error,) = error.members
            levels += 1
        assert levels == min(depth, 7)
