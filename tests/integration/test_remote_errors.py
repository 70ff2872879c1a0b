"""What a caller sees of an exception over there: its type, its facts, its traceback."""

import copy
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from remotesvc import Context, RemoteError, Router
from tests.integration.pythons import NEWEST
from tests.integration.sources import Sources, own_sources
from tests.integration.targets import errors

HERE = Path(__file__).parent / "targets" / "errors.py"


def caught(context: Context, function: Callable[..., Any], *args: object) -> RemoteError:
    """Return the RemoteError of a call; the context must still work after it."""
    with pytest.raises(RemoteError) as info:
        context.call(function, *args)
    assert context.call(len, "ok") == 2
    return info.value


def line_of(text: str) -> int:
    """Return the number of the line of the targets that holds a text."""
    lines = HERE.read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)


def files_of(error: RemoteError) -> list[str]:
    """Return the files of the frames in a traceback, in order."""
    lines = error.traceback.splitlines()
    return [line.split('"')[1] for line in lines if line.lstrip(" |+-").startswith('File "')]


# -- types and facts -----------------------------------------------------------------------------


def test_remote_key_error_is_caught_as_one(any_child: Context) -> None:
    with pytest.raises(KeyError) as info:
        any_child.call(errors.look_up, "x")

    error = info.value
    assert isinstance(error, RemoteError)
    assert (error.type_name, error.message, error.args) == ("KeyError", "'x'", ("x",))
    assert (str(error), error.context_name) == ("KeyError: 'x'", "local")
    assert str(copy.copy(error)) == str(error)


def test_fields_of_a_remote_os_error_are_there(any_child: Context) -> None:
    with pytest.raises(FileNotFoundError) as info:
        any_child.call(errors.open_missing, "/does/not/exist")

    assert (info.value.errno, info.value.filename) == (2, "/does/not/exist")
    assert info.value.strerror == "No such file or directory"


def test_fields_of_a_remote_unicode_error_are_there(any_child: Context) -> None:
    with pytest.raises(UnicodeDecodeError) as info:
        any_child.call(errors.to_number, b"a\xff")

    assert (info.value.object, info.value.start, info.value.end) == (b"a\xff", 1, 2)


def test_own_type_is_the_nearest_builtin_and_keeps_its_name(any_child: Context) -> None:
    error = caught(any_child, errors.odd)

    assert isinstance(error, LookupError)
    assert errors.OddError not in type(error).__mro__
    assert error.type_name == errors.__name__ + ".OddError"
    assert error.message.startswith("('one and 2', <object object at")


@pytest.mark.parametrize(
    ("function", "args", "type_name"),
    [
        (sys.exit, (2,), "SystemExit"),
        (next, ([],), "TypeError"),
        (errors.cancel, (), "CancelledError"),
    ],
)
def test_what_would_end_the_caller_is_only_an_error(
    any_child: Context, function: Callable[..., Any], args: tuple[Any, ...], type_name: str
) -> None:
    error = caught(any_child, function, *args)

    assert error.type_name.rpartition(".")[2] == type_name
    assert isinstance(error, Exception)


def test_notes_arrive_and_are_shown_where_that_python_shows_them(any_child: Context) -> None:
    error = caught(any_child, errors.noted)

    assert error.notes == ("first note", "second note")
    shows = any_child.info.python_version >= (3, 11)
    assert ("second note" in error.traceback) is shows


def test_cause_and_context_arrive(any_child: Context) -> None:
    error = caught(any_child, errors.chain)

    assert isinstance(error, ValueError)
    cause = error.remote_cause
    assert cause is not None
    assert (cause.type_name, cause.message) == ("OSError", "second")
    assert OSError in type(cause).__mro__
    assert KeyError in type(cause.remote_context).__mro__
    assert "direct cause" in error.traceback
    assert "During handling" in error.traceback


def test_suppressed_context_is_left_out(any_child: Context) -> None:
    error = caught(any_child, errors.suppress)

    assert (error.remote_cause, error.remote_context) == (None, None)
    assert "hidden" not in error.traceback


def test_cycle_of_causes_ends(any_child: Context) -> None:
    error = caught(any_child, errors.cycle)

    assert error.message == "one"
    assert error.remote_cause is not None
    assert error.remote_cause.message == "'other'"


def test_long_chain_of_causes_is_cut(any_child: Context) -> None:
    error = caught(any_child, errors.many, 100)

    depth = 0
    link: RemoteError | None = error
    while link is not None:
        depth, link = depth + 1, link.remote_cause
    assert 4 <= depth <= 64
    assert error.message == "100"


@pytest.mark.skipif(NEWEST.version < (3, 11), reason="no Python 3.11 or newer found")
def test_members_of_a_group_arrive(router: Router) -> None:
    error = caught(router.local(python_path=NEWEST.path), errors.group)

    assert error.type_name == "ExceptionGroup"
    first, second = error.members
    assert isinstance(first, KeyError)
    assert second.type_name == "ExceptionGroup"
    assert isinstance(second.members[0], FileNotFoundError)
    assert second.members[0].filename == "a.txt"
    assert "a.txt" in error.traceback
    assert not any("remotesvc/core" in file for file in files_of(error))


