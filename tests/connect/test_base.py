"""A child from its parent's side, over a stream in memory: opened, ready, failed, late, lost."""

import signal
import threading
from typing import Any

import pytest

from remotesvc.bootstrap.settings import MARKER, Settings
from remotesvc.connect.base import Attempt, Connection, explain_end
from remotesvc.core.authority import CONFIGURE, HELLO, PING
from remotesvc.core.errors import (
    BootstrapError,
    ConnectError,
    ConnectTimeout,
    DisconnectedError,
    InterpreterError,
    MessageTooLarge,
    ValueNotSupported,
)
from remotesvc.core.link import Link
from remotesvc.core.switch import Switch
from remotesvc.core.values import decode, encode
from remotesvc.core.wire import PLAIN, VERSION, Message, encode_frame
from remotesvc.testing.links import MemoryStream
from tests.core.ends import Clock, Waiter, decode_all

PAYLOAD = b"the payload"
FACTS = (VERSION, (3, 9, 2), "/usr/bin/python3", 4711, "web1", "Linux-6.1.0-x86_64", 1000)


class ProcessInMemory(MemoryStream):
    """A stream of a program that never was."""

    def __init__(self) -> None:
        super().__init__()
        self.stderr = ""
        self.exit_status: int | None = None
        self.gone = threading.Event()

    def kill(self) -> None:
        self.close()

    def release(self, child_pid: int) -> None:
        self.close()


class Home:
    """What a connection asks of its router."""

    heartbeat = 15.0
    heartbeat_misses = 3
    grace = 5.0
    output_window = 1 << 18
    make_link = Link
    outgoing: Any = None
    defer: Any = None
    decode: Any = None
    context: Any = None
    name_of: Any = None
    note_reference: Any = None
    streams: Any = None
    load_pickle: Any = None
    settle_output: Any = None
    log_level: Any = staticmethod(lambda context_id: 30)

    def __init__(self) -> None:
        self.switch = Switch(0, (), 1 << 20, False, lambda text: None)
        self.clock = Clock()
        self.loop: Any = self.clock

    def check_may_block(self) -> None:
        """Allow it."""


class Case:
    """One connection to context 5, called web1, and the far end of its stream."""

    def __init__(self) -> None:
        self.home = Home()
        self.process = ProcessInMemory()
        self.far = MemoryStream()
        self.process.peer, self.far.peer = self.far, self.process
        self.sent = b""
        self.far.on_bytes = self._take
        self.far.start()
        attempt = Attempt("web1", 30)
        self.connection = Connection(self.home, self.process, 5, attempt, PAYLOAD, ["python3"])
        self.waiter = Waiter(5)
        self.handle = self.home.switch.listen(self.waiter)

    def _take(self, data: bytes) -> None:
        self.sent += data

    def open(self, env: Any = None, cwd: str | None = None) -> "Case":
        self.connection.open(env, cwd)
        self.far.pump()
        return self

    def frames(self) -> list[Message]:
        """Return the frames that were sent after the payload."""
        self.far.pump()
        assert self.sent.startswith(PAYLOAD)
        return decode_all(self.sent[len(PAYLOAD) :])

    def settings(self) -> Settings:
        return Settings(*decode(self.frames()[0].payload))

    def say(self, data: bytes) -> None:
        self.far.write(data)
        self.process.pump()

    def say_hello(self, facts: object = FACTS, rest: bytes = b"") -> None:
        hello = Message(0, 5, 5, HELLO, 0, PLAIN, encode(facts))
        self.say(MARKER + self.settings().nonce + encode_frame(hello) + rest)

    def end(self, exit_status: int | None = None, stderr: str = "") -> None:
        self.process.exit_status, self.process.stderr = exit_status, stderr
        self.far.close()
        self.process.pump()

    @property
    def error(self) -> Exception:
        """The error that everybody sees: the link, whoever waits for a reply, and wait()."""
        error = self.connection.link.error
        assert error is not None
        assert [str(loss) for loss in self.waiter.losses] == [str(error)]
        return error


def test_payload_and_settings_leave_without_waiting_for_anything() -> None:
    case = Case().open({"LANG": "C"}, "/srv")
    (configure,) = case.frames()
    assert (configure.dst, configure.src, configure.handle) == (5, 0, CONFIGURE)
    settings = case.settings()
    assert (settings.own_id, settings.parents, settings.max_message_size) == (5, (0,), 1 << 20)
    assert (settings.heartbeat, settings.heartbeat_misses) == (15.0, 3)
    assert (settings.window, settings.siblings) == (1 << 18, False)
    assert (settings.env, settings.cwd) == ({"LANG": "C"}, "/srv")
    assert len(settings.nonce) == 16


