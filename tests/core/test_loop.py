"""The I/O thread: order, timers, wake-ups from everywhere, and what is left when it stops."""

import os
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from types import TracebackType

import pytest

from remotesvc.core.link import DescriptorStream
from remotesvc.core.loop import Loop
from tests.loops import running_loop

DEADLINE = 30.0


@pytest.fixture
def loop(no_leaks: None) -> Iterator[Loop]:
    """A loop on its thread."""
    with running_loop() as running:
        yield running


def on_loop(loop: Loop) -> None:
    """Return once the loop has done all that it was asked for before."""
    done = threading.Event()
    loop.call_soon(done.set)
    assert done.wait(DEADLINE)


def test_callbacks_run_in_order_on_the_thread_of_the_loop(loop: Loop) -> None:
    seen: list[tuple[int, bool]] = []
    for number in range(100):
        loop.call_soon(lambda number=number: seen.append((number, loop.is_current())))  # type: ignore[misc]
    on_loop(loop)
    assert seen == [(number, True) for number in range(100)]
    assert not loop.is_current()


def test_callback_may_ask_for_another(loop: Loop) -> None:
    done = threading.Event()
    loop.call_soon(lambda: loop.call_soon(lambda: loop.call_soon(done.set)))
    assert done.wait(DEADLINE)


