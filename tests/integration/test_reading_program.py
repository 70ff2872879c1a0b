"""The main thread of a program reads the replies that it waits for, and Ctrl-C tears none."""

import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.controller.ssh.hosts import start_bare

PROGRAM = "tests.integration.reading_program"

ROOT = Path(__file__).parents[2]

# Interrupts of one program, each at another moment of a call.
INTERRUPTS = 150


@contextmanager
def program(*words: str) -> Iterator["subprocess.Popen[str]"]:
    """Run the program; at the end it must have ended well, and have said nothing on stderr."""
    with subprocess.Popen(
        [sys.executable, "-m", PROGRAM, *words],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
            assert process.stdin is not None and process.stderr is not None
            process.stdin.close()
            # Not by communicate(): what readline() has read ahead would be missing.
            assert process.stdout is not None
            assert process.stdout.read().splitlines()[-1:] == ["end"]
            assert (process.wait(100), process.stderr.read()) == (0, "")
        finally:
            process.kill()


def line(process: "subprocess.Popen[str]") -> str:
    """Return the next line that it writes."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("row", ["main", "True"]),
        ("with_handler", ["not main", "True"]),
        ("ignoring", ["main", "False"]),
        ("large", ["not main"]),
        ("services", ["main", "True"]),
        ("many_threads", ["done"]),
        ("callbacks", ["done"]),
        ("lost_meanwhile", ["lost"] * 10),
    ],
)
def test_program_that_calls_in_a_row(empty_home: Path, mode: str, expected: list[str]) -> None:
    with program(mode) as process:
        assert [line(process) for _ in expected] == expected


def test_handler_of_the_program_is_kept_and_hears_what_comes(empty_home: Path) -> None:
    with program("with_own_interrupt") as process:
        assert line(process) == "ready"
        process.send_signal(signal.SIGINT)
        assert [line(process), line(process)] == ["not main", "False"]


def test_interrupts_come_one_by_one_and_no_reply_is_lost(empty_home: Path) -> None:
    pick = random.Random(5)
    with program("interrupted") as process:
        assert line(process) == "ready"
        for _ in range(INTERRUPTS):
            for _ in range(pick.randrange(3000)):
                continue  # another moment each time
            process.send_signal(signal.SIGINT)
            assert line(process) == "interrupted"
        assert process.stdin is not None
        process.stdin.write("enough\n")
        process.stdin.flush()
        assert line(process) == "main"


def test_interrupt_ends_a_long_call(empty_home: Path) -> None:
    with program("interrupted_in_a_long_call") as process:
        for _ in range(10):
            assert line(process) == "ready"
            process.send_signal(signal.SIGINT)
            assert line(process) == "interrupted"


def test_host_whose_replies_another_thread_reads_is_called_by_turns_with_a_child(
    empty_home: Path,
) -> None:
    with start_bare() as server, program("over_ssh", str(server.config_file)) as process:
        assert line(process) == "done"
