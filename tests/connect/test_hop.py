"""A child in another context, from the end of who had it opened: what is told, and by whom."""

from collections.abc import Callable
from typing import Any

import pytest

from remotesvc import (
    ConnectTimeout,
    DisconnectedError,
    InterpreterError,
    RefusedError,
    Secret,
    ValueNotSupported,
)
from remotesvc.bootstrap.info import Info
from remotesvc.connect.base import Attempt
from remotesvc.connect.hop import SLACK, Hop
from remotesvc.connect.order import EVENT_LIMIT, Order, describe_error
from remotesvc.connect.typist import QUESTIONS_LIMIT
from remotesvc.core.authority import OPEN_CHILD, TEND_CHILD
from remotesvc.core.context import Context
from remotesvc.core.dead import bury
from remotesvc.core.errors import ProtocolError
from remotesvc.core.link import Link
from remotesvc.core.switch import Switch
from remotesvc.core.values import decode, encode
from remotesvc.core.wire import DEAD, PICKLE, PLAIN, VERSION
from tests.core.ends import Clock, Neighbour, Waiter, message

FACTS = (VERSION, (3, 11, 0), "/usr/bin/python3", 4242, "web1", "Linux-6-x86_64", 0)

RELAY, CHILD = 5, 9


class Home:
    """What a hop asks of the router."""

    heartbeat, heartbeat_misses, grace, output_window = 15.0, 3, 5.0, 1 << 18
    make_link = Link
    outgoing: Any = None
    decode: Any = None
    context: Any = None
    note_reference: Any = None
    streams: Any = None
    load_pickle: Any = None
    settle_output: Any = None
    check_may_block: Any = None
    push_connector: Any = None
    pending: Any = None
    wait: Any = None

    def __init__(self) -> None:
        self.reports: list[str] = []
        self.switch = Switch(0, (), 1 << 20, False, self.reports.append)
        self.clock = Clock()
        self.loop: Any = self.clock
        self.jobs: list[Callable[[], None]] = []

    def log_level(self, context_id: int) -> int:
        return 20

    def name_of(self, context_id: int) -> str:
        return "context"

    def defer(self, job: Callable[[], None]) -> None:
        self.jobs.append(job)

    def add_hop(self, context_id: int, via_id: int) -> None:
        self.switch.relay.routes.give(context_id, context_id + 1, via_id, True)  # type: ignore[union-attr]

    def lose_hop(self, context_id: int, error: Exception) -> None:
        self.switch.relay.routes.lose(context_id, error)  # type: ignore[union-attr]


class Case:
    """One hop to context 9 in the relay 5; 6 lies behind the relay, too."""

    def __init__(
        self, prompts: Any = None, auth: int | None = None, is_open: bool = True, **opts: Any
    ) -> None:
        self.home = Home()
        self.relay = Neighbour(self.home.switch, RELAY, 6)
        via = Context(self.home, RELAY, "bastion", None, False, auth)
        self.attempt = Attempt("bastion/web1", 30.0)
        order = Order(
            CHILD, "app.connector", "probe", "bastion/web1", 30.0, 0.0, opts, None, None, 0
        )
        self.hop = Hop(self.home, via, order, self.attempt, prompts)
        self.waiter = Waiter(CHILD)
        self.home.switch.listen(self.waiter)
        self.relay.hear()
        if is_open:
            self.hop.open()
            (self.order,) = self.relay.hear()

    def event(self, verb: str, value: Any = None) -> None:
        """Have the relay tell something."""
        self.reply(encode((verb, value)))

    def reply(self, payload: bytes, encoding: int = PLAIN, src: int = RELAY) -> None:
        handle = self.order.reply_to
        self.relay.say(message(payload, dst=0, src=src, handle=handle, encoding=encoding))

    def tended(self) -> list[tuple[Any, ...]]:
        """Return what the relay was asked to do."""
        heard = self.relay.hear()
        assert all(one.handle == TEND_CHILD for one in heard)
        return [decode(one.payload) for one in heard]


def test_order_leaves_at_once_and_what_is_sent_to_the_context_comes_behind_it() -> None:
    case = Case(option=1)
    assert (case.order.handle, case.order.dst) == (OPEN_CHILD, RELAY)
    case.home.switch.send(CHILD, 300, PLAIN, b"early")
    (early,) = case.relay.hear()
    assert (early.dst, early.payload) == (CHILD, b"early")


def test_facts_of_the_child_make_it_ready() -> None:
    case = Case()
    case.event("ready", FACTS)
    info = case.hop.wait()
    assert isinstance(info, Info) and info.hostname == "web1"
    case.home.clock.advance(100)  # no deadline any more
    assert case.hop.error is None


def test_error_over_there_is_raised_here_and_told_to_who_waits_for_the_context() -> None:
    case = Case()
    error = InterpreterError("bastion/web1: no Python", None, 1.0, 93, "")
    case.event("lost", describe_error(error))
    with pytest.raises(InterpreterError, match=r"^bastion/web1: no Python$"):
        case.hop.wait()
    assert [type(one) for one in case.waiter.losses] == [InterpreterError]
    assert CHILD not in case.home.switch.routes
    assert not case.hop.gone.is_set()
    case.event("gone")
    assert case.hop.gone.is_set()


def test_refusal_of_the_order_is_raised() -> None:
    case = Case()
    case.reply(bury("refused", "no hops are started here"), DEAD)
    with pytest.raises(RefusedError, match="no hops"):
        case.hop.wait()
    assert case.hop.gone.is_set()


def test_loss_of_the_relay_is_the_loss_of_the_child() -> None:
    case = Case()
    case.relay.hang_up()
    with pytest.raises(DisconnectedError, match="closed the connection"):
        case.hop.wait()
    assert case.hop.gone.is_set()
    assert len(case.waiter.losses) == 1


