"""A program that did not reach its host is started again, and given what was written."""

import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest

from remotesvc.connect.base import Attempt
from remotesvc.connect.patient import KEPT_LIMIT, PatientStream
from remotesvc.connect.process import ProcessStream
from remotesvc.connect.retry import AWAY, BUSY, FINAL, PAUSES
from remotesvc.connect.tries import Tries
from remotesvc.core.errors import ConnectError
from remotesvc.core.loop import Loop
from tests.loops import running_loop

# A wait for an event that is sure to come.
DEADLINE = 30.0

# The first so many runs fail, having read nothing or a part; the others give back what they get.
PROGRAM = """\
cd {folder}; echo run >> runs
[ $(wc -l < runs) -gt {failures} ] && exec {well}
head -c {taken} >/dev/null
echo turned away >&2
exit 255
"""


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    for failure in (BUSY, AWAY):
        monkeypatch.setitem(PAUSES, failure, (0.01, 0.01))


@pytest.fixture
def loop(no_leaks: None) -> Iterator[Loop]:
    """A loop on its thread."""
    with running_loop() as running:
        yield running


class Home:
    """What the stream asks of a router."""

    def __init__(self, loop: Loop) -> None:
        self.loop = loop

    def defer(self, job: Callable[[], None]) -> None:
        """Run it on another thread."""
        threading.Thread(target=job).start()


class Talk:
    """The owner of a stream: what it wants to write, what it hears, how it ended."""

    def __init__(
        self,
        loop: Loop,
        program: str,
        retries: int = 0,
        judge: Callable[[int | None, str], str] = lambda status, stderr: BUSY,
    ) -> None:
        self.heard = bytearray()
        self.reason = ""
        self.queue: list[bytes] = []
        self.programs: list[ProcessStream] = []
        self._changed = threading.Condition()
        self._begin = partial(ProcessStream, loop, ["/bin/sh", "-c", program])
        tries = Tries(Attempt("web1", DEADLINE), retries)
        self.stream = PatientStream(cast(Any, Home(loop)), self.begin, judge, tries)
        self.stream.on_bytes = self._hear
        self.stream.on_end = self._end
        self.stream.pull = self._pull

    def begin(self) -> ProcessStream:
        """Start a program."""
        self.programs.append(self._begin())
        return self.programs[-1]

    def __enter__(self) -> "Talk":
        self.stream.begin()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stream.close()
        assert self.stream.gone.wait(DEADLINE)

    def _hear(self, data: bytes) -> None:
        with self._changed:
            self.heard += data
            self._changed.notify_all()

    def _end(self, reason: str) -> None:
        with self._changed:
            self.reason = reason
            self._changed.notify_all()

    def _pull(self) -> bytes:
        return self.queue.pop(0) if self.queue else b""

    def wait_for(self, is_true: Callable[[], bool]) -> None:
        """Wait until something was heard, or it ended."""
        with self._changed:
            assert self._changed.wait_for(is_true, DEADLINE)


def program(folder: Path, failures: int, taken: int = 0, well: str = "cat") -> str:
    return PROGRAM.format(folder=folder, failures=failures, taken=taken, well=well)


@pytest.mark.parametrize("taken", [0, 3, 5])
@pytest.mark.parametrize("failures", [0, 1, 3])
def test_what_was_written_is_given_to_each_program_anew(
    loop: Loop, tmp_path: Path, failures: int, taken: int
) -> None:
    with Talk(loop, program(tmp_path, failures, taken)) as talk:
        assert talk.stream.write(b"hello")
        talk.stream.start()
        talk.wait_for(lambda: len(talk.heard) == 5)
        talk.stream.write(b" world")
        talk.wait_for(lambda: len(talk.heard) == 11)

    assert talk.heard == b"hello world"
    assert len(talk.programs) == failures + 1


