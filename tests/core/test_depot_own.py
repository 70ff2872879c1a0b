"""What a relay needs itself and keeps for others already comes as its name."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from remotesvc.core.authority import LOAD_MODULE
from remotesvc.core.dead import bury
from remotesvc.core.depot import Depot
from remotesvc.core.fetch import Fetcher, pack_records
from remotesvc.core.finder import REFUSED
from remotesvc.core.wire import DEAD, RAW
from tests.core.behind_relay import Relay, cached, records, refused, row
from tests.core.ends import message
from tests.integration.waiting import wait_until


@pytest.fixture
def relay() -> Relay:
    """A relay that asks for what it needs."""
    relay = Relay()
    Fetcher(relay.switch, relay.finder)
    relay.depot = Depot(relay.switch, relay.finder, relay.clock.call_later)
    return relay


@contextmanager
def asking(relay: Relay, name: str) -> Iterator[list[str]]:
    """Ask for a module on a thread; what it was told is known at the end."""
    told: list[str] = []

    def ask() -> None:
        try:
            relay.depot.clerk.ask(name)
        except ImportError as error:
            told.append(str(error))

    thread = threading.Thread(target=ask)
    thread.start()
    yield told
    thread.join()


def wait_for_question(relay: Relay) -> object:
    """Return what the parent was asked."""
    found: list[object] = []

    def look() -> bool:
        found.extend(relay.asked())
        return bool(found)

    wait_until(look)
    (question,) = found
    return question


def push(relay: Relay, *rows: tuple[object, ...]) -> None:
    """Have the parent send records for the relay itself."""
    payload = pack_records(rows)
    relay.parent.say(message(payload, dst=10, src=1, handle=LOAD_MODULE, encoding=RAW))


def test_name_of_what_is_kept_is_as_good_as_the_module(relay: Relay) -> None:
    relay.pass_on(30, row("app"))
    push(relay, cached("app"), row("more"), ("none", REFUSED, "", "why", None))
    assert relay.finder.records["app"] == row("app")[1:]
    assert relay.finder.records["more"] == row("more")[1:]
    assert relay.finder.records["none"][0] == REFUSED


def test_name_of_what_is_not_here_is_no_module(relay: Relay) -> None:
    push(relay, cached("app"), row("more"))
    assert "app" not in relay.finder.records and "more" in relay.finder.records


def test_answer_by_name_is_taken_from_here(relay: Relay) -> None:
    relay.pass_on(30, row("app"))
    with asking(relay, "app") as told:
        assert wait_for_question(relay) == ("app", 10, False)
        relay.answer(pack_records([cached("app")]))
    assert told == [] and relay.finder.records["app"] == row("app")[1:]


def test_answer_by_name_of_what_is_not_here_is_asked_for_whole(relay: Relay) -> None:
    with asking(relay, "app") as told:
        wait_for_question(relay)
        relay.answer(pack_records([cached("app")]))
        assert wait_for_question(relay) == ("app", 10, True)
        relay.answer(pack_records([row("app")]))
    assert told == [] and relay.finder.records["app"] == row("app")[1:]


def test_module_that_never_comes_is_an_import_error(relay: Relay) -> None:
    with asking(relay, "app") as told:
        for _ in range(2):
            wait_for_question(relay)
            relay.answer(pack_records([cached("app")]))
    assert told == ["module 'app' got lost on its way here"]


def test_refusal_is_one_here_too(relay: Relay) -> None:
    with asking(relay, "app") as told:
        wait_for_question(relay)
        relay.answer(refused("app"))
    assert told == [] and relay.finder.records["app"][0] == REFUSED
    with asking(relay, "other") as told:
        wait_for_question(relay)
        relay.answer(bury("refused", "no such luck"), DEAD)
    assert told == ["module 'other': no such luck"]


@pytest.mark.parametrize("question", ["app", ("app", 20, True)])
def test_who_knows_nothing_of_names_or_lacks_it_gets_the_module(
    relay: Relay, question: object
) -> None:
    relay.pass_on(21, row("app"))
    relay.pass_on(20, row("app"))
    relay.child.hear()
    (reply,) = relay.ask(relay.child, question)
    assert records(reply) == [row("app")]


def test_child_that_passed_a_module_on_gets_its_name(relay: Relay) -> None:
    relay.pass_on(21, row("app"))
    relay.child.hear()
    relay.pass_on(20, cached("app"), row("more"))
    (heard,) = relay.child.hear()
    assert heard.handle == LOAD_MODULE and records(heard) == [cached("app"), row("more")]
    (reply,) = relay.ask(relay.child, ("app", 20, False))
    assert records(reply) == [cached("app")]
