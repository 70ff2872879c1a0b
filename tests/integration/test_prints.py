"""What remote code prints: line by line while it runs, all of it, and it never holds up a call.

Elsewhere: credit, order and the escaping of single lines in tests/core/test_stdio.py and
tests/controller/test_output.py; a parent that goes while a child prints in test_ends.py.
"""

import contextlib
import io
import os
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from remotesvc import Context, DisconnectedError, Router
from remotesvc.controller.output import LINE_LIMIT, OUTPUT_WINDOW
from tests.integration.hosts import Print, start_host
from tests.integration.pipes import Pipe
from tests.integration.targets import prints as printing
from tests.integration.targets import work
from tests.leaks import resident_kb

DEADLINE = 60.0

MEGABYTE = 1024 * 1024

# What a flood of any size may add to the controller's memory: windows, lines, free lists.
GROWTH_KB = 16 * 1024


class Sink:
    """Keeps lines, or only counts them; waits at its gate while that is closed."""

    def __init__(self) -> None:
        self.lines: list[Print] = []
        self.size = 0
        self.keeps = True
        self.entered = threading.Event()
        self.gate = threading.Event()
        self.gate.set()
        self.came = threading.Condition()

    def __call__(self, name: str, stream: str, line: bytes) -> None:
        self.entered.set()
        assert self.gate.wait(DEADLINE)
        with self.came:
            self.size += len(line) + 1
            if self.keeps:
                self.lines.append((name, stream, line))
            self.came.notify_all()

    def wait_for(self, stream: str, line: bytes) -> None:
        """Wait until a line is there."""
        with self.came:
            found = self.came.wait_for(
                lambda: any((stream, line) == one[1:] for one in self.lines), DEADLINE
            )
        assert found, f"{line!r} did not come, but {self.lines!r}"

    def text(self, stream: str = "stdout") -> bytes:
        """Return what came on a stream."""
        return b"".join(line + b"\n" for _, name, line in self.lines if name == stream)


@pytest.fixture
def sink() -> Sink:
    return Sink()


@pytest.fixture
def router(no_leaks: None, empty_home: Path, sink: Sink) -> Iterator[Router]:
    """A router whose children print into the sink."""
    with Router(output=sink) as opened:
        try:
            yield opened
        finally:
            sink.gate.set()


# -- while the call runs -------------------------------------------------------------------------


def test_lines_arrive_while_the_function_runs(sink: Sink, pipe: Pipe, any_child: Context) -> None:
    future = any_child.submit(printing.print_and_wait, "under way", pipe.path)

    sink.wait_for("stdout", b"under way")
    assert not future.done()
    pipe.release()
    assert future.result(DEADLINE) == ""


def test_lines_of_a_subprocess_arrive_while_it_runs(
    sink: Sink, pipe: Pipe, any_child: Context
) -> None:
    future = any_child.submit(printing.shell_and_wait, "under way", pipe.path)

    sink.wait_for("stdout", b"under way")
    sink.wait_for("stderr", b"under way")
    assert not future.done()
    pipe.release()
    assert future.result(DEADLINE) == 0


def test_lines_of_a_host_arrive_over_ssh(router: Router, sink: Sink, tmp_path: Path) -> None:
    sink.keeps = False
    with start_host(tmp_path) as host:
        context = host.connect(router)

        assert context.call(printing.flood, 3 * MEGABYTE) == 3 * MEGABYTE

        assert sink.size == 3 * MEGABYTE // 100 * 100
        router.close()


