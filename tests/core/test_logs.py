"""What forwards log records in a child: descriptions, batches, credit, and what may go wrong."""

import logging
import os
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest

from remotesvc.core.authority import LOG
from remotesvc.core.credit import GRANT, MESSAGE_COST
from remotesvc.core.dead import bury
from remotesvc.core.logs import (
    BATCH,
    FIELDS_LIMIT,
    FIELDS_SIZE,
    QUEUE_LIMIT,
    TEXT_LIMIT,
    Description,
    LogForwarder,
)
from remotesvc.core.loop import Loop
from remotesvc.core.switch import Switch
from remotesvc.core.values import decode, encode
from remotesvc.core.wire import DEAD, RAW
from tests.core.ends import Neighbour, message

DEADLINE = 30.0


class HandLoop:
    """A loop that runs callbacks at once, or when the test turns it."""

    def __init__(self, is_eager: bool) -> None:
        self.is_eager = is_eager
        self.soon: list[Callable[[], None]] = []
        self.is_own_thread = False
        self.calls = threading.Semaphore(0)

    def call_soon(self, callback: Callable[[], None]) -> None:
        if self.is_eager:
            callback()
        else:
            self.soon.append(callback)
        self.calls.release()

    def is_current(self) -> bool:
        return self.is_own_thread

    def turn(self) -> None:
        soon, self.soon = self.soon, []
        for callback in soon:
            callback()


class Forwarding:
    """A LogForwarder of context 5 below 1 and 0."""

    def __init__(self, window: int = 1 << 18, is_eager: bool = True) -> None:
        self.loop = HandLoop(is_eager)
        self.switch = Switch(5, (1, 0), 1 << 20, False, lambda text: None)
        self.parent = Neighbour(self.switch, 1, 0, is_parent=True)
        self.forwarder = LogForwarder(self.switch, self.loop, window)  # type: ignore[arg-type]
        self.credit_to = 0

    def log(self, text: str = "text", *args: object, **fields: object) -> None:
        self.forwarder.handle(make(text, *args, **fields))

    def grant(self, size: int) -> None:
        self.say(GRANT.pack(size), RAW)

    def say(self, payload: bytes, encoding: int) -> None:
        to = self.credit_to
        self.parent.say(message(payload, dst=5, src=0, handle=to, encoding=encoding))

    def heard(self) -> list[list[str]]:
        """Return the texts of each message since the last time."""
        messages = self.parent.hear()
        assert all((one.handle, one.dst) == (LOG, 0) for one in messages)
        self.credit_to = messages[-1].reply_to if messages else self.credit_to
        return [[fields[2] for fields in decode(one.payload)] for one in messages]


def make(text: object = "text", *args: object, **fields: object) -> logging.LogRecord:
    """Return a record of the logger app, at level INFO."""
    return logging.makeLogRecord(
        {"name": "app", "levelno": 20, "msg": text, "args": args, **fields}
    )


def describe(record: logging.LogRecord) -> Any:
    """Return the fields of a record as they arrive."""
    return decode(Description(logging)(record, False))


# -- describing ----------------------------------------------------------------------------------


def test_record_is_a_list_of_plain_fields() -> None:
    record = make("%s!", "hi", user="joe", threadName="t", created=1.5)
    assert describe(record) == ["app", 20, "hi!", None, 1.5, "t", {"user": "joe"}, False]


def test_fields_that_logging_makes_by_itself_are_no_extra_fields() -> None:
    record = make("hi")
    logging.Formatter("%(asctime)s %(message)s").format(record)
    assert describe(record)[6] == {}


def test_traceback_and_stack_come_after_the_text() -> None:
    try:
        raise ValueError("why")
    except ValueError:
        record = make("hi", exc_info=sys.exc_info(), stack_info="Stack:\n  here")
    text, trace = describe(record)[2:4]
    assert text == "hi"
    assert trace.startswith("Traceback") and trace.endswith("ValueError: why\nStack:\n  here")


def test_extra_fields_are_few_and_small() -> None:
    many = describe(make(**{f"field{number}": number for number in range(100)}))[6]
    assert list(many) == [f"field{number}" for number in range(FIELDS_LIMIT)]
    large = describe(make(**{f"field{number}": "x" * 1000 for number in range(100)}))[6]
    assert len(encode(large)) <= FIELDS_SIZE + FIELDS_LIMIT and len(large) > 2


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (None, None),
        (1.5, 1.5),
        ([1, {"a": [True]}], [1, {"a": [True]}]),
        ((1, 2), (1, 2)),
        ([[[[1]]]], "[[[[1]]]]"),
        ({1: 2}, "{1: 2}"),
        (b"bytes", "b'bytes'"),
        (int, "<class 'int'>"),
        pytest.param(2**20000, "(a int whose repr fails: ValueError)", id="large integer"),
        ("x" * 5000, "x" * 256 + "... [cut: 5000 characters in all]"),
    ],
)
def test_field_is_plain_or_told_by_its_repr(value: object, told: object) -> None:
    assert describe(make(field=value))[6] == {"field": told}