def test_deadline_is_that_of_the_order_and_what_its_report_may_take() -> None:
    case = Case()
    case.attempt._started -= 31  # the attempt looks at the clock on the wall
    case.home.clock.advance(30 + SLACK - 1)
    assert case.hop.error is None
    case.home.clock.advance(2)
    with pytest.raises(ConnectTimeout, match="bastion told nothing of it"):
        case.hop.wait()
    assert [one[:2] for one in case.tended()] == [(CHILD, "close")]
    assert case.hop.gone.is_set()


def test_end_kill_and_excuse_are_told_to_the_relay() -> None:
    case = Case()
    case.event("ready", FACTS)
    case.hop.excuse(3.0)
    case.hop.end(DisconnectedError("over"))
    case.hop.end(DisconnectedError("again"))
    case.hop.kill()
    assert case.tended() == [
        (CHILD, "excuse", 3.0),
        (CHILD, "close", "over"),
        (CHILD, "kill", None),
    ]
    assert [str(error) for error in case.waiter.losses] == ["over"]


def test_what_a_lent_context_is_asked_goes_on_the_authority_of_who_lent_it() -> None:
    case = Case(auth=6)
    assert case.order.auth == 6
    case.hop.kill()
    (told,) = case.relay.hear()
    assert told.auth == 6


def test_option_that_cannot_travel_leaves_nothing_behind() -> None:
    case = Case(is_open=False, option=object())
    with pytest.raises(ValueNotSupported):
        case.hop.open()
    assert CHILD not in case.home.switch.routes
    assert case.hop.gone.is_set()  # nobody waits for what never was
    assert set(case.home.switch._waiters.values()) == {case.waiter}


# -- questions -----------------------------------------------------------------------------------


def test_question_is_answered_by_the_user() -> None:
    asked: list[Any] = []

    def prompts(*question: Any) -> list[str]:
        asked.append(question)
        return ["1234"]

    case = Case(prompts=prompts)
    case.event("ask", "OTP: ")
    assert asked == []  # not on the thread that reads
    case.home.jobs.pop()()
    assert asked == [("bastion/web1", "", [("OTP: ", False)])]
    ((_, verb, answer),) = case.tended()
    assert verb == "answer" and answer == [Secret("1234")]


@pytest.mark.parametrize("prompts", [None, lambda *question: 1 / 0, lambda *question: ["a\nb"]])
def test_question_without_an_answer_ends_the_attempt_over_there(prompts: Any) -> None:
    case = Case(prompts=prompts)
    case.event("ask", "OTP: ")
    case.home.jobs.pop()()
    ((_, verb, answer),) = case.tended()
    assert verb == "answer" and type(answer) is str


def test_flood_of_questions_ends_the_attempt() -> None:
    case = Case(prompts=lambda *question: ["1"])
    for _ in range(1000):
        case.event("ask", "Password: ")
    assert len(case.home.jobs) == QUESTIONS_LIMIT
    with pytest.raises(ProtocolError, match="bastion asks too much"):
        case.hop.wait()


def test_question_after_the_login_is_asked_of_nobody() -> None:
    case = Case(prompts=lambda *question: ["1"])
    case.event("ready", FACTS)
    case.event("ask", "Your bank's PIN: ")
    assert case.home.jobs == []


# -- a hostile relay -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("payload", "encoding"),
    [
        (b"", PLAIN),
        (b"\xc1", PLAIN),
        (encode(("ready", None)), PLAIN),
        (encode(("ready", FACTS)), PICKLE),
        (encode(("lost", ("SystemExit", "x", None, None, None, "", ""))), PLAIN),
        (encode(("ask", "x" * (EVENT_LIMIT + 1))), PLAIN),
    ],
    ids=["empty", "code", "facts", "pickle", "error", "long"],
)
def test_nonsense_ends_it(payload: bytes, encoding: int) -> None:
    case = Case()
    case.reply(payload, encoding)
    with pytest.raises(ProtocolError, match="what bastion tells of it makes no sense"):
        case.hop.wait()
    assert [one[1] for one in case.tended()] == ["close"]


@pytest.mark.parametrize("payload", [encode(None), b"\xc1", b""])
def test_dead_reply_of_garbage_ends_it(payload: bytes) -> None:
    case = Case()
    case.reply(payload, DEAD)
    with pytest.raises(ProtocolError):
        case.hop.wait()
    assert case.relay.link.error is None


def test_nobody_else_tells_of_it() -> None:
    case = Case()
    case.reply(encode(("ready", FACTS)), src=6)
    case.reply(encode(("gone", None)), src=CHILD)
    assert case.hop.info is None and case.hop.error is None
    assert len(case.home.reports) == 1


def test_second_facts_and_what_comes_after_the_end_change_nothing() -> None:
    case = Case()
    case.event("ready", FACTS)
    case.event("ready", (*FACTS[:4], "other", *FACTS[5:]))
    assert case.hop.wait().hostname == "web1"
    case.event("lost", describe_error(DisconnectedError("first", "first")))
    case.event("lost", describe_error(DisconnectedError("second", "second")))
    case.event("ready", FACTS)
    case.event("gone")
    case.event("gone")
    assert str(case.hop.error) == "first"
    assert len(case.waiter.losses) == 1
    assert case.home.reports == []


def test_facts_that_come_after_the_loss_do_not_revive_it() -> None:
    case = Case()
    case.event("lost", describe_error(DisconnectedError("first", "first")))
    case.event("ready", FACTS)
    with pytest.raises(DisconnectedError, match="first"):
        case.hop.wait()