def test_ten_thousand_callbacks_from_four_threads_all_run(loop: Loop) -> None:
    seen: list[int] = []
    everything = threading.Event()

    def note(number: int) -> None:
        seen.append(number)
        if len(seen) == 10_000:
            everything.set()

    def ask(start: int) -> None:
        for number in range(start, 10_000, 4):
            loop.call_soon(lambda number=number: note(number))  # type: ignore[misc]

    threads = [threading.Thread(target=ask, args=(start,)) for start in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert everything.wait(DEADLINE), f"{10_000 - len(seen)} were lost"
    for start in range(4):
        mine = [number for number in seen if number % 4 == start]
        assert mine == sorted(mine)  # each thread's own, in its order


def test_idle_loop_wakes_up_for_each_of_many_single_calls(loop: Loop) -> None:
    for _ in range(300):
        on_loop(loop)


def test_timers_run_in_the_order_of_their_times(loop: Loop) -> None:
    seen: list[str] = []
    done = threading.Event()
    loop.call_later(0.03, done.set)
    loop.call_later(0.02, lambda: seen.append("late"))
    loop.call_later(0.01, lambda: seen.append("early"))
    loop.call_later(-1, lambda: seen.append("overdue"))
    assert done.wait(DEADLINE)
    assert seen == ["overdue", "early", "late"]


def test_timer_set_on_the_loop_runs_too(loop: Loop) -> None:
    done = threading.Event()

    def set_it() -> None:
        loop.call_later(0.001, done.set)

    loop.call_soon(set_it)
    assert done.wait(DEADLINE)


def test_cancelled_timer_does_not_run(loop: Loop) -> None:
    seen: list[str] = []
    done = threading.Event()

    def set_and_cancel() -> None:  # on its thread, so that no time passes between the two
        timer = loop.call_later(0.005, lambda: seen.append("cancelled"))
        timer.cancel()
        timer.cancel()
        loop.call_later(0.02, done.set)

    loop.call_soon(set_and_cancel)
    assert done.wait(DEADLINE)
    assert seen == []


def test_timer_that_another_one_cancels_does_not_run(loop: Loop) -> None:
    seen: list[str] = []
    done = threading.Event()

    def set_both() -> None:  # both are overdue at the next look
        later = loop.call_later(-1, lambda: seen.append("later"))
        loop.call_later(-2, later.cancel)
        loop.call_later(0, done.set)

    loop.call_soon(set_both)
    assert done.wait(DEADLINE)
    assert seen == []


def test_reader_is_called_while_there_is_something_to_read(loop: Loop) -> None:
    read, write = os.pipe()
    seen: list[bytes] = []
    done = threading.Event()

    def take() -> None:
        seen.append(os.read(read, 1))
        if len(seen) == 3:
            loop.set_reader(read, None)
            done.set()

    loop.call_soon(lambda: loop.set_reader(read, take))
    os.write(write, b"abcd")
    assert done.wait(DEADLINE)
    on_loop(loop)
    assert seen == [b"a", b"b", b"c"]  # the fourth byte was not asked for
    os.close(read)
    os.close(write)


def test_reader_and_writer_of_one_descriptor_come_and_go_alone(loop: Loop) -> None:
    near, far = socket.socketpair()
    seen: list[str] = []
    done = threading.Event()

    def write() -> None:
        seen.append("write")
        loop.set_writer(near.fileno(), None)
        far.send(b"x")

    def read() -> None:
        seen.append("read")
        near.recv(1)
        loop.set_reader(near.fileno(), None)
        loop.set_reader(near.fileno(), None)  # twice is fine
        done.set()

    loop.call_soon(lambda: loop.set_reader(near.fileno(), read))
    loop.call_soon(lambda: loop.set_writer(near.fileno(), write))
    assert done.wait(DEADLINE)
    assert seen == ["write", "read"]
    near.close()
    far.close()


def test_broken_callback_is_shown_and_the_loop_goes_on(
    loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[type[BaseException]] = []

    def show(
        kind: type[BaseException], error: BaseException, traceback: TracebackType | None
    ) -> None:
        shown.append(kind)

    monkeypatch.setattr(sys, "excepthook", show)

    def fail() -> None:
        raise ZeroDivisionError

    loop.call_soon(fail)
    loop.call_later(0, fail)
    on_loop(loop)
    on_loop(loop)
    assert shown == [ZeroDivisionError, ZeroDivisionError]


def test_stop_runs_what_is_due_closes_its_descriptors_and_forgets_its_thread(
    no_leaks: None,
) -> None:
    loop = Loop()
    seen: list[str] = []
    loop.call_soon(lambda: seen.append("before"))
    loop.call_soon(loop.stop)
    loop.call_soon(lambda: seen.append("due"))
    loop.run()
    assert seen == ["before", "due"]
    # The next thread may get the number of the one that ran it: this one did.
    assert not loop.is_current()


def test_stopped_loop_takes_calls_without_an_error(no_leaks: None) -> None:
    loop = Loop()
    loop.stop()
    loop.run()
    loop.call_soon(lambda: None)
    loop.call_later(0, lambda: None)
    loop.stop()


# -- a loop that is lent -------------------------------------------------------------------------


class Bell:
    """A pipe that a loop reads; tells on which threads."""

    def __init__(self, loop: Loop) -> None:
        self.heard: list[int] = []
        self.rung = threading.Event()
        self._read, self._write = os.pipe()
        self._loop = loop
        loop.call_soon(lambda: loop.set_reader(self._read, self._hear))

    def ring(self) -> None:
        self.rung.clear()
        os.write(self._write, b"!")

    def _hear(self) -> None:
        os.read(self._read, 1)
        self.heard.append(threading.get_ident())
        self.rung.set()

    def close(self) -> None:
        self._loop.call_soon(lambda: self._loop.set_reader(self._read, None))
        on_loop(self._loop)
        os.close(self._read)
        os.close(self._write)


@pytest.fixture
def bell(loop: Loop) -> Iterator[Bell]:
    bell = Bell(loop)
    yield bell
    bell.close()


class Heir:
    """Turns the loop until something is done."""

    def __init__(self, is_wanted: Callable[[], bool]) -> None:
        self.is_wanted = is_wanted


NEVER_WANTED = Heir(lambda: False)


def borrow(loop: Loop, bell: Bell, is_done: Callable[[], bool]) -> None:
    """Have the loop lent, ring, and turn it on this thread until something is done."""
    heir = Heir(is_done)
    lent = threading.Event()

    def lend() -> None:
        loop.lend(heir)
        lent.set()

    loop.call_soon(lend)
    assert lent.wait(DEADLINE)
    bell.ring()
    while not is_done():
        loop.turn_until(heir)


def test_borrower_is_the_thread_of_the_loop_and_gives_it_back(loop: Loop, bell: Bell) -> None:
    own = threading.get_ident()
    while own not in bell.heard:  # the loop's own thread may be faster
        borrow(loop, bell, bell.rung.is_set)
    assert not loop.is_current()

    on_loop(loop)
    before = len(bell.heard)
    bell.ring()
    assert bell.rung.wait(DEADLINE)
    assert bell.heard[before:] != [own]


def test_loop_that_is_not_lent_is_nobody_elses(loop: Loop) -> None:
    on_loop(loop)
    assert not loop.turn_until(NEVER_WANTED)
    on_loop(loop)


def test_callback_that_is_wanted_while_nobody_turns_runs(loop: Loop) -> None:
    for _ in range(200):
        loop.call_soon(lambda: loop.lend(NEVER_WANTED))
        on_loop(loop)


def test_timer_of_a_lent_loop_that_nobody_turns_runs(loop: Loop) -> None:
    done = threading.Event()
    loop.call_later(0.001, done.set)
    loop.call_soon(lambda: loop.lend(NEVER_WANTED))
    assert done.wait(DEADLINE)


def test_lent_loop_passes_between_threads_and_hears_everything(loop: Loop, bell: Bell) -> None:
    for number in range(1, 301):
        borrow(loop, bell, lambda number=number: len(bell.heard) >= number)  # type: ignore[misc]
        on_loop(loop)
    assert len(bell.heard) == 300


def test_lent_loop_stops(no_leaks: None) -> None:
    loop = Loop()
    thread = threading.Thread(target=loop.run)
    thread.start()
    loop.call_soon(lambda: loop.lend(NEVER_WANTED))
    on_loop(loop)
    borrower = threading.Thread(target=loop.turn_until, args=(NEVER_WANTED,))
    borrower.start()
    loop.stop()
    borrower.join(DEADLINE)
    thread.join(DEADLINE)
    assert not thread.is_alive()
    assert not borrower.is_alive()


def test_write_while_the_loop_finds_nothing_more_to_pull_loses_nothing(loop: Loop) -> None:
    """The stream is idle once pull() gave b"": another thread may write before it returns."""
    read, write = os.pipe()
    back, unused = os.pipe()
    stream = DescriptorStream(loop, back, write)
    filler, late = bytes(200_000), b"L" * 300_000
    pulls: list[int] = []

    def pull() -> bytes:
        pulls.append(1)
        if len(pulls) == 1:
            assert stream.write(late) is False  # the other thread, at the worst moment
        return b""

    stream.pull = pull
    assert stream.write(filler) is False
    data = b""
    while len(data) < len(filler) + len(late):
        part = os.read(read, 65536)
        assert part
        data += part
    assert data == filler + late
    stream.close()
    on_loop(loop)
    os.close(read)
    os.close(unused)


def test_stream_whose_reader_is_gone_drops_what_it_is_given(loop: Loop) -> None:
    read, write = os.pipe()
    back, unused = os.pipe()
    stream = DescriptorStream(loop, back, write)
    given = [b"x" * 200_000, b"y" * 200_000]
    done = threading.Event()

    def pull() -> bytes:
        data = given.pop() if given else b""
        if not data:
            done.set()
        return data

    stream.pull = pull
    assert stream.write(bytes(200_000)) is False
    os.close(read)
    assert done.wait(DEADLINE)  # else what is queued behind it would wait for ever
    assert stream.write(b"z") is True
    stream.close()
    on_loop(loop)
    os.close(unused)
