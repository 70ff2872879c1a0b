"""What is logged over there appears in this program's logging, and nothing else comes of it."""

import concurrent.futures
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from remotesvc import Context, Router
from remotesvc.controller.inbox import SLACK, WINDOW
from remotesvc.controller.modules.target import Target
from remotesvc.core.authority import GET_MODULE, LOG
from remotesvc.core.link import Link
from remotesvc.core.values import decode, encode
from remotesvc.core.wire import PLAIN, Message
from tests.integration.hosts import PYTHON, Print, start_host, write_program
from tests.integration.targets import logs
from tests.interpreters import Interpreter, find_interpreters

DEADLINE = 30

FAKE = Path(__file__).with_name("fake_child.py")

Seen = list[logging.LogRecord]


class Keeper(logging.Handler):
    """Keeps the records of hosts; waits at its gate while that is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.records: Seen = []
        self.gate = threading.Event()
        self.gate.set()

    def emit(self, record: logging.LogRecord) -> None:
        assert self.gate.wait(DEADLINE)
        self.records.append(record)

    def lines(self) -> list[str]:
        """Return level, host, remote logger and message of each record."""
        return [
            f"{one.levelname} {one.name.removeprefix('remotesvc.host.')} "
            f"{one.__dict__['remote']['logger']} {one.getMessage()}"
            for one in self.records
        ]


@pytest.fixture
def keeper() -> Iterator[Keeper]:
    """A handler of the logger of all hosts, at level DEBUG."""
    logger, handler = logging.getLogger("remotesvc.host"), Keeper()
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    yield handler
    handler.gate.set()
    logger.removeHandler(handler)
    logger.setLevel(logging.NOTSET)


@pytest.fixture
def child(keeper: Keeper, router: Router) -> Context:
    """A child called web1 that sends records from DEBUG on."""
    return router.local(name="web1")


# -- what arrives --------------------------------------------------------------------------------


@pytest.mark.matrix
@pytest.mark.parametrize("python", [pytest.param(one, id=str(one)) for one in find_interpreters()])
def test_every_python_sends_records_before_the_result(
    router: Router, keeper: Keeper, python: Interpreter
) -> None:
    context = router.local(name="old", python_path=str(python.path))
    assert not context.call(logs.has_logging)
    pid = context.call(
        logs.log, "app.db", logging.INFO, "%d of %s", 3, "many", user="joe", tries=2
    )
    assert keeper.lines() == ["INFO old app.db 3 of many"]
    (record,) = keeper.records
    remote = record.__dict__["remote"]
    assert remote["extra"] == {"user": "joe", "tries": 2}
    assert (remote["thread"], remote["printed"]) == ("MainThread", False)
    assert (record.args, record.pathname, record.process) == (("3 of many",), "", os.getpid())
    assert record.process != pid and isinstance(remote["created"], float)
    context.call(logs.log_error)
    context.call(logs.log_and_format)
    context.call(logs.replace_configuration)
    assert keeper.lines()[-1] == "INFO old app still heard"


def test_records_come_over_ssh_with_the_name_of_the_host(
    router: Router, keeper: Keeper, tmp_path: Path
) -> None:
    with start_host(tmp_path) as host:
        host.connect(router, name="web1.example").call(logs.log_many, 3)
    assert [one.name for one in keeper.records] == ["remotesvc.host.web1\\x2eexample"] * 3
    assert [one.getMessage()[0] for one in keeper.records] == ["0", "1", "2"]


def test_module_functions_of_logging_configure_nothing_over_there(
    child: Context, keeper: Keeper, prints: list[Print]
) -> None:
    child.call(logging.warning, "hi %s", "you")
    child.call(logging.basicConfig)
    child.call(logging.warning, "again")
    assert keeper.lines() == ["WARNING web1 root hi you", "WARNING web1 root again"]
    assert prints == []


def test_traceback_follows_its_record_line_by_line(child: Context, keeper: Keeper) -> None:
    child.call(logs.log_error)
    first, *trace = keeper.records[0].getMessage().split("\n")
    assert first == "it\\x0afailed"
    assert trace[0] == "  | Traceback (most recent call last):"
    assert 'raise FileNotFoundError(2, "gone' in trace[2]
    assert trace[-2:] == ["  | FileNotFoundError: [Errno 2] gone", "  | for good: '/nowhere'"]
    assert all(line.startswith("  | ") for line in trace)
    assert keeper.records[0].exc_info is None


def test_record_that_cannot_be_formatted_is_told_and_raises_nothing(
    child: Context, keeper: Keeper, prints: list[Print]
) -> None:
    child.call(logs.log_and_format)
    wrong, many, odd, fields = keeper.records
    assert wrong.getMessage() == "'%d items' % ('many',) (not formatted: TypeError)"
    assert "TypeError" in many.getMessage()
    assert odd.getMessage() == "(a record of <class 'str'> that cannot be formatted: RuntimeError)"
    extra = fields.__dict__["remote"]["extra"]
    assert extra["odd"] == "(a Odd whose repr fails: RuntimeError)"
    assert extra["lock"].startswith("<unlocked _thread.lock object")
    assert prints == []


def test_long_record_is_cut_with_a_mark(child: Context, keeper: Keeper) -> None:
    child.call(logging.warning, "\N{PILE OF POO}" * 100_000)
    text = keeper.records[0].getMessage()
    assert len(text.encode()) < 16 * 1024 + 100
    assert text.endswith("... [cut: 100000 characters in all]")


def test_records_of_threads_come_in_the_order_of_each(child: Context, keeper: Keeper) -> None:
    child.call(logs.log_from_threads, 4, 200)
    for name in ("t0", "t1", "t2", "t3"):
        own = [one for one in keeper.records if one.__dict__["remote"]["logger"] == name]
        assert [one.getMessage() for one in own] == [str(number) for number in range(200)]


def test_logging_that_was_imported_before_us_counts_too(
    router: Router, keeper: Keeper, tmp_path: Path
) -> None:
    (tmp_path / "sitecustomize.py").write_text("import logging\n")
    python = write_program(
        tmp_path / "python", f'#!/bin/sh\nPYTHONPATH={tmp_path} exec {PYTHON} "$@"\n'
    )
    context = router.local(name="web1", python_path=python)
    assert context.call(logs.has_logging)
    context.call(logs.log, "app", logging.DEBUG, "heard")
    assert keeper.lines() == ["DEBUG web1 app heard"]


# -- levels --------------------------------------------------------------------------------------


@pytest.mark.parametrize("level", [logging.DEBUG, logging.INFO, logging.ERROR])
def test_level_here_is_the_level_over_there(router: Router, keeper: Keeper, level: int) -> None:
    logging.getLogger("remotesvc.host").setLevel(level)
    context = router.local()
    for number in (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR):
        context.call(logs.log, "app", number, "text")
    assert context.call(logs.root_level) == level
    assert [one.levelno for one in keeper.records] == [
        number for number in (10, 20, 30, 40) if number >= level
    ]


def test_level_of_one_host_is_its_own(router: Router, keeper: Keeper) -> None:
    logging.getLogger("remotesvc.host.a\\x2eb").setLevel(logging.ERROR)
    try:
        quiet, other = router.local(name="a.b"), router.local(name="a")
        for context in (quiet, other):
            context.call(logs.log, "app", logging.WARNING, "text")
    finally:
        logging.getLogger("remotesvc.host.a\\x2eb").setLevel(logging.NOTSET)
    assert [one.name for one in keeper.records] == ["remotesvc.host.a"]


def test_level_that_is_raised_later_counts_here(child: Context, keeper: Keeper) -> None:
    logging.getLogger("remotesvc.host").setLevel(logging.ERROR)
    child.call(logs.log, "app", logging.WARNING, "no")
    child.call(logs.log, "app", logging.ERROR, "yes")
    assert keeper.lines() == ["ERROR web1 app yes"]


def test_configuration_of_user_code_counts_and_is_printed(
    child: Context, keeper: Keeper, prints: list[Print]
) -> None:
    child.call(logs.configure_and_log, logging.INFO)
    assert [line for _, _, line in prints] == [
        b"INFO of app: level 20",
        b"WARNING of app: level 30",
    ]
    assert [one.getMessage() for one in keeper.records] == ["level 20", "level 30"]
    assert all(one.__dict__["remote"]["printed"] for one in keeper.records)


# -- what it costs -------------------------------------------------------------------------------


@pytest.fixture
def asked(router: Router) -> list[str]:
    """The names of the modules that children ask for."""
    names: list[str] = []
    answer: Callable[[Link | None, Message], None] = router.outgoing.responder.on_module

    def note(link: Link | None, message: Message) -> None:
        names.append(str(decode(message.payload)))
        answer(link, message)

    router.switch.serve(GET_MODULE, note)
    return names


def test_module_that_logs_brings_along_what_forwards_its_records(
    child: Context, keeper: Keeper, asked: list[str]
) -> None:
    child.call(logs.log_many, 1)
    assert asked == [] and len(keeper.records) == 1


def test_importing_logging_asks_for_nothing_and_the_first_record_once(
    child: Context, keeper: Keeper, asked: list[str]
) -> None:
    assert child.call(logging.getLevelName, 10) == "DEBUG"
    assert asked == []
    for _ in range(3):
        child.call(logging.warning, "text")
    assert asked == ["remotesvc.core.logs"] and len(keeper.records) == 3


# -- credit --------------------------------------------------------------------------------------


def test_flood_is_stopped_by_a_handler_that_waits_and_nothing_is_lost(
    child: Context, keeper: Keeper
) -> None:
    keeper.gate.clear()
    future = child.submit(logs.log_many, 3000, 1000)
    with pytest.raises(concurrent.futures.TimeoutError):
        future.result(0.3)
    keeper.gate.set()
    assert future.result(DEADLINE) == 3000
    numbers = [int(one.getMessage().split()[0]) for one in keeper.records]
    assert numbers == list(range(3000))


def test_handler_that_waits_holds_up_neither_prints_nor_other_children(
    child: Context, router: Router, keeper: Keeper, prints: list[Print]
) -> None:
    keeper.gate.clear()
    stopped = child.submit(logs.log_many, 1)
    other = router.local(name="web2")
    other.options(DEADLINE).call(print, "hello")
    assert prints == [("web2", "stdout", b"hello")]
    keeper.gate.set()
    assert stopped.result(DEADLINE) == 1


def test_handler_of_a_signal_may_log_whatever_it_interrupts(
    child: Context, keeper: Keeper
) -> None:
    logged = child.options(DEADLINE).call(logs.handle_signal, 200)
    assert len(keeper.records) == logged


def test_collected_object_may_log(child: Context, keeper: Keeper) -> None:
    child.call(logs.log_of_a_collected_object)
    assert keeper.lines() == ["WARNING web1 root collected"]


def test_record_of_the_io_thread_waits_for_nothing(
    child: Context, keeper: Keeper, prints: list[Print]
) -> None:
    child.options(DEADLINE).call(logs.log_on_the_io_thread)
    assert keeper.lines() == [] and prints == [("web1", "stderr", b"from the I/O thread")]
    child.call(logs.log_many, 1)
    child.options(DEADLINE).call(logs.log_on_the_io_thread)
    assert keeper.lines()[1:] == ["WARNING web1 root from the I/O thread"]


# -- forks ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("has_logged", [False, True])
def test_record_of_a_fork_is_printed_as_python_does_by_itself(
    child: Context, keeper: Keeper, prints: list[Print], has_logged: bool
) -> None:
    if has_logged:
        child.call(logs.log_many, 1)
    assert child.call(logs.fork_and_log) == 0
    assert ("web1", "stderr", b"from the fork") in prints
    assert len(keeper.records) == has_logged
    child.call(logs.log_many, 1)
    assert len(keeper.records) == has_logged + 1


# -- programs without a configuration ------------------------------------------------------------

PROGRAM = """
import logging, sys
import remotesvc
from tests.integration.targets import logs
{configure}
if __name__ == "__main__":
    with remotesvc.Router() as router:
        context = router.local(name="web1")
        context.call(logs.log, "app", logging.WARNING, "a %s", "warning")
        context.call(logs.log, "app", logging.INFO, "a fact")
        context.call(logs.{function})
