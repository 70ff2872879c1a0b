"""Questions that come while the same thing is on its way up: who waits, and who gets what."""

import pytest

from remotesvc.core import clerk as clerk_module
from remotesvc.core.authority import GET_RESOURCE
from remotesvc.core.dead import bury, exhume
from remotesvc.core.fetch import pack_records
from remotesvc.core.finder import MISSING, REFUSED
from remotesvc.core.wire import DEAD, RAW
from tests.core.behind_relay import Relay, cached, records, refused, row
from tests.core.ends import message


def test_module_on_its_way_is_not_asked_for_again_and_comes_as_its_name_for_the_next() -> None:
    relay = Relay()
    for end in (relay.child, relay.other, relay.child):
        assert relay.ask(end, "app") == []
    assert relay.asked() == [("app", 20, False)]
    relay.answer(pack_records([row("app")]))
    # Who asked twice has both answers, and the other one is asked for now.
    assert [records(one) for one in relay.child.hear()] == [[row("app")]] * 2
    assert relay.other.hear() == []
    assert relay.asked() == [("app", 30, False)]
    relay.answer(pack_records([cached("app")]))
    (reply,) = relay.other.hear()
    assert records(reply) == [row("app")] and relay.depot.clerk._counts == {}


def test_who_waits_for_the_module_of_another_one_is_judged_by_its_own_grants() -> None:
    relay = Relay()
    relay.ask(relay.child, "app")
    relay.ask(relay.other, "app")
    relay.asked()
    relay.answer(pack_records([row("app")]))
    relay.asked()
    relay.answer(refused("app"))
    (reply,) = relay.other.hear()
    assert records(reply)[0][1] == REFUSED
    assert "app" not in relay.depot._granted[30]
    # It may have waited, and has nothing of it; nor later.
    assert relay.ask(relay.other, "app") == [] and relay.asked() == [("app", 30, False)]


@pytest.mark.parametrize(
    ("payload", "encoding"),
    [
        (refused("app"), RAW),
        (pack_records([("app", MISSING, "", "none", None)]), RAW),
        (bury("congested", "too many"), DEAD),
    ],
)
def test_refusal_is_for_whom_it_was_asked_and_the_next_one_is_asked_for(
    payload: bytes, encoding: int
) -> None:
    relay = Relay()
    relay.ask(relay.child, "app")
    relay.ask(relay.other, "app")
    relay.ask(relay.child, "app")
    relay.ask(relay.child, ("app", 21, False))
    relay.asked()
    relay.answer(payload, encoding)
    assert [(one.encoding, one.payload) for one in relay.child.hear()] == [(encoding, payload)] * 2
    assert relay.other.hear() == []
    assert relay.asked() == [("app", 30, False)]
    relay.answer(pack_records([row("app")]))
    assert records(relay.other.hear()[0]) == [row("app")]
    assert relay.asked() == [("app", 21, False)]


def test_neighbour_that_asks_for_what_it_may_not_have_keeps_another_waiting_for_one_answer() -> (
    None
):
    relay = Relay()
    relay.ask(relay.child, "app")
    for _ in range(100):
        relay.ask(relay.child, ("app", 21, True))
    relay.ask(relay.other, "app")
    relay.asked()
    relay.answer(refused("app"))
    assert relay.asked() == [("app", 30, False)]


def test_children_that_were_started_here_share_an_answer_in_the_name_of_this_one() -> None:
    relay = Relay()
    for context_id, end in ((20, relay.child), (30, relay.other)):
        relay.depot.allow(context_id, "app")
        relay.ask(end, "app.one")
    assert relay.asked() == [("app.one", 10, False)]
    relay.answer(pack_records([row("app.one")]))
    for end in (relay.child, relay.other):
        assert records(end.hear()[0]) == [row("app.one")]
    assert relay.asked() == []


def test_loss_of_the_parent_answers_those_too_that_wait_for_others() -> None:
    relay = Relay()
    for _ in range(3):
        for end in (relay.child, relay.other):
            relay.ask(end, "app")
            relay.ask(end, ("app", "a.txt"), GET_RESOURCE)
    relay.parent.hang_up()
    for end in (relay.child, relay.other):
        assert [one.encoding for one in end.hear()] == [DEAD] * 6
    assert relay.depot.clerk._counts == {} and not relay.depot.clerk._errands


def test_loss_of_who_asked_first_keeps_nobody_waiting() -> None:
    relay = Relay()
    relay.ask(relay.child, "app")
    relay.ask(relay.other, "app")
    relay.ask(relay.child, "app")
    relay.asked()
    relay.child.hang_up()
    relay.parent.hear()  # the news of that
    relay.answer(refused("app"))
    assert relay.asked() == [("app", 30, False)]


def test_answer_that_is_lost_keeps_others_waiting_for_twice_their_patience_at_most() -> None:
    relay = Relay()
    relay.ask(relay.child, "app")
    relay.ask(relay.other, "app")
    relay.ask(relay.other, ("app", "a.txt"), GET_RESOURCE)
    assert relay.asked() == [("app", 20, False), (("app", "a.txt"), 30, 0)]
    relay.clock.advance(2 * clerk_module.PATIENCE)
    assert relay.asked() == [("app", 30, False)]
    relay.answer(pack_records([row("app")]))
    assert records(relay.other.hear()[0]) == [row("app")]
    # Nobody waits, so nobody looks.
    assert relay.clock._timers == []


def test_forged_answer_frees_nobody() -> None:
    relay = Relay()
    relay.ask(relay.child, "app")
    relay.ask(relay.other, "app")
    relay.asked()
    handle = relay.questions[0].reply_to
    forged = pack_records([row("app", "1/0")])
    for src in (20, 21):
        told = message(forged, dst=10, src=src, handle=handle, encoding=RAW)
        relay.child.say(told)
    assert relay.child.hear() == [] == relay.other.hear()
    assert relay.asked() == [] and relay.depot.find("app") is None


def test_those_that_wait_for_others_are_counted() -> None:
    relay = Relay()
    for number in range(clerk_module.ERRANDS_LIMIT + 10):
        heard = relay.ask(relay.other, "app")
        assert [one.encoding for one in heard] == [DEAD] * (number >= clerk_module.ERRANDS_LIMIT)
    assert relay.asked() == [("app", 30, False)]
    relay.answer(refused("app"))
    assert len(relay.other.hear()) == clerk_module.ERRANDS_LIMIT
    assert relay.depot.clerk._counts == {}


def test_answer_that_is_too_large_when_names_are_modules_again_is_told() -> None:
    relay = Relay(max_message_size=2000)
    relay.finder.add("app", row("app", "".join(map(str, range(3000))))[1:])
    relay.ask(relay.other, "app")
    relay.asked()
    relay.answer(pack_records([cached("app")]))
    (reply,) = relay.other.hear()
    assert reply.encoding == DEAD and "max_message_size" in str(exhume(reply.payload))
    assert relay.depot.clerk._counts == {}