@pytest.mark.parametrize("failures", [1, 2])
def test_more_than_a_pipe_holds_arrives_whole_and_in_order(
    loop: Loop, tmp_path: Path, failures: int
) -> None:
    pieces = [bytes([number]) * 100_000 for number in range(40)]
    with Talk(loop, program(tmp_path, failures)) as talk:
        talk.queue += pieces
        while talk.queue and talk.stream.write(talk.queue.pop(0)):
            continue  # that program has ended already, and it is kept for the next
        talk.stream.start()
        talk.wait_for(lambda: len(talk.heard) == 4_000_000)

    assert bytes(talk.heard) == b"".join(pieces)
    assert len(talk.programs) == failures + 1


def test_what_is_written_between_two_programs_is_for_the_next(loop: Loop, tmp_path: Path) -> None:
    is_gone, may_go_on = threading.Event(), threading.Event()

    def judge(status: int | None, stderr: str) -> str:
        is_gone.set()
        return BUSY

    with Talk(loop, program(tmp_path, 1), judge=judge) as talk:
        begin = talk.begin

        def begin_later() -> ProcessStream:
            may_go_on.wait(DEADLINE)
            return begin()

        talk.stream._begin = begin_later
        talk.stream.write(b"one ")
        talk.stream.start()
        assert is_gone.wait(DEADLINE)
        writing = threading.Thread(target=lambda: talk.stream.write(b"two"))
        writing.start()
        may_go_on.set()
        writing.join(DEADLINE)
        talk.wait_for(lambda: len(talk.heard) == 7)

    assert talk.heard == b"one two"


def test_a_failure_that_is_final_is_the_end(loop: Loop, tmp_path: Path) -> None:
    judge = lambda status, stderr: FINAL if status == 255 and stderr else BUSY  # noqa: E731
    with Talk(loop, program(tmp_path, 9), 5, judge) as talk:
        talk.stream.start()
        talk.wait_for(lambda: talk.reason != "")

        assert talk.stream.exit_status == 255
        assert talk.stream.stderr == "turned away\n"
    assert len(talk.programs) == 1


def test_so_many_are_started_as_were_asked_for(loop: Loop, tmp_path: Path) -> None:
    with Talk(loop, program(tmp_path, 9), 2, lambda status, stderr: AWAY) as talk:
        talk.stream.start()
        talk.wait_for(lambda: talk.reason != "")

    assert len(talk.programs) == 3


def test_one_that_has_said_a_word_is_the_last(loop: Loop) -> None:
    with Talk(loop, "echo noise; exit 255") as talk:
        talk.stream.start()
        talk.wait_for(lambda: talk.reason != "")

    assert talk.heard == b"noise\n"
    assert len(talk.programs) == 1


def test_what_exceeds_the_limit_waits_for_the_first_word(loop: Loop, tmp_path: Path) -> None:
    size = 400_000
    well = f"sh -c 'head -c {size} >/dev/null; echo; cat'"
    with Talk(loop, program(tmp_path, 1, well=well)) as talk:
        talk.queue += [bytes(size)] * 9
        # What meets a program that has ended already is taken at once.
        while talk.stream.write(bytes(size)) and talk.queue:
            talk.queue.pop()
        talk.stream.start()
        talk.wait_for(lambda: len(talk.heard) == 1 + 9 * size)

    assert 9 * size > KEPT_LIMIT
    assert len(talk.programs) == 2


def test_closed_between_two_programs_it_starts_no_other(
    loop: Loop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PAUSES, AWAY, (1000.0, 1000.0))
    is_gone = threading.Event()

    def judge(status: int | None, stderr: str) -> str:
        is_gone.set()
        return AWAY

    with Talk(loop, program(tmp_path, 9), 5, judge) as talk:
        talk.stream.start()
        assert is_gone.wait(DEADLINE)

    assert talk.reason == ""
    assert len(talk.programs) == 1


def test_a_program_that_cannot_be_started_again_is_the_end(loop: Loop, tmp_path: Path) -> None:
    def refuse() -> ProcessStream:
        raise ConnectError("web1: ssh could not be started")

    with Talk(loop, program(tmp_path, 9)) as talk:
        talk.stream._begin = refuse
        talk.stream.start()
        talk.wait_for(lambda: talk.reason != "")

    assert talk.reason == "web1: ssh could not be started"
