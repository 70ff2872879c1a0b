"""Records on their way to a context: to a neighbour itself, or past a relay that keeps them."""

import zlib
from typing import Any

import pytest

from remotesvc import DisconnectedError
from remotesvc.controller.modules.carrier import Carrier, Record
from remotesvc.core.authority import LOAD_MODULE, PASS_MODULES
from remotesvc.core.depot import CACHED
from remotesvc.core.finder import MISSING, MODULE, REFUSED
from remotesvc.core.switch import Switch
from remotesvc.core.values import decode
from remotesvc.core.wire import Message
from tests.core.ends import Neighbour


def record(name: str) -> Record:
    return (name, MODULE, name + ".py", "x = 1", None)


def cached(name: str) -> Record:
    return (name, CACHED, "", "", None)


def unpack(message: Message) -> Any:
    return decode(zlib.decompress(message.payload))


class Tree:
    """The controller; its child 5, behind which are 6 and 7; its child 8."""

    def __init__(self) -> None:
        self.switch = Switch(0, (), 1 << 20, False, lambda text: None)
        self.relay = Neighbour(self.switch, 5, 6, 7)
        self.other = Neighbour(self.switch, 8)
        self.relay.hear()
        self.carrier = Carrier(self.switch)


def test_neighbour_gets_modules_as_they_are() -> None:
    tree = Tree()
    tree.carrier.send(5, [record("app")])
    (heard,) = tree.relay.hear()
    assert (heard.handle, heard.dst) == (LOAD_MODULE, 5) and unpack(heard) == [record("app")]


def test_relay_gets_each_module_once_whoever_it_is_for() -> None:
    tree = Tree()
    tree.carrier.send(6, [record("app"), (("none"), MISSING, "", "", None)])
    tree.carrier.send(7, [record("app"), record("more"), ("none", MISSING, "", "", None)])
    first, second = tree.relay.hear()
    assert first.handle == second.handle == PASS_MODULES and first.dst == 5
    assert unpack(first) == (6, [record("app"), ("none", MISSING, "", "", None)])
    # That there is none costs no more than a name.
    assert unpack(second) == (7, [cached("app"), record("more"), ("none", MISSING, "", "", None)])


def test_relay_that_has_a_module_itself_is_sent_its_name() -> None:
    tree = Tree()
    tree.carrier.send(5, [record("app")])
    tree.carrier.send(6, [record("app")])
    assert unpack(tree.relay.hear()[1]) == (6, [cached("app")])


@pytest.mark.parametrize("kind", [REFUSED, MISSING])
def test_what_is_refused_to_one_does_not_come_as_the_name_of_what_another_one_got(
    kind: str,
) -> None:
    tree = Tree()
    tree.carrier.send(6, [record("app")])
    refusal = ("app", kind, "", "why", None)
    payload = tree.carrier.pack_answer(5, 7, [refusal], False)
    assert decode(zlib.decompress(payload)) == [refusal]
    tree.carrier.send(7, [refusal])
    assert unpack(tree.relay.hear()[1]) == (7, [refusal])


def test_other_relays_know_nothing_of_it() -> None:
    tree = Tree()
    tree.carrier.send(6, [record("app")])
    tree.carrier.send(8, [record("app")])
    (heard,) = tree.other.hear()
    assert unpack(heard) == [record("app")]


def test_answer_is_whole_for_who_needs_it_and_short_for_a_relay_that_has_it() -> None:
    tree = Tree()
    tree.carrier.note(5, 5, [record("own")])
    tree.carrier.note(5, 6, [record("passed")])
    for name, asker, context_id, is_whole, expected in (
        ("own", 5, 6, False, cached),
        ("own", 5, 6, True, record),
        ("own", 6, 6, False, record),
        ("own", 5, 5, False, record),
        ("passed", 5, 6, False, cached),
        ("passed", 5, 5, False, cached),
        ("passed", 5, 5, True, record),
        ("passed", 6, 6, False, record),
    ):
        payload = tree.carrier.pack_answer(asker, context_id, [record(name)], is_whole)
        assert decode(zlib.decompress(payload)) == [expected(name)]


def test_relay_is_sent_the_name_of_what_it_keeps_for_others() -> None:
    tree = Tree()
    tree.carrier.send(6, [record("app"), ("none", MISSING, "", "", None)])
    tree.carrier.send(5, [record("app"), record("more"), ("none", MISSING, "", "", None)])
    heard = tree.relay.hear()[1]
    assert heard.handle == LOAD_MODULE
    assert unpack(heard) == [cached("app"), record("more"), ("none", MISSING, "", "", None)]


def test_only_neighbours_are_noted_and_lost_ones_forgotten() -> None:
    tree = Tree()
    for neighbour, context_id in ((6, 6), (99, 99), (5, 5), (5, 6)):
        tree.carrier.note(neighbour, context_id, [record("app")])
    assert set(tree.carrier._there) == set(tree.carrier._kept) == {5}
    tree.carrier.forget({5, 6, 99})
    assert tree.carrier._there == tree.carrier._kept == {}


def test_context_that_is_gone_is_told() -> None:
    tree = Tree()
    with pytest.raises(DisconnectedError):
        tree.carrier.send(99, [record("app")])
