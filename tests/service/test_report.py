"""What of failures is logged: strangers fill no disk, and forge no line."""

import logging
import threading

import pytest

from remotesvc.service.report import KINDS_LIMIT, TRACEBACK_LIMIT, Reports
from remotesvc.service.runner import Runner
from tests.service.stations import make_call
from tests.service.test_runner import runner

__all__ = ["runner"]


def failure(text: str = "x") -> Exception:
    """Return an exception that was raised."""
    try:
        raise LookupError(text)
    except LookupError as error:
        return error


def traceback_of(record: logging.LogRecord) -> str:
    """Return the traceback that handlers show."""
    assert record.exc_text is not None
    return record.exc_text


def test_first_failure_is_shown_and_then_powers_of_ten_and_the_end(
    caplog: pytest.LogCaptureFixture,
) -> None:
    reports = Reports()
    for _ in range(3000):
        reports.count("error", "S.fetch failed", failure())
    reports.close()

    assert caplog.messages == [
        "S.fetch failed",
        "S.fetch failed: ... and 9 more (LookupError)",
        "S.fetch failed: ... and 99 more (LookupError)",
        "S.fetch failed: ... and 999 more (LookupError)",
        "S.fetch failed: ... and 2,999 more (LookupError)",
    ]
    assert "raise LookupError(text)" in traceback_of(caplog.records[0])
    assert [record.exc_text for record in caplog.records[1:]] == [None] * 4
    assert {record.levelno for record in caplog.records} == {logging.ERROR}


def test_end_tells_nothing_that_was_told_already(caplog: pytest.LogCaptureFixture) -> None:
    reports = Reports()
    for _ in range(10):
        reports.count("error", "ten", failure())
    reports.count("error", "one", failure())
    shown = len(caplog.messages)
    reports.close()
    reports.close()
    assert len(caplog.messages) == shown == 3


def test_what_fails_otherwise_is_shown_too(caplog: pytest.LogCaptureFixture) -> None:
    reports = Reports()
    for what, error in (("a", failure()), ("b", failure()), ("a", OSError()), ("a", failure())):
        reports.count("error", what, error)
    assert caplog.messages == ["a", "b", "a"]


def test_kinds_are_bounded_and_what_is_forgotten_is_told(caplog: pytest.LogCaptureFixture) -> None:
    reports = Reports()
    reports.count("error", "oldest", failure())
    reports.count("error", "oldest", failure())
    for number in range(KINDS_LIMIT):
        reports.count("error", f"kind {number}", failure())
    assert len(reports._counts) == KINDS_LIMIT
    assert caplog.messages.count("oldest: ... and 1 more (LookupError)") == 1


def test_failures_that_parents_bring_about_are_shown_each(
    caplog: pytest.LogCaptureFixture,
) -> None:
    reports = Reports()
    for _ in range(5):
        reports.show("error", "S.fetch failed", failure())
    assert caplog.messages == ["S.fetch failed"] * 5


def test_traceback_forges_no_line_and_is_of_bounded_length(
    caplog: pytest.LogCaptureFixture,
) -> None:
    reports = Reports()
    reports.count("error", "a\nb\x1b", failure("/no\nERROR web2: forged \x1b[31m"))
    reports.count("error", "long", failure("x" * 1_000_000))

    assert caplog.messages[0] == "a\\x0ab\\x1b"
    text = traceback_of(caplog.records[0])
    assert "  ERROR web2: forged \\x1b[31m" in text.split("\n")
    assert all(line.startswith("  ") for line in text.split("\n"))
    assert len(traceback_of(caplog.records[1])) < 2 * TRACEBACK_LIMIT


def test_exception_that_cannot_be_shown_is_named(caplog: pytest.LogCaptureFixture) -> None:
    class Hostile(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no text")

    Reports().show("error", "S.fetch failed", Hostile())
    assert "Hostile" in traceback_of(caplog.records[0])


def test_what_nobody_logs_is_not_shown(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, "remotesvc.service"):
        Reports().show("info", "S.fetch failed", failure())
    assert caplog.messages == []


def test_counts_of_several_threads_add_up(caplog: pytest.LogCaptureFixture) -> None:
    reports = Reports()

    def fail() -> None:
        for _ in range(500):
            reports.count("error", "S.fetch failed", failure())

    threads = [threading.Thread(target=fail) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    reports.close()
    assert caplog.messages[-1] == "S.fetch failed: ... and 1,999 more (LookupError)"


@pytest.mark.parametrize("is_commanded", [True, False])
def test_runner_counts_what_strangers_bring_about(
    runner: Runner, caplog: pytest.LogCaptureFixture, is_commanded: bool
) -> None:
    for _ in range(5):
        call = make_call(reply_to=0)
        call.is_commanded = is_commanded
        runner.fail(call, failure())
    assert len(caplog.messages) == (5 if is_commanded else 1)
    assert caplog.messages[0].startswith("Logs.tail failed, and nobody waits for it")
    assert ("asked by context" in caplog.messages[0]) is not is_commanded