@pytest.mark.parametrize(
    "record",
    [
        make(levelno="high", name=None, threadName=None),
        make(created="yesterday"),
        make(levelno=10**30),
        make(exc_info=5),
        make("\ud800", name="\udfff"),
    ],
)
def test_unheard_of_record_is_described_all_the_same(record: logging.LogRecord) -> None:
    fields = describe(record)
    assert len(fields) == 8 and 0 <= fields[1] <= 1000


@pytest.mark.parametrize("char", ["x", "\N{PILE OF POO}", "\ud800"])
def test_text_and_traceback_together_keep_the_limit(char: str) -> None:
    fields = describe(make(char * 50_000, exc_text="t" * 50_000))
    size = sum(len(one.encode("utf-8", "surrogatepass")) for one in fields[2:4])
    assert size < TEXT_LIMIT + 3 * 1024
    assert fields[2].endswith("... [cut: 50000 characters in all]")


# -- sending -------------------------------------------------------------------------------------


def test_records_that_queue_leave_in_one_message() -> None:
    subject = Forwarding(is_eager=False)
    for number in range(5):
        subject.log("%d", number)
    assert len(subject.loop.soon) == 1 and subject.heard() == []
    subject.loop.turn()
    assert subject.heard() == [["0", "1", "2", "3", "4"]]


def test_message_holds_a_batch_at_most() -> None:
    subject = Forwarding(window=1 << 30, is_eager=False)
    for _ in range(QUEUE_LIMIT):
        subject.log("x" * 1000)
    subject.loop.turn()
    sizes = [sum(map(len, texts)) for texts in subject.heard()]
    assert sum(sizes) == QUEUE_LIMIT * 1000 and max(sizes) <= BATCH and len(sizes) > 1


def test_nothing_leaves_beyond_credit_and_everything_when_it_comes() -> None:
    subject = Forwarding(window=1)
    subject.loop.is_own_thread = True  # on that one nobody waits
    for number in range(4):
        subject.log("%d", number)
    assert subject.heard() == [["0"]]
    subject.grant(1)
    assert subject.heard() == []
    subject.grant(MESSAGE_COST + 1000)
    assert subject.heard() == [["1", "2", "3"]]


def test_who_logs_beyond_credit_waits_for_it() -> None:
    subject = Forwarding(window=1)
    subject.log("first")
    assert subject.heard() == [["first"]]
    subject.loop.calls.acquire()
    writer = threading.Thread(target=subject.log, args=("second",))
    writer.start()
    for _ in range(2):  # the record, and the wait for it
        assert subject.loop.calls.acquire(timeout=DEADLINE)
    assert subject.heard() == []
    subject.grant(10_000)
    writer.join(DEADLINE)
    assert not writer.is_alive() and subject.heard() == [["second"]]


@pytest.mark.parametrize("how", ["link", "refusal"])
def test_writer_that_waits_is_let_go_when_nobody_takes_records(how: str) -> None:
    subject = Forwarding(window=1)
    subject.log("first")
    subject.heard()
    subject.loop.calls.acquire()
    writer = threading.Thread(target=subject.log, args=("second",))
    writer.start()
    for _ in range(2):
        assert subject.loop.calls.acquire(timeout=DEADLINE)
    if how == "link":
        subject.parent.hang_up()
    else:
        subject.say(bury("refused", "no"), DEAD)
    writer.join(DEADLINE)
    assert not writer.is_alive()
    subject.forwarder.settle()


def test_record_logged_within_the_toolkit_waits_for_nothing() -> None:
    subject = Forwarding(window=1)
    subject.log("first")
    code = compile("log('second')", "link.py", "exec")
    exec(code, {"__name__": "remotesvc.core.link", "log": subject.log})
    assert subject.heard() == [["first"]]
    subject.grant(10_000)
    assert subject.heard() == [["second"]]


def test_settle_waits_for_what_was_logged_before_it_only() -> None:
    subject = Forwarding(is_eager=False)
    subject.log("before")
    settling = threading.Thread(target=subject.forwarder.settle)
    settling.start()
    while not any(not isinstance(one, bytes) for one in list(subject.forwarder._queue)):
        settling.join(0.001)
    subject.log("after")
    subject.loop.turn()
    settling.join(DEADLINE)
    assert not settling.is_alive()
    subject.forwarder.settle()  # with nothing to wait for


# -- where nothing can be sent -------------------------------------------------------------------


@pytest.mark.parametrize(("level", "is_shown"), [(logging.INFO, False), (logging.ERROR, True)])
def test_without_a_link_warnings_go_to_stderr(
    level: int, is_shown: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    subject = Forwarding()
    subject.log("before")
    subject.parent.hang_up()
    subject.log("after", levelno=level)
    assert capsys.readouterr().err == ("after\n" if is_shown else "")


def test_in_a_fork_warnings_go_to_stderr(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    subject = Forwarding()
    subject.switch.pid = os.getpid() + 1
    subject.log("in the fork", levelno=logging.WARNING)
    assert capsys.readouterr().err == "in the fork\n" and subject.heard() == []
    monkeypatch.setattr(logging, "lastResort", None)
    subject.log("nowhere to go", levelno=logging.WARNING)


def test_thread_that_wakes_the_loop_may_be_interrupted_by_one_that_does() -> None:
    loop = Loop()
    with loop._wake_lock:
        loop.call_soon(lambda: loop.stop())
    loop.run()