"""


def run_program(folder: Path, function: str, configure: str = "") -> list[str]:
    """Return what a program that calls one more function shows on stderr."""
    program = folder / "program.py"
    program.write_text(PROGRAM.format(configure=configure, function=function))
    done = subprocess.run(
        [sys.executable, "-W", "error", str(program)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])},
    )
    return done.stderr.splitlines()


def test_without_a_configuration_warnings_appear_like_prints(tmp_path: Path) -> None:
    assert run_program(tmp_path, "log_twice_to_stderr") == ["web1: a warning", "web1: seen once"]


def test_with_a_configuration_here_records_appear_in_its_format_and_none_twice(
    tmp_path: Path,
) -> None:
    configure = "logging.basicConfig(level=logging.INFO)"
    assert run_program(tmp_path, "log_twice_to_stderr", configure) == [
        "WARNING:remotesvc.host.web1:a warning",
        "INFO:remotesvc.host.web1:a fact",
        "web1: seen once",
    ]


# -- hostile children ----------------------------------------------------------------------------


def fake(name: str) -> Any:
    """Name a function of the fake child: there is none here that could be passed."""
    return Target("fake", name)


@pytest.fixture
def evil(router: Router, keeper: Keeper, monkeypatch: pytest.MonkeyPatch) -> Context:
    """A child that speaks the protocol by hand."""
    folder = os.path.dirname(sys.executable)
    monkeypatch.setenv("PATH", folder + os.pathsep + os.environ["PATH"])
    return router.local(name="evil", python_path=str(FAKE))


def record(text: str = "x", level: int = 30, **extra: object) -> list[object]:
    """Return a record as it is on the wire."""
    return ["app", level, text, None, 0.0, "main", extra, False]


def test_nothing_in_a_record_steers_a_terminal_or_forges_a_line(
    evil: Context, keeper: Keeper
) -> None:
    poison = "\x1b]0;title\x07\u202e\ud800\nWARNING web2: fine"
    told = [poison, 30, poison, poison, float("nan"), poison, {poison: poison}, False]
    evil.call_no_reply(fake("say"), [[LOG, PLAIN, encode([told])]])
    evil.options(DEADLINE).call(fake("heard"))
    (seen,) = keeper.records
    assert all(char.isprintable() or char == "\n" for char in seen.getMessage())
    assert all(line.startswith("  | ") for line in seen.getMessage().split("\n")[1:])
    assert repr(seen.__dict__["remote"]).isprintable()
    assert seen.__dict__["remote"]["created"] == 0.0


def test_million_records_of_a_child_without_manners_cost_bounded_memory_and_one_line(
    evil: Context, keeper: Keeper, router: Router
) -> None:
    payload = encode([record("x" * 20)] * 100)
    keeper.gate.clear()
    evil.call_no_reply(fake("say"), [[LOG, PLAIN, payload]], 10_000)
    handled = evil.submit(fake("heard"))
    concurrent.futures.wait([handled], DEADLINE)  # not for its result: that waits for the records
    assert router.local().call(abs, -1) == 1
    keeper.gate.set()
    handled.result(DEADLINE)
    lost = [line for line in keeper.lines() if "beyond its credit" in line]
    taken = len(keeper.records) - len(lost)
    assert 0 < taken <= 100 * (WINDOW + SLACK) // len(payload)
    assert lost == [
        f"WARNING evil remotesvc.host {10_000 - taken // 100} messages with log records lost: "
        "this child logged beyond its credit"
    ]


def test_messages_that_are_no_records_are_reported_once(
    evil: Context,
    keeper: Keeper,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shown: list[object] = []
    monkeypatch.setattr(sys, "excepthook", lambda *error: shown.append(error))
    keys = record()
    keys[6] = {"a": {1 << 15_000: 1}}  # an integer that `str` refuses
    for payload in (b"\xc1", encode(5), encode([5]), encode([record()[:7]]), encode([{"a": 1}])):
        evil.call_no_reply(fake("say"), [[LOG, PLAIN, payload]], 200)
    evil.call_no_reply(fake("say"), [[LOG, PLAIN, encode([keys])]], 20)
    evil.call_no_reply(fake("say"), [[LOG, PLAIN, encode([record("after")])]])
    evil.options(DEADLINE).call(fake("heard"))
    assert keeper.lines() == ["WARNING evil app after"]
    assert shown == []
    reports = [one for one in caplog.records if one.name == "remotesvc"]
    assert len(reports) == 1 and reports[0].getMessage().startswith("dropped log records of evil")