def test_each_connection_has_a_nonce_of_its_own() -> None:
    assert Case().open().settings().nonce != Case().open().settings().nonce


def test_call_leaves_before_hello_came() -> None:
    case = Case().open()
    case.home.switch.send(5, 300, PLAIN, b"call")
    assert [one.handle for one in case.frames()] == [CONFIGURE, 300]


def test_hello_makes_it_ready_and_what_follows_is_delivered() -> None:
    case = Case().open()
    reply = encode_frame(Message(0, 5, 5, case.handle, 0, PLAIN, b"reply"))
    case.say_hello(rest=reply)
    assert case.connection.wait().hostname == "web1"
    assert [one.payload for one in case.waiter.replies] == [b"reply"]
    case.home.clock.advance(31)
    assert case.connection.link.error is None  # the deadline was for HELLO only
    assert PING in [one.handle for one in case.frames()]


def test_hello_that_is_none_fails_with_its_reason_and_the_name_of_the_host() -> None:
    case = Case().open()
    case.say_hello(("nonsense",))
    with pytest.raises(BootstrapError, match="web1: the child did not start: HELLO without"):
        case.connection.wait()
    assert case.process.is_closed and isinstance(case.error, BootstrapError)


def test_every_wait_raises_an_error_of_its_own() -> None:
    case = Case().open()
    case.end(1)
    errors = []
    for _ in range(2):
        with pytest.raises(BootstrapError) as caught:
            case.connection.wait()
        errors.append(caught.value)
    assert errors[0] is not errors[1] and errors[0].elapsed == errors[1].elapsed is not None


def test_host_that_says_nothing_is_given_up_at_the_deadline() -> None:
    case = Case().open()
    case.home.clock.advance(29.9)
    assert case.connection.link.error is None
    case.home.clock.advance(0.2)
    error = case.error
    assert isinstance(error, ConnectTimeout) and error.phase == "bootstrap"
    assert "web1: no answer within 30 s" in str(error) and "Python did not start" in str(error)
    assert case.process.is_closed


def test_host_that_asks_for_something_is_quoted_at_the_deadline() -> None:
    case = Case().open()
    case.say(b"Choose [1-3]: \x1b[5m")
    case.home.clock.advance(31)
    assert r"the host printed: Choose [1-3]: \x1b[5m" in str(case.error)


def test_child_that_began_and_said_no_hello_is_told_apart() -> None:
    case = Case().open()
    case.say(MARKER + case.settings().nonce)
    case.home.clock.advance(31)
    assert "no HELLO came" in str(case.error)


def test_end_after_hello_is_a_disconnection_with_the_last_words() -> None:
    case = Case().open()
    case.say_hello()
    case.end(-9, "Killed\n")
    error = case.error
    assert isinstance(error, DisconnectedError)
    assert str(error) == (
        "web1 is gone: the other side closed the connection, killed by signal 9. It said: Killed"
    )
    assert error.reason == "the other side closed the connection"


def test_child_that_was_to_end_is_told_without_how_it_ended() -> None:
    case = Case().open()
    case.say_hello()
    case.connection.farewell = "it was shut down from here"
    case.end(-9)
    assert str(case.error) == "web1 is gone: it was shut down from here"


def test_silence_is_told_with_the_name_of_the_host() -> None:
    case = Case().open()
    case.say_hello()
    case.home.clock.advance(15 * 4 + 1)
    assert str(case.error) == "web1: no sign of life for 45 s (heartbeat 15 s)"


def test_child_that_its_dead_man_timer_ended_is_told_with_the_way_out() -> None:
    case = Case().open()
    case.say_hello()
    case.end(-signal.SIGVTALRM)
    assert "a call held the GIL for too long; options(holds_gil=seconds)" in str(case.error)


def test_connection_that_was_ended_before_it_opened_leaves_no_stream_open() -> None:
    case = Case()
    case.connection.link.end(DisconnectedError("the router was closed"))
    case.connection.open(None, None)
    assert case.process.is_closed
    with pytest.raises(DisconnectedError, match="the router was closed"):
        case.connection.wait()


@pytest.mark.parametrize(
    ("env", "kind", "text"),
    [
        ({"A": object()}, ValueNotSupported, "settings"),
        ({"A": "x" * (1 << 19)}, MessageTooLarge, "make env smaller"),
    ],
)
def test_settings_that_cannot_be_sent_are_refused_and_the_stream_is_closed(
    env: Any, kind: type[Exception], text: str
) -> None:
    case = Case()
    with pytest.raises(kind, match=text):
        case.connection.open(env, None)
    assert case.process.is_closed and isinstance(case.error, kind)