def test_default_is_stderr_with_the_name_of_the_host_and_nothing_harmful(
    no_leaks: None, empty_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = io.StringIO()
    monkeypatch.setattr(sys, "stderr", shown)
    with Router() as router:
        child = router.local(name="web1")
        child.call(printing.write, "\x1b]0;title\x07 50%\r100%\u202e grün\n".encode())
        child.call(printing.write, b"\xff\xfe\n", 2)

    assert shown.getvalue() == (
        "web1: \\x1b]0;title\\x07 50%\\x0d100%\\u202e grün\nweb1: \\xff\\xfe\n"
    )


# -- the descriptors of user code ----------------------------------------------------------------


def test_descriptors_of_user_code_block_and_nobody_answers(any_child: Context) -> None:
    assert any_child.call(printing.modes) == [True, True, True]
    with pytest.raises(EOFError):
        any_child.call(printing.ask, "Password: ")
    assert any_child.call(os.read, 0, 100) == b""
    assert any_child.call(printing.shell, "cat; test -c /dev/stdin") == 0


def test_prompt_without_a_newline_is_there_with_the_next_line(
    sink: Sink, any_child: Context
) -> None:
    with pytest.raises(EOFError):
        any_child.call(printing.ask, "Password: ")

    any_child.call(print, "denied")

    assert b"Password: denied\n" in sink.text("stdout") + sink.text("stderr")


def test_bytes_of_any_kind_survive(sink: Sink, any_child: Context) -> None:
    every_byte = bytes(range(256)) * 40

    any_child.call(printing.write, every_byte + b"\n")
    any_child.call(printing.write_text, "latin \udce4\udcff, text ä€\U0001f600\n")
    any_child.call(printing.shell, r"printf '\377\200\0end\n'")

    expected = every_byte + b"\nlatin \xe4\xff, text " + "ä€\U0001f600\n".encode()
    assert sink.text() == expected + b"\xff\x80\0end\n"


@pytest.mark.parametrize("how", ["none", "object", "descriptor"])
def test_calls_go_on_without_stdout(sink: Sink, any_child: Context, how: str) -> None:
    assert any_child.call(printing.close_stdout, how) == "done"

    assert any_child.call(work.Point.add, 1, 1) == 2
    any_child.call(printing.write, b"still here\n", 2)
    assert sink.text("stderr") == b"still here\n"


def test_progress_bar_is_one_line_with_all_that_was_in_it(router: Router, sink: Sink) -> None:
    child = router.local()
    for percent in range(0, 101, 10):
        child.call(printing.write_text, f"\r{percent:3d}%")
    child.call(printing.write_text, " done\n")

    (line,) = sink.lines
    assert line[2] == b"".join(b"\r%3d%%" % n for n in range(0, 101, 10)) + b" done"


def test_endless_line_comes_in_pieces_of_bounded_length(router: Router, sink: Sink) -> None:
    data = bytes(range(65, 91)) * 100_000

    router.local().call(printing.write, data + b"\nnext\n")

    assert b"".join(line for _, _, line in sink.lines) == data + b"next"
    assert sink.lines[-1][2] == b"next"
    assert max(len(line) for _, _, line in sink.lines) <= 2 * LINE_LIMIT


# -- all of it, and before the result ------------------------------------------------------------


def test_whatever_a_call_printed_is_there_when_it_returns(sink: Sink, any_child: Context) -> None:
    sink.keeps = False
    for number in range(1, 4):  # far beyond the window, and just a pipe beyond it
        for size in (8 * OUTPUT_WINDOW, OUTPUT_WINDOW + 60_000):
            sink.size = 0
            assert any_child.call(printing.flood, size) == size
            assert sink.size == size // 100 * 100, number


@pytest.mark.parametrize("leave", [printing.leave_printer, printing.leave_subprocess])
def test_who_prints_for_ever_holds_up_no_call(
    sink: Sink, any_child: Context, leave: Callable[[], None]
) -> None:
    sink.keeps = False
    any_child.call(leave)

    for number in range(20):
        assert any_child.call(work.Point.add, number, 1) == number + 1


def test_subprocess_that_holds_stdout_delays_no_end_and_no_call(
    router: Router, sink: Sink
) -> None:
    child = router.local()
    child.call(printing.leave_holder)

    child.call(printing.write_text, "after\n")

    assert sink.text() == b"after\n"


def test_subprocess_prints_on_after_its_call_and_breaks_no_line(
    router: Router, sink: Sink, pipe: Pipe
) -> None:
    child = router.local()
    child.call(printing.shell, f"(cat {pipe.path}; echo late) & echo early")
    assert sink.text() == b"early\n"
    child.call(printing.write_text, "between\n")

    pipe.release()

    sink.wait_for("stdout", b"late")
    assert sink.text() == b"early\nbetween\nlate\n"


# -- a flood -------------------------------------------------------------------------------------


def flood_beside_calls(router: Router, sink: Sink, size: int) -> None:
    """Print `size` bytes in one context while calls on it and on another go on."""
    sink.keeps = False
    flooded, other = router.local(), router.local()
    other.call(work.measure, b"")
    memory = resident_kb()

    flooded.call(printing.flood_aside, size)
    for number in range(200):
        assert other.call(work.Point.add, number, 1) == number + 1
        assert flooded.call(work.Point.add, number, 2) == number + 2
    flooded.call(printing.wait_aside)

    assert sink.size == size
    assert resident_kb() - memory < GROWTH_KB


def test_calls_go_on_beside_20_mb_of_prints_of_which_nothing_is_lost(
    router: Router, sink: Sink
) -> None:
    flood_beside_calls(router, sink, 20_000_000)


@pytest.mark.soak
def test_calls_go_on_beside_100_mb_of_prints_of_which_nothing_is_lost(
    router: Router, sink: Sink
) -> None:
    flood_beside_calls(router, sink, 100_000_000)


def test_flood_waits_for_its_reader_and_others_do_not_wait_for_it(
    router: Router, sink: Sink
) -> None:
    sink.keeps = False
    flooded, other = router.local(), router.local()
    other.call(work.measure, b"")
    memory = resident_kb()
    sink.gate.clear()

    future = flooded.submit(printing.flood, 10 * MEGABYTE)
    for number in range(100):
        assert other.call(work.Point.add, number, 1) == number + 1

    assert not future.done()
    assert resident_kb() - memory < GROWTH_KB
    sink.gate.set()
    assert future.result(DEADLINE) == 10 * MEGABYTE
    assert sink.size == 10 * MEGABYTE // 100 * 100


@pytest.mark.parametrize(
    "size", [10 * MEGABYTE, OUTPUT_WINDOW + 60_000], ids=["while it prints", "when it has printed"]
)
def test_cancelled_call_whose_prints_wait_breaks_nothing(
    router: Router, sink: Sink, size: int
) -> None:
    child = router.local()
    pid = child.info.pid
    sink.gate.clear()
    child.call_no_reply(printing.write, b"first\n")
    future = child.submit(printing.flood, size)

    assert future.cancel()
    sink.gate.set()

    assert child.call(os.getpid) == pid
    child.call(print, "last")
    assert sink.lines[0][2] == b"first"
    assert sink.lines[-1][2].endswith(b"last")


# -- sinks that misbehave ------------------------------------------------------------------------


def test_sink_that_raises_fails_no_call(
    no_leaks: None, empty_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    errors: list[str] = []
    monkeypatch.setattr(sys, "excepthook", lambda kind, error, trace: errors.append(str(error)))

    def sink(name: str, stream: str, line: bytes) -> None:
        raise LookupError(line.decode())

    with Router(output=sink) as router:
        child = router.local()
        for text in ("one", "two"):
            child.call(print, text)

    assert errors == ["one", "two"]


def test_sink_that_never_returns_holds_up_neither_the_end_nor_those_who_wait(
    router: Router, sink: Sink
) -> None:
    child = router.local()
    sink.gate.clear()

    def call() -> None:
        with contextlib.suppress(DisconnectedError):  # unless the result was there already
            child.call(print, "never shown")

    waiting = threading.Thread(target=call)
    waiting.start()
    assert sink.entered.wait(DEADLINE)
    futures = [child.submit(printing.flood, 10 * MEGABYTE), child.submit(work.thread_name)]

    router.close()  # the test has a time limit

    waiting.join(DEADLINE)
    assert not waiting.is_alive()
    for future in futures:
        assert isinstance(future.exception(DEADLINE), DisconnectedError)
    assert sink.size == 0
