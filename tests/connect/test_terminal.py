"""A terminal of its own for a program that asks: nothing echoed, pipes free, gone with it."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator

import pytest

from remotesvc import AuthenticationError, Secret
from remotesvc.connect.base import Attempt
from remotesvc.connect.process import ProcessStream
from remotesvc.connect.terminal import PIPES_BACK, Terminal
from remotesvc.core.loop import Loop

DEADLINE = 30.0


class Watched:
    """A program in a terminal, and what it said on its output."""

    def __init__(self, loop: Loop, *argv: str, is_stdin: bool = False) -> None:
        self.terminal = Terminal(loop, Attempt("web1", 30))
        words = self.terminal.argv(argv, is_stdin)
        self.stream = ProcessStream(loop, words, None, self.terminal)
        self.data = b""
        self.ended = threading.Event()
        self.stream.on_bytes = self._take
        self.stream.on_end = lambda reason: self.ended.set()
        self.terminal.on_text = self._answer
        self.answers: list[Secret] = []

    def _take(self, data: bytes) -> None:
        self.data += data

    def _answer(self, data: bytes) -> None:
        if data.endswith(b"? "):
            self.terminal.type(self.answers.pop(0))

    def wait(self, *answers: str) -> "Watched":
        self.answers = list(map(Secret, answers))
        self.terminal.start()
        self.stream.start()
        assert self.ended.wait(DEADLINE)
        self.terminal.drain()
        return self


@pytest.fixture
def start(no_leaks: None) -> Iterator[Callable[..., Watched]]:
    loop = Loop()
    thread = threading.Thread(target=loop.run)
    thread.start()
    started: list[Watched] = []

    def start_one(*argv: str, is_stdin: bool = False) -> Watched:
        started.append(Watched(loop, *argv, is_stdin=is_stdin))
        return started[-1]

    yield start_one
    for watched in started:
        watched.stream.close()
        assert watched.stream.gone.wait(DEADLINE)
    loop.stop()
    thread.join()


def test_program_reads_from_its_controlling_terminal_and_writes_to_its_pipes(
    start: Callable[..., Watched],
) -> None:
    program = "printf 'who? ' >/dev/tty; read -r line </dev/tty; echo got $line; echo err >&2"
    watched = start("sh", "-c", program).wait("alice")
    assert watched.data == b"got alice\n"
    assert (watched.terminal.text, watched.stream.stderr) == ("who? ", "err\n")


def test_program_that_reads_its_stdin_finds_the_terminal_there_and_its_pipes_behind(
    start: Callable[..., Watched],
) -> None:
    inner = PIPES_BACK + "read -r word; echo got $line $word; ls /proc/self/fd | wc -w >&2"
    program = f"test -t 0 && printf 'who? '; read -r line; export line; exec sh -c '{inner}'"
    watched = start("sh", "-c", program, is_stdin=True)
    watched.stream.write(b"payload\n")
    watched.wait("alice")
    assert watched.data == b"got alice payload\n"
    # ls itself has one open: nothing of the terminal is left to what runs then.
    assert watched.stream.stderr == "4\n"
    assert watched.terminal.text == "who? "


def test_letters_that_mean_something_to_terminals_are_typed_as_they_are(
    start: Callable[..., Watched],
) -> None:
    secret = "\x03\x04\x15\x16\x17\x1a\x1c\x7f é\\"
    program = "import os; os.write(1, b'who? '); os.write(4, os.read(0, 100))"
    watched = start(sys.executable, "-c", program, is_stdin=True).wait(secret)
    assert watched.data.decode() == secret + "\n"


def test_nothing_that_was_typed_is_echoed(start: Callable[..., Watched]) -> None:
    program = "printf 'who? '; read -r line; printf 'again? '; read -r line; echo $line >&4"
    watched = start("sh", "-c", program, is_stdin=True).wait("hunter2", "hunter3")
    assert watched.terminal.text == "who? again? "
    assert watched.data == b"hunter3\n"


def test_closing_hangs_up_on_the_program(start: Callable[..., Watched]) -> None:
    watched = start("sh", "-c", "echo ready; exec sleep 1000")
    watched.stream.on_bytes = lambda data: watched.terminal.close()
    assert watched.wait().stream.exit_status == -signal.SIGHUP


def test_lack_of_terminals_is_told_with_the_way_out(
    no_leaks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def openpty() -> tuple[int, int]:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "openpty", openpty)
    loop = Loop()
    with pytest.raises(AuthenticationError, match=r"web1: no terminal .* kernel\.pty\.max"):
        Terminal(loop, Attempt("web1", 30))
    loop.stop()
    loop.run()
