"""Modules on their way through a relay: kept, given to whom they were granted, and sent once."""

from typing import Any

import pytest

from remotesvc.core import clerk as clerk_module
from remotesvc.core.authority import GET_MODULE, GET_RESOURCE, LOAD_MODULE, PASS_MODULES
from remotesvc.core.dead import bury, exhume
from remotesvc.core.fetch import pack_records
from remotesvc.core.finder import MISSING, MODULE, REFUSED
from remotesvc.core.questions import PAYLOAD
from remotesvc.core.values import encode
from remotesvc.core.wire import DEAD, RAW
from tests.core.behind_relay import Relay, cached, records, row
from tests.core.ends import message

# -- on the way down -----------------------------------------------------------------------------


def test_modules_for_a_child_reach_it_as_modules_and_are_kept() -> None:
    relay = Relay()
    relay.pass_on(30, row("app"), row("app.one"))
    (heard,) = relay.other.hear()
    assert heard.handle == LOAD_MODULE and records(heard) == [row("app"), row("app.one")]


def test_what_came_for_one_child_comes_as_a_name_for_the_next() -> None:
    relay = Relay()
    relay.pass_on(30, row("app"))
    relay.pass_on(20, cached("app"), row("other"))
    (heard,) = relay.child.hear()
    assert records(heard) == [row("app"), row("other")]


def test_relay_behind_a_relay_gets_names_of_what_it_has() -> None:
    relay = Relay()
    relay.pass_on(21, row("app"))
    relay.pass_on(21, cached("app"), row("more"))
    first, second = relay.child.hear()
    assert first.handle == second.handle == PASS_MODULES
    assert records(first) == [row("app")]
    assert records(second) == [cached("app"), row("more")]


@pytest.mark.parametrize("kind", [REFUSED, MISSING])
def test_refusal_does_not_reach_a_relay_as_the_name_of_what_another_one_got(kind: str) -> None:
    relay = Relay()
    relay.switch.relay.routes.give(22, 23, 20, True)  # type: ignore[union-attr]
    relay.pass_on(21, row("app"))
    relay.child.hear()
    refusal = ("app", kind, "", "why", None)
    relay.pass_on(22, refusal)
    assert records(relay.child.hear()[0]) == [refusal]
    relay.ask(relay.child, ("app", 22, False))
    relay.asked()
    relay.answer(pack_records([refusal]))
    assert records(relay.child.hear()[0]) == [refusal]


def test_module_that_the_relay_has_itself_is_given_from_there() -> None:
    relay = Relay()
    relay.finder.add("app", row("app")[1:])
    relay.pass_on(30, cached("app"))
    (heard,) = relay.other.hear()
    assert records(heard) == [row("app")]


def test_nothing_is_sent_to_one_who_is_gone() -> None:
    relay = Relay()
    relay.pass_on(77, row("app"))
    assert relay.child.hear() == [] == relay.other.hear()


def test_compiled_module_is_not_passed_on() -> None:
    relay = Relay()
    relay.finder.add("app", (MODULE, "app.py", compile("", "app.py", "exec"), None))
    relay.depot.push(30, ["app"])
    assert relay.other.hear() == []


# -- on the way up -------------------------------------------------------------------------------


def test_granted_module_is_given_without_asking_anybody() -> None:
    relay = Relay()
    relay.pass_on(30, row("app"))
    relay.other.hear()
    (reply,) = relay.ask(relay.other, "app")
    assert records(reply) == [row("app")]
    assert relay.asked() == []


def test_module_that_was_granted_to_another_one_is_asked_for_in_the_name_of_who_asks() -> None:
    relay = Relay()
    relay.pass_on(30, row("app"))
    assert relay.ask(relay.child, "app") == []
    assert relay.asked() == [("app", 20, False)]
    relay.answer(pack_records([("app", REFUSED, "", "not granted", None)]))
    (reply,) = relay.child.hear()
    assert records(reply) == [("app", REFUSED, "", "not granted", None)]
    # And it stays so.
    relay.ask(relay.child, "app")
    assert relay.asked() == [("app", 20, False)]