def test_error_that_was_caught_travels_as_a_value(any_child: Context) -> None:
    for function, args in (
        (errors.look_up, ("x",)),
        (errors.open_missing, ("/does/not/exist",)),
        (errors.to_number, (b"a\xff",)),
        (errors.chain, ()),
        (errors.noted, ()),
        (errors.odd, ()),
    ):
        error = caught(any_child, function, *args)

        back, names, shown = any_child.call(errors.hand_back, error)

        assert type(back) is type(error)
        assert names[: len(names) - 2] == [one.__name__ for one in type(error).__mro__[:-2]]
        assert shown == str(back) == str(error)
        facts = ("type_name", "message", "args", "notes", "traceback", "filename", "start")
        for name in facts:
            assert getattr(back, name, None) == getattr(error, name, None)
        assert str(back.remote_cause) == str(error.remote_cause)
        assert back.context_name == any_child.name
        with pytest.raises(type(error)):
            raise back


# -- exceptions that misbehave -------------------------------------------------------------------


def test_exception_that_cannot_be_described_is_still_one(any_child: Context) -> None:
    error = caught(any_child, errors.broken)

    assert error.type_name == errors.__name__ + ".BrokenError"
    assert error.message == "<its __str__ raised SystemExit>"
    assert (error.notes, error.members) == ((), ())
    assert error.traceback.startswith("<no traceback")


def test_huge_text_keeps_its_beginning_and_its_end(any_child: Context) -> None:
    error = caught(any_child, errors.huge, 10_000_000)

    assert error.message.startswith("beginxxx")
    assert error.message.endswith("xxxend")
    assert "characters left out" in error.message
    assert len(error.message) < 100_000
    assert len(error.traceback) < 400_000
    assert isinstance(error, ValueError)


def test_endless_recursion_is_an_error_of_the_call(any_child: Context) -> None:
    error = caught(any_child, errors.recurse)

    assert isinstance(error, RecursionError)
    assert "recurse()" in error.traceback


def test_args_as_deep_as_a_value_may_be_do_not_hide_the_type(any_child: Context) -> None:
    error = caught(any_child, errors.deep_args)

    assert isinstance(error, KeyError)
    assert error.type_name == "KeyError"


# -- tracebacks ----------------------------------------------------------------------------------


def test_traceback_shows_file_line_and_source_and_no_frame_of_ours(any_child: Context) -> None:
    error = caught(any_child, errors.look_up, "x")

    assert files_of(error) == [str(HERE)]
    number = line_of("shown in the traceback")
    assert f'File "{HERE}", line {number}, in look_up' in error.traceback
    assert "return table[key]" in error.traceback
    assert error.traceback.startswith("Traceback (most recent call last):\n")
    assert error.traceback.endswith("KeyError: 'x'\n")


def test_frames_between_two_of_the_users_are_shown(any_child: Context) -> None:
    error = caught(any_child, errors.through_the_library)

    assert files_of(error) == [str(HERE)] * 3


def test_local_traceback_shows_the_remote_one(child: Context) -> None:
    error = caught(child, errors.look_up, "x")

    assert str(error.__cause__) == "\non local:\n" + error.traceback


@pytest.fixture
def sources(tmp_path: Path) -> Iterator[Sources]:
    with own_sources(tmp_path / "source") as opened:
        opened.write({"own/__init__.py": ""})
        yield opened


def test_source_that_was_sent_is_shown_not_a_file_of_that_name_over_there(
    any_child: Context, sources: Sources
) -> None:
    source = "def fail():\n    raise ValueError('x')  # as it was sent\n"
    sources.write({"own/sent.py": source})
    fail = sources.get("own.sent", "fail")

    caught(any_child, fail)
    sources.write({"own/sent.py": "\n# what lies on the disk\n# of the host\n"})

    error = caught(any_child, fail)
    assert "# as it was sent" in error.traceback
    assert "of the host" not in error.traceback


def test_syntax_error_shows_file_line_and_text(any_child: Context, sources: Sources) -> None:
    use = "def use():\n    from own import wrong\n"
    sources.write({"own/wrong.py": "x = 1\ny = = 2\n", "own/use.py": use})

    error = caught(any_child, sources.get("own.use", "use"))

    assert isinstance(error, SyntaxError)
    assert (error.filename, error.lineno) == (sources.path("own/wrong.py"), 2)
    assert (error.text or "").strip() == "y = = 2"
    assert "y = = 2" in error.traceback
    assert files_of(error) == [sources.path("own/use.py"), sources.path("own/wrong.py")]


def test_import_that_fails_shows_the_users_frames_only(
    any_child: Context, sources: Sources
) -> None:
    deep, use = "import json\nimport own.nowhere\n", "def use():\n    import own.deep\n"
    sources.write({"own/deep.py": deep, "own/use.py": use})

    error = caught(any_child, sources.get("own.use", "use"))

    assert isinstance(error, ModuleNotFoundError)
    assert error.message == "No module named 'own.nowhere'"
    assert error.name == "own.nowhere"
    assert files_of(error) == [sources.path("own/use.py"), sources.path("own/deep.py")]


def test_module_that_raises_while_imported_shows_its_own_frames(
    any_child: Context, sources: Sources
) -> None:
    raising = "def ready():\n    raise OSError('not ready')\nready()\n"
    use = "def use():\n    import own.raising\n"
    sources.write({"own/raising.py": raising, "own/use.py": use})

    error = caught(any_child, sources.get("own.use", "use"))

    assert isinstance(error, OSError)
    assert files_of(error) == [
        sources.path("own/use.py"),
        sources.path("own/raising.py"),
        sources.path("own/raising.py"),
    ]
