"""What is printed where, and what happens when nobody reads it."""

import io
import os
import sys

import pytest

from remotesvc.cli.output import Output, OutputClosed, OutputFailed


def test_results_and_talk_go_their_own_ways(capsys: pytest.CaptureFixture[str]) -> None:
    output = Output()

    output.result("a result")
    output.talk("talk")
    output.remote_line("web1", "stdout", b"caf\xc3\xa9 \xff\x1b[2J")

    captured = capsys.readouterr()
    assert captured.out == "a result\n"
    assert captured.err == "talk\nweb1: café \\xff\\x1b[2J\n"


def test_a_character_that_the_terminal_lacks_is_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    stdout = io.TextIOWrapper(written, "ascii")
    monkeypatch.setattr(sys, "stdout", stdout)

    Output().result("café")

    assert written.getvalue() == b"caf\\xe9\n"


def test_a_result_that_nobody_reads_is_a_quiet_end(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "w") as stdout:
        monkeypatch.setattr(sys, "stdout", stdout)
        with pytest.raises(OutputClosed):
            Output().result("a result")
        # Closing flushes what is left: that goes nowhere, and is no error.


def test_a_stdout_that_was_never_open_is_a_quiet_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)

    with pytest.raises(OutputClosed):
        Output().result("a result")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full on this system")
def test_a_result_that_cannot_be_written_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with open("/dev/full", "w") as stdout:
        monkeypatch.setattr(sys, "stdout", stdout)
        with pytest.raises(OutputFailed, match="cannot be written: No space left"):
            Output().result("a result")


def test_talk_that_nobody_hears_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "w") as stderr:
        monkeypatch.setattr(sys, "stderr", stderr)
        Output().talk("talk")
    monkeypatch.setattr(sys, "stderr", None)

    Output().talk("talk")
