"""What children print on its way to the sink: lines, names, credit, and sinks that misbehave."""

import io
import sys
import threading
from collections.abc import Iterator
from types import TracebackType

import pytest

from remotesvc.controller.output import (
    LINE_COST,
    LINE_LIMIT,
    OUTPUT_WINDOW,
    SLACK,
    TURN,
    Output,
    print_line,
)
from remotesvc.core.authority import STDIO
from remotesvc.core.credit import GRANT, MESSAGE_COST
from remotesvc.core.dead import exhume
from remotesvc.core.errors import DisconnectedError, ProtocolError
from remotesvc.core.switch import Switch
from remotesvc.core.wire import RAW
from tests.core.ends import Neighbour, message

DEADLINE = 30.0
CHUNK = 32 * 1024

CREDIT_TO = 400

Line = tuple[str, str, bytes]


class House:
    """A controller with the contexts 5 and 6, named web5 and web6 while they are connected."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Event()
        self.names = {5: "web5", 6: "web6"}
        self.reports: list[str] = []
        self.switch = Switch(0, (), 1 << 20, False, self.reports.append)
        self.output = Output(self.switch, self.sink, lambda src: self.names.get(src, "nobody"))
        self.switch.serve(STDIO, self.output.receive)
        self.switch.observe(self.output.lose)
        self.switch.observe(self.forget)
        self.ends = {number: Neighbour(self.switch, number) for number in (5, 6)}

    def forget(self, ids: set[int], error: Exception) -> None:
        for one in ids:
            del self.names[one]

    def sink(self, name: str, stream: str, line: bytes) -> None:
        self.entered.set()
        assert self.gate.wait(DEADLINE)
        self.lines.append((name, stream, line))

    def say(self, data: bytes, src: int = 5, stream: int = 1) -> None:
        payload = bytes([stream]) + data
        said = message(payload, dst=0, src=src, handle=STDIO, reply_to=CREDIT_TO, encoding=RAW)
        self.ends[src].say(said)

    def shown(self, src: int = 5) -> list[Line]:
        """Wait until the sink has everything; return it."""
        self.output.settle(src)
        return self.lines

    def granted(self, src: int = 5) -> int:
        heard = [one for one in self.ends[src].hear() if one.handle == CREDIT_TO]
        return sum(GRANT.unpack(one.payload)[0] for one in heard)


@pytest.fixture
def house(no_leaks: None) -> Iterator[House]:
    house = House()
    yield house
    house.gate.set()
    house.output.close(DEADLINE)


def test_lines_reach_the_sink_with_the_name_of_their_host(house: House) -> None:
    house.say(b"one\ntwo\n")
    house.say(b"error\n", stream=2)
    assert house.shown() == [
        ("web5", "stdout", b"one"),
        ("web5", "stdout", b"two"),
        ("web5", "stderr", b"error"),
    ]


def test_line_that_comes_in_pieces_is_one_line(house: House) -> None:
    for piece in (b"be", b"gin", b"", b" and end\nnext"):
        house.say(piece or b"\n")
    assert house.shown() == [("web5", "stdout", b"begin"), ("web5", "stdout", b" and end")]


def test_pieces_of_two_hosts_and_two_streams_do_not_mix(house: House) -> None:
    for src in (5, 6):
        for stream in (1, 2):
            house.say(b"a%d%d" % (src, stream), src, stream)
    for src in (5, 6):
        for stream in (1, 2):
            house.say(b"b\n", src, stream)
    house.output.settle(6)
    assert {line for _, _, line in house.shown()} == {b"a51b", b"a52b", b"a61b", b"a62b"}


def test_line_without_an_end_is_shown_when_its_host_is_lost_under_its_name(house: House) -> None:
    house.say(b"Segmentation fa")
    house.ends[5].hang_up()
    house.output.close(DEADLINE)
    assert house.lines == [("web5", "stdout", b"Segmentation fa")]
    assert 5 not in house.names


def test_lost_host_is_forgotten(house: House) -> None:
    for _ in range(3):
        house.say(b"x\n")
    house.ends[5].hang_up()
    house.output.lose({5}, DisconnectedError("told twice"))
    assert house.output._inbox._sources == {}


def test_endless_line_is_shown_in_pieces(house: House) -> None:
    for _ in range(5):
        house.say(b"x" * CHUNK)
    house.say(b"\n")
    lines = [line for _, _, line in house.shown()]
    assert b"".join(lines) == b"x" * (5 * CHUNK)
    assert [len(line) for line in lines] == [LINE_LIMIT, LINE_LIMIT, CHUNK]


def test_longest_line_is_one_however_it_comes(house: House) -> None:
    longest = b"x" * LINE_LIMIT + b"\n"
    house.say(b"a\n" + longest + b"\n" + longest + b"b\n")
    house.say(longest[:-1])
    house.say(b"\n")
    assert [line for _, _, line in house.shown()] == [
        b"a",
        longest[:-1],
        b"",
        longest[:-1],
        b"b",
        longest[:-1],
    ]


@pytest.mark.parametrize("payload", [b"", b"\x01", b"\x00x", b"\x03x", b"\xffx"])
def test_message_of_another_form_is_refused(house: House, payload: bytes) -> None:
    asked = message(payload, dst=0, src=5, handle=STDIO, reply_to=900, encoding=RAW)
    house.ends[5].say(asked)
    (answer,) = house.ends[5].hear()
    assert isinstance(exhume(answer.payload), ProtocolError)
    assert house.lines == [] and len(house.reports) == 1


# -- credit --------------------------------------------------------------------------------------


def test_what_was_shown_is_granted_anew(house: House) -> None:
    rounds = 4 * OUTPUT_WINDOW // CHUNK
    granted = 0
    for _ in range(rounds):
        house.say(b"x" * (CHUNK - 1) + b"\n")
        house.shown()
        granted += house.granted()
    spent = rounds * (CHUNK + MESSAGE_COST)
    house.output.close(DEADLINE)  # the last grant goes out after its line was shown
    granted += house.granted()
    assert spent - OUTPUT_WINDOW < granted <= spent
    assert len(house.lines) == rounds


def test_child_that_ignores_its_credit_loses_the_excess_and_it_is_shown(house: House) -> None:
    house.gate.clear()
    line = b"x" * (CHUNK - 1) + b"\n"
    house.say(line)
    assert house.entered.wait(DEADLINE)  # or what is lost until then is shown by itself
    for _ in range(99):
        house.say(line)
    fitting = (OUTPUT_WINDOW + SLACK) // (CHUNK + MESSAGE_COST)
    house.gate.set()
    lines = [text for _, _, text in house.shown()]
    lost = f"[{(100 - fitting) * CHUNK} bytes lost: this child printed beyond its credit]"
    assert lines.count(lost.encode()) == 1
    assert lines.count(line[:-1]) == fitting
    house.say(b"after\n")  # it is not shut out for ever
    assert house.shown()[-1] == ("web5", "stdout", b"after")


def test_flood_of_one_byte_messages_is_bounded_too(house: House) -> None:
    house.gate.clear()
    for _ in range(20_000):
        house.say(b"\n")
    waiting = house.output._inbox._sources[5].waiting
    assert len(waiting) <= (OUTPUT_WINDOW + SLACK) // MESSAGE_COST


def test_slow_sink_holds_up_no_reading_thread_and_no_other_credit(house: House) -> None:
    house.gate.clear()
    house.say(b"first\n")
    assert house.entered.wait(DEADLINE)
    house.say(b"second\n", src=6)  # returns though the sink is stuck
    house.gate.set()
    house.output.settle(5)
    house.output.settle(6)
    assert [name for name, _, _ in house.lines] == ["web5", "web6"]


@pytest.mark.parametrize(
    ("flood", "is_one"),
    [(b"\n" * 200_000, True), (b"x" * 99 + b"\n", False), (b"\n", False)],
    ids=["empty lines", "messages", "small messages"],
)
def test_flood_of_one_host_delays_a_line_of_another_by_one_turn(
    house: House, flood: bytes, is_one: bool
) -> None:
    house.gate.clear()
    for _ in range(1 if is_one else 1000):
        house.say(flood)
    assert house.entered.wait(DEADLINE)
    house.say(b"honest\n", src=6)
    house.say(b"second\n", src=6)
    house.gate.set()
    house.output.settle(6)
    house.output.settle(5)
    first, second = [n for n, line in enumerate(house.lines) if line[0] == "web6"]
    turn = TURN // LINE_COST
    assert first <= turn and second - first <= turn + 1
    assert len(house.lines) == 2 + (200_000 if is_one else 1000)


def test_turns_keep_the_order_of_each_host(house: House) -> None:
    house.gate.clear()
    numbers = [b"%d" % number for number in range(3000)]
    for start in range(0, 3000, 300):
        for src in (5, 6):
            data = b"\n".join(numbers[start : start + 300]) + b"\n"
            house.say(data[:700], src)
            house.say(data[700:], src)
    house.ends[6].hang_up()
    house.gate.set()
    house.output.settle(5)
    house.output.close(DEADLINE)
    for name in ("web5", "web6"):
        assert [line for told, _, line in house.lines if told == name] == numbers
    assert house.lines != sorted(house.lines, key=lambda line: line[0])  # they took turns


# -- waiting for the sink ------------------------------------------------------------------------


def test_settle_does_not_wait_for_what_comes_after_it(no_leaks: None) -> None:
    house = House()
    enough = threading.Event()

    def print_more(name: str, stream: str, line: bytes) -> None:
        if not enough.is_set():  # whenever one line is shown there is another
            house.say(b"more\n")

    output = Output(house.switch, print_more, str)
    house.switch.serve(STDIO, output.receive)
    house.say(b"first\n")
    output.settle(5)
    enough.set()
    output.close(DEADLINE)


def test_settle_of_an_unknown_or_silent_context_returns_at_once(house: House) -> None:
    house.output.settle(5)
    house.output.settle(99)


def test_sink_may_settle_itself(no_leaks: None) -> None:
    house = House()
    settled = threading.Event()

    def sink(name: str, stream: str, line: bytes) -> None:
        output.settle(5)  # as a call made in it would
        settled.set()

    output = Output(house.switch, sink, str)
    house.switch.serve(STDIO, output.receive)
    house.say(b"x\n")
    assert settled.wait(DEADLINE)
    output.close(DEADLINE)


@pytest.mark.parametrize("kind", [ZeroDivisionError, SystemExit, KeyboardInterrupt])
def test_sink_that_raises_is_shown_and_gets_the_next_line(
    kind: type[BaseException], no_leaks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = House()
    shown: list[type[BaseException]] = []

    def show(
        found: type[BaseException], error: BaseException, traceback: TracebackType | None
    ) -> None:
        shown.append(found)

    monkeypatch.setattr(sys, "excepthook", show)

    def sink(name: str, stream: str, line: bytes) -> None:
        house.lines.append((name, stream, line))
        raise kind

    output = Output(house.switch, sink, str)
    house.switch.serve(STDIO, output.receive)
    house.say(b"one\ntwo\n")
    output.settle(5)
    assert shown == [kind] * 2 and len(house.lines) == 2
    output.close(DEADLINE)


# -- ends ----------------------------------------------------------------------------------------


def test_close_shows_what_is_queued_and_takes_no_more(house: House) -> None:
    house.gate.clear()
    for number in range(10):
        house.say(b"%d\n" % number)
    closing = threading.Thread(target=house.output.close, args=(DEADLINE,))
    closing.start()
    house.gate.set()
    closing.join(DEADLINE)
    assert [line for _, _, line in house.lines] == [b"%d" % number for number in range(10)]
    house.say(b"late\n")
    house.output.close()
    assert len(house.lines) == 10


def test_sink_that_never_returns_does_not_hold_up_close(house: House) -> None:
    house.gate.clear()
    house.say(b"x\n")
    assert house.entered.wait(DEADLINE)
    house.output.close(0.01)


def test_close_may_be_called_by_the_sink(no_leaks: None) -> None:
    house = House()
    closed = threading.Event()

    def sink(name: str, stream: str, line: bytes) -> None:
        output.close()
        closed.set()

    output = Output(house.switch, sink, str)
    house.switch.serve(STDIO, output.receive)
    house.say(b"x\n")
    assert closed.wait(DEADLINE)


def test_default_sink_makes_what_a_host_prints_harmless(monkeypatch: pytest.MonkeyPatch) -> None:
    stderr = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stderr)
    print_line("web1", "stdout", b"\x1b[2Jgr\xc3\xbcezi \xff\r")
    assert stderr.getvalue() == "web1: \\x1b[2Jgrüezi \\xff\\x0d\n"
