"""Files on their way through a relay: kept here, and given to whom the parent has them given."""

from typing import Any

from remotesvc.core.authority import GET_RESOURCE
from remotesvc.core.dead import bury, exhume
from remotesvc.core.shelf import SAME, File, Shelf
from remotesvc.core.values import encode
from remotesvc.core.wire import DEAD, PLAIN, RAW, Message
from tests.core.behind_relay import Relay

FILE = ("app", "a.txt")


def stamp_of(payload: bytes) -> int:
    return File(RAW, payload).stamp


def test_file_that_was_answered_before_is_asked_for_by_its_stamp_and_given_from_here() -> None:
    relay = Relay()
    relay.ask(relay.child, FILE, GET_RESOURCE)
    assert relay.asked() == [(FILE, 20, 0)]
    relay.answer(b"text")
    assert [(one.encoding, one.payload) for one in relay.child.hear()] == [(RAW, b"text")]
    for context_id, end in ((30, relay.other), (20, relay.child)):
        assert relay.ask(end, FILE, GET_RESOURCE) == []
        assert relay.asked() == [(FILE, context_id, stamp_of(b"text"))]
        relay.answer(SAME, PLAIN)
        assert [(one.encoding, one.payload) for one in end.hear()] == [(RAW, b"text")]


def test_file_that_is_here_is_not_given_to_who_may_not_read_it() -> None:
    relay = Relay()
    relay.ask(relay.child, FILE, GET_RESOURCE)
    relay.ask(relay.other, FILE, GET_RESOURCE)
    relay.asked()
    relay.answer(b"text")
    for _ in range(2):
        assert relay.other.hear() == []
        assert relay.asked() == [(FILE, 30, stamp_of(b"text"))]
        relay.answer(bury("refused", "no"), DEAD)
        (reply,) = relay.other.hear()
        assert reply.encoding == DEAD
        relay.ask(relay.other, FILE, GET_RESOURCE)


def test_file_that_has_changed_comes_anew() -> None:
    relay = Relay()
    for text in (b"old", b"new"):
        relay.ask(relay.child, FILE, GET_RESOURCE)
        relay.asked()
        relay.answer(text)
        assert [one.payload for one in relay.child.hear()] == [text]
    relay.ask(relay.child, FILE, GET_RESOURCE)
    assert relay.asked() == [(FILE, 20, stamp_of(b"new"))]


def test_relay_that_has_a_file_is_told_so_and_another_one_is_given_it() -> None:
    relay = Relay()
    relay.ask(relay.child, (FILE, 21, 0), GET_RESOURCE)
    relay.asked()
    relay.answer(b"text")
    relay.child.hear()
    for stamp, expected in (
        (stamp_of(b"text"), (PLAIN, SAME)),
        (stamp_of(b"else"), (RAW, b"text")),
        (0, (RAW, b"text")),
        (-1, (RAW, b"text")),
    ):
        relay.ask(relay.child, (FILE, 21, stamp), GET_RESOURCE)
        # What it claims to have is nothing that is claimed in the name of this one.
        assert relay.asked() == [(FILE, 21, stamp_of(b"text"))]
        relay.answer(SAME, PLAIN)
        (reply,) = relay.child.hear()
        assert (reply.encoding, reply.payload) == expected


def test_listing_is_kept_as_a_file_is() -> None:
    relay = Relay()
    place, listing = ("app", "data/"), encode([("a.txt", False)])
    relay.ask(relay.child, place, GET_RESOURCE)
    relay.asked()
    relay.answer(listing, PLAIN)
    relay.child.hear()
    relay.ask(relay.other, place, GET_RESOURCE)
    assert relay.asked() == [(place, 30, stamp_of(listing))]
    relay.answer(SAME, PLAIN)
    assert [(one.encoding, one.payload) for one in relay.other.hear()] == [(PLAIN, listing)]


def test_file_that_made_room_while_it_was_asked_for_is_still_given() -> None:
    relay = Relay()
    relay.depot.clerk._shelf = Shelf(3000)
    relay.ask(relay.child, FILE, GET_RESOURCE)
    relay.asked()
    relay.answer(b"text")
    relay.child.hear()
    relay.ask(relay.child, FILE, GET_RESOURCE)
    relay.ask(relay.child, ("app", "large"), GET_RESOURCE)
    relay.asked()
    relay.answer(bytes(1500), index=1)
    assert relay.depot.clerk._shelf.get(FILE) is None
    relay.child.hear()
    relay.answer(SAME, PLAIN, index=0)
    assert [one.payload for one in relay.child.hear()] == [b"text"]


def test_file_that_is_read_here_is_kept_for_those_behind_and_asked_for_by_its_stamp() -> None:
    relay = Relay()
    asked: list[Any] = []
    answers = [(DEAD, bury("refused", "no")), (RAW, b"text"), (PLAIN, SAME)]

    def ask(handle: int, question: Any, what: str) -> Message:
        asked.append(question)
        return Message(10, 1, 1, 300, 0, *answers[len(asked) - 1])

    relay.depot._request_of = ask
    request: Any = relay.finder.request_of
    replies = [request(GET_RESOURCE, FILE, "the request") for _ in answers]
    assert [one.payload for one in replies[1:]] == [b"text"] * 2 and replies[0].encoding == DEAD
    assert [one.encoding for one in replies[1:]] == [RAW] * 2
    assert asked == [(FILE, 0, 0), (FILE, 0, 0), (FILE, 0, stamp_of(b"text"))]

    relay.ask(relay.child, FILE, GET_RESOURCE)
    assert relay.asked() == [(FILE, 20, stamp_of(b"text"))]


def test_same_as_nothing_is_told_as_a_loss() -> None:
    relay = Relay()
    relay.ask(relay.child, FILE, GET_RESOURCE)
    relay.asked()
    relay.answer(SAME, PLAIN)
    (reply,) = relay.child.hear()
    assert "got lost" in str(exhume(reply.payload))


def test_refusal_of_a_file_is_not_kept() -> None:
    relay = Relay()
    for _ in range(2):
        relay.ask(relay.child, FILE, GET_RESOURCE)
        assert relay.asked() == [(FILE, 20, 0)]
        relay.answer(bury("refused", "no"), DEAD)
        relay.child.hear()
