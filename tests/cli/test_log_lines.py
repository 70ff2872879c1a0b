"""The library's log on stderr."""

import logging

import pytest

from remotesvc.cli.log_lines import show_log
from remotesvc.cli.output import Output


def lines(capsys: pytest.CaptureFixture[str], verbose: int) -> list[str]:
    with show_log(Output(), verbose):
        for name in ("remotesvc.ssh", "remotesvc.paramiko"):
            logging.getLogger(name).warning("a %s\n", "warning")
            logging.getLogger(name).info("a fact")
            logging.getLogger(name).debug("a detail")
        logging.getLogger("remotesvc.ssh").warning("a %s\n", "warning")
    return capsys.readouterr().err.splitlines()


def test_warnings_are_one_line_each_and_come_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert lines(capsys, 0) == ["remotesvc.ssh: warning: a warning\\x0a"]


def test_each_v_shows_more(capsys: pytest.CaptureFixture[str]) -> None:
    ours = [
        "remotesvc.ssh: warning: a warning\\x0a",
        "remotesvc.ssh: info: a fact",
        "remotesvc.ssh: debug: a detail",
    ]

    assert lines(capsys, 1) == ours[:2]
    assert lines(capsys, 2) == ours
    assert lines(capsys, 3) == [
        *ours,
        *(line.replace("remotesvc.ssh", "remotesvc.paramiko") for line in ours),
    ]


def test_the_logger_is_left_as_it_was() -> None:
    logger = logging.getLogger("remotesvc")
    before = (list(logger.handlers), logger.level)

    with show_log(Output(), 2):
        pass

    assert (list(logger.handlers), logger.level) == before


def remote(text: str, **facts: object) -> None:
    """Log as the library does for a host, which it calls web1.example."""
    logger = logging.getLogger("remotesvc.host.web1\\x2eexample")
    logger.warning("%s", text, extra={"remote": {"logger": "app.disk", **facts}})


def test_what_a_host_logs_is_shown_like_its_prints_as_often_as_it_comes(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with show_log(Output(), 0):
        remote("full")
        remote("full")
        remote("failed\n  | Traceback\n  | OSError: \x1b")

    assert capsys.readouterr().err.splitlines() == [
        "web1.example: warning: app.disk: full",
        "web1.example: warning: app.disk: full",
        "web1.example: warning: app.disk: failed",
        "web1.example:   | Traceback",
        "web1.example:   | OSError: \\x1b",
    ]


def test_record_that_was_printed_over_there_does_not_come_twice(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with show_log(Output(), 0):
        remote("full", printed=True)

    assert capsys.readouterr().err == ""