def test_answer_by_name_is_given_from_what_is_here() -> None:
    relay = Relay()
    relay.pass_on(30, row("app"))
    relay.ask(relay.child, "app")
    relay.asked()
    relay.answer(pack_records([cached("app"), row("more")]))
    (reply,) = relay.child.hear()
    assert records(reply) == [row("app"), row("more")]


def test_answer_by_name_of_what_is_not_here_yet_is_asked_for_whole_once() -> None:
    relay = Relay()
    relay.ask(relay.child, "app")
    relay.asked()
    relay.answer(pack_records([cached("app")]))
    assert relay.asked() == [("app", 20, True)]
    relay.answer(pack_records([cached("app")]))
    (reply,) = relay.child.hear()
    assert "got lost" in str(exhume(reply.payload))
    assert relay.asked() == [] and relay.depot.clerk._counts == {}


def test_question_of_one_behind_a_relay_goes_on_in_its_name() -> None:
    relay = Relay()
    relay.ask(relay.child, ("app", 21, False))
    assert relay.asked() == [("app", 21, False)]
    relay.answer(pack_records([row("app")]))
    (reply,) = relay.child.hear()
    assert records(reply) == [row("app")]
    # The relay before it has it now.
    relay.pass_on(21, cached("app"))
    (heard,) = relay.child.hear()
    assert records(heard) == [cached("app")]


def test_child_that_was_started_here_is_given_what_this_one_may_have() -> None:
    relay = Relay()
    relay.depot.allow(30, "app")
    relay.ask(relay.other, "app.one")
    assert relay.asked() == [("app.one", 10, False)]
    relay.ask(relay.other, "secrets")
    assert relay.asked() == [("secrets", 30, False)]


def test_missing_module_and_refusal_are_passed_on() -> None:
    relay = Relay()
    for payload, encoding in (
        (pack_records([("app", MISSING, "", "none", None)]), RAW),
        (bury("refused", "no"), DEAD),
    ):
        relay.ask(relay.other, "app")
        relay.asked()
        relay.answer(payload, encoding)
        (reply,) = relay.other.hear()
        assert (reply.encoding, reply.payload) == (encoding, payload)


def test_payload_is_asked_for_once() -> None:
    relay = Relay()
    assert relay.ask(relay.child, PAYLOAD, GET_RESOURCE) == []
    assert relay.asked() == [(PAYLOAD, 20, 0)]
    relay.answer(b"the payload")
    assert [one.payload for one in relay.child.hear()] == [b"the payload"]
    (reply,) = relay.ask(relay.other, PAYLOAD, GET_RESOURCE)
    assert reply.payload == b"the payload" and relay.asked() == []


def test_loss_of_the_parent_answers_whoever_waits() -> None:
    relay = Relay()
    relay.ask(relay.other, "app")
    relay.parent.hang_up()
    (reply,) = relay.other.hear()
    assert reply.encoding == DEAD


def test_nothing_is_kept_of_a_lost_child() -> None:
    relay = Relay()
    relay.depot.allow(30, "app")
    relay.pass_on(30, row("app"))
    relay.ask(relay.other, "app.two")
    relay.other.hang_up()
    relay.asked()
    relay.answer(pack_records([row("app.two")]))  # what still comes for it, neither
    depot = relay.depot
    assert not (depot._granted or depot._sent or depot._roots or depot.clerk._counts)


# -- hostile children ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "question",
    [
        ("app", 10, True),
        ("app", 1, True),
        ("app", 0, True),
        ("app", 30, False),
        ("app", 99, False),
        ("app", -1, False),
        ("app", True, False),
        ("app", 21, 1),
        ["app", 21, False],
        None,
        7,
        b"app",
        ("app", "one"),
        "x" * 9000,
    ],
    ids=lambda question: repr(question)[:40],
)
def test_question_for_whom_it_does_not_speak_is_not_passed_on(question: Any) -> None:
    relay = Relay()
    relay.pass_on(30, row("app"))
    replies = relay.ask(relay.child, question)
    if question == ("app", 0, True):
        # 0 stands for who asks, who was not granted it; of what is here the name will do.
        assert relay.asked() == [("app", 20, False)]
        return
    assert [one.encoding for one in replies] == [DEAD]
    assert relay.asked() == [] and len(relay.reports) == 1


