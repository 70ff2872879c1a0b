"""What user code prints: nothing is lost, nothing overtakes, and credit stops a flood."""

import concurrent.futures
import os
import select
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

import remotesvc
from remotesvc.core.authority import STDIO
from remotesvc.core.credit import GRANT, MESSAGE_COST
from remotesvc.core.errors import DisconnectedError
from remotesvc.core.stdio import CHUNK, OutputForwarder
from remotesvc.core.switch import Switch
from remotesvc.core.wire import RAW
from tests.core import printing
from tests.core.ends import Neighbour, message

DEADLINE = 30.0


class HandLoop:
    """A loop that the test turns: one turn calls each reader that has something to read."""

    def __init__(self) -> None:
        self.readers: dict[int, Callable[[], None]] = {}
        self.called = threading.Event()

    def set_reader(self, fd: int, callback: Callable[[], None] | None) -> None:
        self.readers.pop(fd, None)
        if callback is not None:
            self.readers[fd] = callback

    def call_soon(self, callback: Callable[[], None]) -> None:
        callback()
        self.called.set()

    def turn(self) -> bool:
        ready = select.select(list(self.readers), [], [], 0)[0]
        for fd in ready:
            self.readers[fd]()
        return bool(ready)


class Forwarding:
    """An OutputForwarder of context 5 below 1 and 0, with pipes for stdout and stderr."""

    def __init__(self, window: int) -> None:
        self.credit_to = 0
        self.loop = HandLoop()
        switch = Switch(5, (1, 0), 1 << 20, False, lambda text: None)
        self.parent = Neighbour(switch, 1, 0, is_parent=True)
        pipes = [os.pipe(), os.pipe()]
        self.out, self.err = pipes[0][1], pipes[1][1]
        self._fds = [fd for pipe in pipes for fd in pipe]
        for read, write in pipes:
            os.set_blocking(read, False)
            os.set_blocking(write, False)
        self.forwarder = OutputForwarder(
            switch,
            self.loop,  # type: ignore[arg-type]
            [read for read, _ in pipes],
            window,
        )
        self.forwarder.start()

    def grant(self, size: int, src: int = 0) -> None:
        """Have a context answer the last print with credit."""
        to = self.credit_to
        self.parent.say(message(GRANT.pack(size), dst=5, src=src, handle=to, encoding=RAW))

    def heard(self) -> list[tuple[int, bytes]]:
        """Return (stream, bytes) of each message since the last time."""
        messages = self.parent.hear()
        assert all(one.handle == STDIO and one.dst == 0 for one in messages)
        self.credit_to = messages[-1].reply_to if messages else self.credit_to
        return [(one.payload[0], one.payload[1:]) for one in messages]

    def close_fd(self, fd: int) -> None:
        self._fds.remove(fd)
        os.close(fd)

    def close(self) -> None:
        for fd in self._fds:
            os.close(fd)


@pytest.fixture
def forwarding(no_leaks: None) -> Iterator[Callable[[int], Forwarding]]:
    """Make a Forwarding with a window of so many bytes."""
    made: list[Forwarding] = []

    def make(window: int) -> Forwarding:
        made.append(Forwarding(window))
        return made[-1]

    yield make
    for one in made:
        one.close()


Make = Callable[[int], Forwarding]


def test_both_streams_go_to_the_controller_under_their_numbers(forwarding: Make) -> None:
    subject = forwarding(100_000)
    os.write(subject.out, b"out")
    os.write(subject.err, b"err")
    assert subject.loop.turn()
    assert sorted(subject.heard()) == [(1, b"out"), (2, b"err")]
    assert not subject.loop.turn()


def test_flood_stops_at_the_credit_and_every_byte_comes_when_more_is_granted(
    forwarding: Make,
) -> None:
    subject = forwarding(20_000)
    written = 0
    for _ in range(2):
        written += os.write(subject.out, bytes(65536))
        while subject.loop.turn():
            pass
    first = sum(len(data) for _, data in subject.heard())
    assert first < written  # what is left waits in the pipe, and blocks the writer
    assert first <= 20_000 + CHUNK
    subject.grant(65536 + 4 * MESSAGE_COST)
    while subject.loop.turn():
        pass
    assert first + sum(len(data) for _, data in subject.heard()) == written


def test_loop_does_not_spin_while_the_window_is_closed(forwarding: Make) -> None:
    subject = forwarding(1)
    turns = 0
    for _ in range(2):
        os.write(subject.out, b"x" * 10)
        os.write(subject.err, b"y" * 10)
        while subject.loop.turn():
            turns += 1
            assert turns < 10
    assert subject.loop.readers == {}
    assert [data for _, data in subject.heard()] == [b"x" * 10]


def test_grant_that_does_not_open_the_window_changes_nothing(forwarding: Make) -> None:
    subject = forwarding(1)
    os.write(subject.out, b"x" * 1000)
    while subject.loop.turn():
        pass
    subject.heard()
    os.write(subject.out, b"more")
    subject.grant(1)
    while subject.loop.turn():
        pass
    assert subject.heard() == []
    subject.grant(100_000)
    assert subject.loop.turn() and subject.heard() == [(1, b"more")]


def test_settle_forwards_what_lies_in_the_pipes_now(forwarding: Make) -> None:
    subject = forwarding(1_000_000)
    os.write(subject.out, bytes(60_000))
    os.write(subject.err, b"err")
    subject.forwarder.settle()
    heard = subject.heard()
    assert sum(len(data) for stream, data in heard if stream == 1) == 60_000
    assert heard[-1] == (2, b"err")