# -- explanations --------------------------------------------------------------------------------


def test_attempt_counts_down_to_zero() -> None:
    attempt = Attempt("web1", 0)
    assert attempt.left == 0 and attempt.elapsed >= 0
    assert 0 < Attempt("web1", 1000).left <= 1000
    error = attempt.timed_out("tcp", "the port does not answer")
    assert error.phase == "tcp" and "phase: tcp; the port does not answer" in str(error)


@pytest.mark.parametrize(
    ("exit_status", "stderr", "noise", "kind", "text"),
    [
        (93, "remotesvc: no Python found on this host\n", "", InterpreterError, "tried a, b"),
        (93, "remotesvc: Python 2.7.18 is too old", "", InterpreterError, "2.7.18 is too old"),
        (127, "sh: not found", "", InterpreterError, "with python_path. It said: sh: not found"),
        (126, "", "", InterpreterError, "could not be started. Name a Python that can with"),
        (
            1,
            "'sh' is not recognized as an internal or external command,",
            "",
            InterpreterError,
            "Windows hosts are not supported",
        ),
        (1, "", "This account is not available.\n", BootstrapError, "is not available."),
        (
            1,
            "one\ntwo\x1b[0m\n",
            "",
            BootstrapError,
            r"(exit status 1). It said: one | two\x1b[0m",
        ),
        (0, "", "", BootstrapError, "ended before the child was ready (exit status 0)"),
        (-11, "", "", BootstrapError, "(killed by signal 11)"),
        (None, "", "", BootstrapError, "(the connection was lost)"),
    ],
)
def test_end_before_hello_is_explained_by_what_is_known(
    exit_status: int | None, stderr: str, noise: str, kind: type[Exception], text: str
) -> None:
    reason = "the connection was lost"
    error = explain_end("web1", exit_status, stderr, noise, ["a", "b"], reason)
    assert type(error) is kind and text in str(error) and str(error).startswith("web1: ")
    assert "\n" not in str(error)
    assert (error.exit_status, error.stderr) == (exit_status, stderr)


def test_connector_that_knows_the_last_words_explains_them_first() -> None:
    def explain(where: str, exit_status: int | None, stderr: str) -> ConnectError | None:
        return ConnectError(f"{where}: start it") if "not running" in stderr else None

    for said, text in (("web is not running", "web1: start it"), ("", "before the child was rea")):
        case = Case()
        attempt = Attempt("web1", 30)
        process = case.process
        case.connection = Connection(case.home, process, 5, attempt, PAYLOAD, ["x"], explain)
        case.open()
        case.end(1, said)
        with pytest.raises(ConnectError, match=text) as caught:
            case.connection.wait()
        assert caught.value.elapsed is not None


@pytest.mark.parametrize(
    ("stderr", "advice"),
    [
        ("", "Is /opt/py a Python? Name another with python_path"),
        ("usage: py FILE\n", "Is /opt/py a Python?"),
        ("remotesvc: cwd: [Errno 2] No such file: '/srv'\n", "Give a cwd that is a folder there"),
        ("remotesvc: cannot begin: ValueError('embedded null byte')\n", ""),
    ],
)
def test_advice_after_an_early_end_is_about_what_was_wrong(stderr: str, advice: str) -> None:
    text = str(explain_end("web1", 1, stderr, "", ["/opt/py"], "", has_begun=False))
    assert advice in text
    assert ("python_path" in text) is ("Python?" in advice)


def test_connection_that_was_lost_says_nothing_of_its_python() -> None:
    error = explain_end("web1", None, "", "", ["/opt/py"], "it was lost", has_begun=False)
    assert str(error).endswith("(it was lost)")


@pytest.mark.parametrize(
    ("exit_status", "stderr", "has_begun", "is_advised"),
    [
        (1, "no version is set for python3\n", False, True),
        (1, "no version is set for python3\n", True, False),
        (1, "", False, False),
        (0, "This account is closed.\n", False, False),
        (-9, "no memory\n", False, False),
        (None, "no memory\n", False, False),
    ],
)
def test_advice_after_a_search_is_given_when_what_was_found_may_have_failed(
    exit_status: int | None, stderr: str, has_begun: bool, is_advised: bool
) -> None:
    error = explain_end("web1", exit_status, stderr, "", ["python3", "python"], "", has_begun)
    assert (
        str(error).endswith("If its Python said so, name another with python_path") == is_advised
    )


def test_long_last_words_are_cut_to_their_end() -> None:
    error = explain_end("web1", 1, "x" * 10_000 + "the end", "", [], "")
    assert str(error).endswith("the end") and len(str(error)) < 700