def test_one_behind_a_child_has_to_ask_that_child() -> None:
    relay = Relay()
    relay.pass_on(21, row("app"))
    relay.child.hear()
    (reply,) = relay.ask(relay.child, "app", src=21)
    assert reply.encoding == DEAD and relay.asked() == []


def test_requests_that_wait_are_limited_and_a_retry_is_none_of_them() -> None:
    relay = Relay()
    for number in range(clerk_module.ERRANDS_LIMIT + 10):
        relay.ask(relay.other, f"app.m{number}")
    questions = relay.asked()
    assert len(questions) == clerk_module.ERRANDS_LIMIT
    for index in range(5):
        relay.answer(pack_records([cached(questions[index][0])]), index=index)
    assert relay.depot.clerk._counts == {30: clerk_module.ERRANDS_LIMIT}
    relay.ask(relay.child, "app")
    assert ("app", 20, False) in relay.asked()


def test_one_behind_a_relay_leaves_room_for_requests_of_those_beside_it() -> None:
    relay = Relay()
    for number in range(clerk_module.ERRANDS_LIMIT):
        relay.ask(relay.child, (f"vault{number}", 21, False))
    asked = relay.asked()
    assert len(asked) == clerk_module.ERRANDS_LIMIT // 2
    assert relay.ask(relay.child, "app") == []
    assert relay.asked() == [("app", 20, False)]
    assert relay.depot.clerk._counts == {20: len(asked) + 1, 21: len(asked)}
    relay.parent.hang_up()
    assert relay.depot.clerk._counts == {}


def test_who_does_not_read_answers_gets_no_more_of_them() -> None:
    relay = Relay(capacity=1)
    source = "".join(chr(33 + (n * n * 7919 >> 5) % 90) for n in range(200_000))
    relay.pass_on(30, row("app", source))
    asked = message(encode("app"), dst=10, src=30, handle=GET_MODULE, reply_to=900)
    for _ in range(300):
        relay.other.say(asked)
    assert relay.other.link.outbox.size < clerk_module.ANSWERS_LIMIT + 1_000_000
    # The others are served.
    relay.pass_on(20, cached("app"))
    assert len(relay.child.hear()) == 1


def test_what_is_asked_before_all_is_read_is_answered_once_it_was() -> None:
    relay = Relay(capacity=1 << 16)
    source = "".join(chr(33 + (n * n * 7919 >> 5) % 90) for n in range(200_000))
    relay.pass_on(30, row("app", source))
    asked = message(encode("app"), dst=10, src=30, handle=GET_MODULE, reply_to=900)
    count = 0
    while relay.other.link.outbox.size <= clerk_module.ANSWERS_LIMIT:
        relay.other.say(asked)
        count += 1
    for _ in range(clerk_module.ERRANDS_LIMIT + 5):
        relay.other.say(asked)
    relay.clock.advance(clerk_module.PAUSE)
    heard = []
    while relay.clock._timers:
        heard += relay.other.hear()
        relay.clock.advance(clerk_module.PAUSE)
    heard += relay.other.hear()
    answers = [one for one in heard if one.handle == 900]
    assert len(answers) == count + clerk_module.ERRANDS_LIMIT and relay.depot.clerk._late == {}
    assert len(relay.reports) == 1 and "it does not read" in relay.reports[0]


def test_loss_of_who_does_not_read_leaves_nothing_of_what_it_asked() -> None:
    relay = Relay(capacity=1 << 16)
    source = "".join(chr(33 + (n * n * 7919 >> 5) % 90) for n in range(200_000))
    relay.pass_on(30, row("app", source))
    asked = message(encode("app"), dst=10, src=30, handle=GET_MODULE, reply_to=900)
    while not relay.clock._timers:
        relay.other.say(asked)
    relay.other.hang_up()
    assert relay.depot.clerk._late == {}
    relay.clock.advance(clerk_module.PAUSE)
    assert relay.clock._timers == []


def test_answer_is_compressed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    relay = Relay()
    relay.pass_on(30, row("app"))
    packs: list[int] = []

    def pack(rows: Any) -> bytes:
        packs.append(len(rows))
        return pack_records(rows)

    monkeypatch.setattr(clerk_module, "pack_records", pack)
    for _ in range(50):
        assert relay.ask(relay.other, "app")
    assert packs == [1]
