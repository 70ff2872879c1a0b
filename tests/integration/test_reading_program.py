"""The main thread of a program reads the replies that it waits for, and Ctrl-C tears none."""

import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from remotesvc.testing.server import SshServer
from tests.controller.ssh.hosts import start_bare

PROGRAM = "tests.integration.reading_program"

ROOT = Path(__file__).parents[2]

# Interrupts of one program, each at another moment of a call.
INTERRUPTS = 150


MODES = [
    ("row", ["main", "True"]),
    ("with_handler", ["not main", "True"]),
    ("ignoring", ["main", "False"]),
    ("large", ["not main"]),
    ("services", ["main", "True"]),
    ("many_threads", ["done"]),
    ("callbacks", ["done"]),
    ("by_turns", ["done"]),
    ("lost_meanwhile", ["lost"] * 10),
]


@pytest.fixture(scope="module")
def server() -> Iterator[SshServer]:
    """A host."""
    with start_bare() as started:
        yield started


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


@pytest.mark.parametrize(("mode", "expected"), MODES)
def test_program_that_calls_in_a_row(empty_home: Path, mode: str, expected: list[str]) -> None:
    with program(mode) as process:
        assert [line(process) for _ in expected] == expected


@pytest.mark.parametrize(("mode", "expected"), MODES)
def test_program_that_calls_a_host_in_a_row(
    empty_home: Path, server: SshServer, mode: str, expected: list[str]
) -> None:
    with program(mode, str(server.config_file)) as process:
        assert [line(process) for _ in expected] == expected


def test_host_whose_packets_do_not_tell_their_length_is_read_by_another_thread(
    empty_home: Path, server: SshServer, tmp_path: Path
) -> None:
    config = tmp_path / "config"
    config.write_text("Ciphers aes128-ctr\n" + server.config_file.read_text())
    with program("row", str(config)) as process:
        assert line(process) == "not main"
        assert line(process) == "True"


def test_handler_of_the_program_is_kept_and_hears_what_comes(empty_home: Path) -> None:
    with program("with_own_interrupt") as process:
        assert line(process) == "ready"
        process.send_signal(signal.SIGINT)
        assert [line(process), line(process)] == ["not main", "False"]


@pytest.mark.parametrize("way", ["local", "ssh"])
def test_interrupts_come_one_by_one_and_no_reply_is_lost(
    empty_home: Path, server: SshServer, way: str
) -> None:
    pick = random.Random(5)
    words = [str(server.config_file)] if way == "ssh" else []
    with program("interrupted", *words) as process:
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