@contextmanager
def settling(subject: Forwarding) -> Iterator[threading.Thread]:
    """Have a thread wait for what was printed; it must be through at the end."""
    thread = threading.Thread(target=subject.forwarder.settle)
    thread.start()
    assert subject.loop.called.wait(DEADLINE)
    yield thread
    thread.join(DEADLINE)
    assert not thread.is_alive()


def test_settle_waits_for_credit_until_what_was_printed_has_left(forwarding: Make) -> None:
    subject = forwarding(1)
    os.write(subject.out, b"x" * 1000)
    subject.loop.turn()
    assert subject.heard() == [(1, b"x" * 1000)]
    os.write(subject.out, b"more")
    os.write(subject.err, b"err")
    with settling(subject) as thread:
        subject.grant(1)
        assert thread.is_alive() and subject.heard() == []
        subject.grant(1000 + MESSAGE_COST)  # enough for one of them
        assert thread.is_alive() and subject.heard() == [(1, b"more")]
        subject.grant(100_000)
    assert subject.heard() == [(2, b"err")]


def test_settle_of_several_threads_ends_for_each(forwarding: Make) -> None:
    subject = forwarding(1)
    os.write(subject.out, b"x" * 1000)
    subject.loop.turn()
    os.write(subject.out, b"more")
    with settling(subject):
        subject.loop.called.clear()
        with settling(subject):
            subject.heard()
            subject.grant(100_000)


def test_settle_ends_with_the_parent(forwarding: Make) -> None:
    subject = forwarding(1)
    os.write(subject.out, b"x" * 1000)
    subject.loop.turn()
    os.write(subject.out, b"more")
    with settling(subject):
        subject.parent.hang_up()
        subject.forwarder.lose(DisconnectedError("the parent is gone"))


def test_settle_takes_no_more_than_a_pipe_holds_from_one_who_prints_on(forwarding: Make) -> None:
    subject = forwarding(1)
    os.write(subject.out, bytes(65536))
    subject.loop.turn()
    os.write(subject.out, bytes(65536))
    subject.heard()
    with settling(subject):
        subject.grant(65536 + MESSAGE_COST)
        os.write(subject.out, b"printed after the call")
        subject.grant(10)
    assert subject.heard() == [(1, bytes(65536))]


def test_pipe_that_user_code_closed_is_read_no_more(forwarding: Make) -> None:
    subject = forwarding(100_000)
    os.write(subject.out, b"last")
    subject.close_fd(subject.out)
    turns = 0
    while subject.loop.turn():
        turns += 1
        assert turns < 10, "a closed pipe is readable for ever"
    assert subject.heard() == [(1, b"last")]
    os.write(subject.err, b"the other one lives")
    subject.loop.turn()
    assert subject.heard() == [(2, b"the other one lives")]


def test_output_without_a_parent_to_read_it_breaks_nothing(forwarding: Make) -> None:
    subject = forwarding(100_000)
    subject.parent.hang_up()
    os.write(subject.out, b"x")
    subject.forwarder.settle()
    subject.loop.turn()


# -- in a real child -----------------------------------------------------------------------------


class Sink:
    """Collects lines; waits at its gate while that is closed."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, bytes]] = []
        self.gate = threading.Event()
        self.gate.set()

    def __call__(self, name: str, stream: str, line: bytes) -> None:
        assert self.gate.wait(DEADLINE)
        self.lines.append((stream, line))


@pytest.fixture
def sink() -> Sink:
    return Sink()


@pytest.fixture
def child(sink: Sink, no_leaks: None) -> Iterator[remotesvc.Context]:
    """A real child whose prints go to the sink."""
    with remotesvc.Router(output=sink) as router:
        yield router.local()


def test_prints_are_there_when_the_call_returns(child: remotesvc.Context, sink: Sink) -> None:
    for _ in range(20):
        sink.lines.clear()
        assert child.call(printing.print_then_return, 3) == "result"
        # The unfinished line of the call before goes on in the first one.
        ends = [line[-6:] for _, line in sink.lines]
        assert ends == [b"line 0", b"line 1", b"line 2"]


def test_python_and_subprocesses_print_on_both_streams(
    child: remotesvc.Context, sink: Sink
) -> None:
    child.call(printing.print_everywhere)
    out = [line for stream, line in sink.lines if stream == "stdout"]
    err = [line for stream, line in sink.lines if stream == "stderr"]
    assert out == [b"python out", b"shell out"]
    assert err == [b"python err", b"shell err"]


def test_binary_output_survives(child: remotesvc.Context, sink: Sink) -> None:
    every_byte = bytes(range(256)) * 50
    child.call(printing.write_bytes, every_byte + b"\n")
    assert b"\n".join(line for _, line in sink.lines) == every_byte


def test_flood_is_stopped_by_a_sink_that_waits_and_nothing_is_lost(
    child: remotesvc.Context, sink: Sink
) -> None:
    sink.gate.clear()
    future = child.submit(printing.flood, 5_000_000)
    with pytest.raises(concurrent.futures.TimeoutError):
        future.result(0.3)
    sink.gate.set()
    assert future.result(DEADLINE) == 5_000_000
    child.call(os.getpid)
    assert sum(len(line) + 1 for _, line in sink.lines) == 5_000_000
    assert {line for _, line in sink.lines} == {b"x" * 999}
