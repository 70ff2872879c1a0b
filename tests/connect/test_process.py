"""The stream of a process of this host: its output, its last words, and nothing of it left."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from remotesvc.connect import process as process_module
from remotesvc.connect.process import STDERR_KEPT, ProcessStream
from remotesvc.core.loop import Loop
from tests.testing.client import is_running, wait_for_end

DEADLINE = 30.0


class Watched:
    """A process stream, and what it told."""

    def __init__(self, loop: Loop, *argv: str) -> None:
        self.stream = ProcessStream(loop, argv)
        self.data = b""
        self.reason = ""
        self.arrived = threading.Event()
        self.ended = threading.Event()
        self.stream.on_bytes = self._on_bytes
        self.stream.on_end = self._on_end
        self.stream.start()

    def _on_bytes(self, data: bytes) -> None:
        self.data += data
        self.arrived.set()

    def _on_end(self, reason: str) -> None:
        self.reason = reason
        self.ended.set()

    def wait(self) -> "Watched":
        assert self.ended.wait(DEADLINE), "the end was not told"
        return self

    def read_line(self) -> str:
        while b"\n" not in self.data:
            assert self.arrived.wait(DEADLINE), "nothing was printed"
            self.arrived.clear()
        return self.data.partition(b"\n")[0].decode()


Start = Callable[..., Watched]


@pytest.fixture
def start(no_leaks: None) -> Iterator[Start]:
    """Start programs on a loop; at the end they are closed and gone."""
    loop = Loop()
    thread = threading.Thread(target=loop.run)
    thread.start()
    started: list[Watched] = []

    def start_one(*argv: str) -> Watched:
        started.append(Watched(loop, *argv))
        return started[-1]

    yield start_one
    for watched in started:
        watched.stream.close()
        assert watched.stream.gone.wait(DEADLINE)
    loop.stop()
    thread.join()


def test_output_errors_and_status_are_known_when_the_end_is_told(start: Start) -> None:
    watched = start("sh", "-c", "echo out; echo err >&2; exit 7").wait()
    assert watched.data == b"out\n"
    assert (watched.stream.stderr, watched.stream.exit_status) == ("err\n", 7)
    assert watched.reason == "the other side closed the connection"


def test_status_of_a_killed_process_is_the_signal(start: Start) -> None:
    watched = start("sh", "-c", "kill -9 $$").wait()
    assert watched.stream.exit_status == -signal.SIGKILL


def test_end_of_the_error_output_is_kept_and_no_more(start: Start) -> None:
    program = f"yes error | head -c {STDERR_KEPT * 10} >&2; echo last >&2"
    watched = start("sh", "-c", program).wait()
    assert len(watched.stream.stderr) == STDERR_KEPT
    assert watched.stream.stderr.endswith("last\n")


def test_error_output_that_is_no_text_is_shown_all_the_same(start: Start) -> None:
    watched = start("sh", "-c", r"printf '\377\376' >&2").wait()
    assert watched.stream.stderr == r"\xff\xfe"


def test_end_is_told_though_another_process_holds_the_error_output(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process_module, "LAST_WORDS", 0.05)
    watched = start("sh", "-c", "echo said >&2; sleep 1000 >/dev/null & echo $!").wait()
    assert watched.stream.stderr == "said\n"
    watched.stream.close()
    wait_for_end(int(watched.data))


def test_process_leads_a_session_of_its_own(start: Start) -> None:
    watched = start(sys.executable, "-c", "import os; print(os.getsid(0), os.getpgrp())")
    pid = str(watched.stream.pid)
    assert watched.wait().data.split() == [pid.encode()] * 2


def test_process_that_ends_with_its_stdin_is_not_killed(start: Start, tmp_path: Path) -> None:
    witness = tmp_path / "witness"
    watched = start("sh", "-c", f"echo ready; cat; echo done > {witness}")
    watched.read_line()
    watched.stream.close()
    assert watched.stream.gone.wait(DEADLINE)
    assert witness.read_text() == "done\n" and watched.stream.exit_status == 0


def test_process_that_does_not_end_is_killed_with_its_group(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process_module, "KILL_AFTER", 0.05)
    program = "trap '' TERM HUP INT; sleep 1000 & echo $!; while :; do sleep 1000; done"
    watched = start("sh", "-c", program)
    grandchild = int(watched.read_line())
    watched.stream.close()
    assert watched.stream.gone.wait(DEADLINE)
    assert watched.stream.exit_status == -signal.SIGKILL
    wait_for_end(grandchild)


def test_group_of_a_process_that_was_killed_from_outside_goes_with_it(start: Start) -> None:
    program = "sleep 1000 </dev/null >/dev/null 2>&1 & echo $!; exec sleep 1000"
    watched = start("sh", "-c", program)
    grandchild = int(watched.read_line())
    os.kill(watched.stream.pid, signal.SIGKILL)
    watched.wait()
    assert is_running(grandchild)
    watched.stream.close()
    assert watched.stream.gone.wait(DEADLINE)
    wait_for_end(grandchild)


def test_kill_ends_it_at_once(start: Start) -> None:
    watched = start("sleep", "1000")
    watched.stream.kill()
    assert watched.wait().stream.exit_status == -signal.SIGKILL


def test_kill_after_the_end_reaches_nobody_else(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched = start("true")
    watched.stream.close()
    assert watched.stream.gone.wait(DEADLINE)
    signalled: list[int] = []
    monkeypatch.setattr(os, "killpg", lambda group, number: signalled.append(group))
    watched.stream.kill()
    assert signalled == []


def test_what_is_written_reaches_the_process(start: Start) -> None:
    watched = start("sh", "-c", "read a; read b; echo $b $a")
    watched.stream.write(b"one\ntwo\n")
    assert watched.wait().data == b"two one\n"


def test_close_before_the_loop_came_to_start_it_breaks_nothing(
    no_leaks: None, capsys: pytest.CaptureFixture[str]
) -> None:
    loop = Loop()
    stream = ProcessStream(loop, ["cat"])
    stream.close()
    stream.start()
    thread = threading.Thread(target=loop.run)
    thread.start()
    assert stream.gone.wait(DEADLINE)
    loop.stop()
    thread.join()
    assert capsys.readouterr().err == ""


def test_process_has_the_environment_that_it_is_given(no_leaks: None) -> None:
    loop = Loop()
    thread = threading.Thread(target=loop.run)
    thread.start()
    stream = ProcessStream(loop, ["sh", "-c", "echo $GREETING"], {"GREETING": "hello"})
    arrived: list[bytes] = []
    ended = threading.Event()
    stream.on_bytes = arrived.append
    stream.on_end = lambda reason: ended.set()
    stream.start()
    assert ended.wait(DEADLINE)
    assert b"".join(arrived) == b"hello\n"
    stream.close()
    assert stream.gone.wait(DEADLINE)
    loop.stop()
    thread.join()


class Held:
    """Something that a process needs."""

    def __init__(self) -> None:
        self.is_closed = threading.Event()

    def close(self) -> None:
        self.is_closed.set()


@pytest.mark.parametrize("is_ours", [True, False])
def test_what_a_process_needs_is_closed_with_it_or_where_it_may_not_be_killed(
    no_leaks: None, monkeypatch: pytest.MonkeyPatch, is_ours: bool
) -> None:
    def refuse(group: int, number: int) -> None:
        raise PermissionError

    loop, held = Loop(), Held()
    thread = threading.Thread(target=loop.run)
    thread.start()
    stream = ProcessStream(loop, ["cat"], None, held)
    with monkeypatch.context() as patched:
        if not is_ours:
            patched.setattr(os, "killpg", refuse)
        stream.kill()
        assert held.is_closed.is_set() is not is_ours
    stream.close()
    assert stream.gone.wait(DEADLINE) and held.is_closed.wait(DEADLINE)
    loop.stop()
    thread.join()


def test_program_that_does_not_exist_raises_and_leaves_nothing(no_leaks: None) -> None:
    loop = Loop()
    with pytest.raises(FileNotFoundError):
        ProcessStream(loop, ["/nonexistent/program"])
    loop.stop()
    loop.run()


def test_program_that_ignores_its_children_still_sees_the_end(tmp_path: Path) -> None:
    """With SIGCHLD ignored the kernel reaps by itself, and nobody learns a status."""
    program = """
import signal, threading
from remotesvc.connect.process import ProcessStream
from remotesvc.core.loop import Loop
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
loop = Loop()
thread = threading.Thread(target=loop.run)
thread.start()
stream = ProcessStream(loop, ["true"])
ended = threading.Event()
stream.on_end = lambda reason: ended.set()
stream.start()
print(ended.wait(30))
stream.close()
print(stream.gone.wait(30))
loop.stop()
thread.join()
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=DEADLINE
    )
    assert (done.stdout, done.stderr) == ("True\nTrue\n", "")
