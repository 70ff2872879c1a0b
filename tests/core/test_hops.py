"""The children of a child: ordered, tended, and ended with it; here without any process."""

import sys
import threading
import types
from collections.abc import Callable
from typing import Any, ClassVar

import pytest

from remotesvc.bootstrap.manifest import MODULES
from remotesvc.controller.modules.found import Module
from remotesvc.controller.modules.grants import is_toolkit
from remotesvc.controller.modules.locate import Locator
from remotesvc.core import hops as hops_module
from remotesvc.core.authority import OPEN_CHILD, TEND_CHILD
from remotesvc.core.errors import DisconnectedError
from remotesvc.core.finder import Finder
from remotesvc.core.hops import HOP_MODULES, Hops, hops_of, start
from remotesvc.core.switch import Switch
from remotesvc.core.values import encode
from tests.core.ends import Clock, Neighbour, Waiter, message

# What an order imports on a thread of its own, which may ask.
OF_A_THREAD = ("remotesvc.connect", "remotesvc.connect.ahead", "remotesvc.connect.opener")


class Stream:
    """What was started for a child of the child."""

    def __init__(self) -> None:
        self.gone = threading.Event()
        self.kills = 0

    def kill(self) -> None:
        self.kills += 1
        self.gone.set()


class Connection:
    """The connection to one."""

    def __init__(self) -> None:
        self.stream = Stream()


class Child:
    """Context 10 below 0, as far as its Hops know it; what is done with orders is kept."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.switch = Switch(10, (0,), 1 << 20, False, lambda text: None)
        self.parent = Neighbour(self.switch, 0, is_parent=True)
        self._finder = Finder()
        self.loop: Any = Clock()
        self.is_leaving = False
        self.left: list[str] = []
        self.settle: Callable[[], None] = lambda: self.left.append("settled")
        self.orders: list[Any] = []
        self.is_carried_out = threading.Event()
        monkeypatch.setitem(sys.modules, "remotesvc.connect.opener", self)
        self.child: Any = self

    def leave(self) -> None:
        self.is_leaving = True
        self.left.append("left")

    def carry_out(self, hops: Hops, link: Any, order: bytes, asked: Any, tended: Any) -> None:
        """Stand in for opener.carry_out."""
        self.orders.append((link.peer_id, order))
        tended["kill"] = lambda argument: self.orders.append(("kill", argument))
        self.is_carried_out.set()

    def order(self, context_id: int, order: bytes = b"order", *words: list[str]) -> None:
        self.is_carried_out.clear()
        payload = encode((context_id, order, *words))
        self.parent.say(message(payload, dst=10, src=0, handle=OPEN_CHILD, reply_to=300))

    def tend(self, context_id: int, verb: str, argument: Any = None) -> None:
        payload = encode((context_id, verb, argument))
        self.parent.say(message(payload, dst=10, src=0, handle=TEND_CHILD))


@pytest.fixture
def child(monkeypatch: pytest.MonkeyPatch) -> Child:
    made = Child(monkeypatch)
    made.switch.serve(OPEN_CHILD, lambda link, asked: start(made.child, link, asked))
    return made


def test_first_order_makes_the_context_at_once_and_a_thread_does_the_rest(child: Child) -> None:
    child.order(20)
    child.parent.say(message(b"early", dst=20, src=0))  # it waits in the link
    link = child.switch.routes[20]
    assert link.peer_id == 20 and link.outbox.size > 0
    assert child.is_carried_out.wait(30)
    assert child.orders == [(20, b"order")]
    child.order(30)
    assert set(child.switch.routes) == {20, 30}
    assert hops_of(child.child) is hops_of(child.child)


def test_what_is_asked_of_a_child_is_done_and_of_nobody_else(child: Child) -> None:
    child.order(20)
    assert child.is_carried_out.wait(30)
    child.tend(20, "kill", "now")
    child.tend(20, "unknown")
    child.tend(77, "kill")
    assert child.orders[1:] == [("kill", "now")]


def test_child_that_is_closed_before_anything_was_done_is_lost(child: Child) -> None:
    waiter = Waiter(20)
    child.switch.listen(waiter)
    child.order(20)
    child.tend(20, "close", "nobody wants it")
    assert [str(one) for one in waiter.losses] == ["nobody wants it"]
    assert 20 not in child.switch.routes


def test_two_threads_make_one(child: Child) -> None:
    made: list[Hops] = []
    threads = [
        threading.Thread(target=lambda: made.append(hops_of(child.child))) for _ in range(16)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(made) == 16 and len(set(map(id, made))) == 1


def test_end_of_the_child_is_that_of_its_children(child: Child) -> None:
    child.order(20)
    assert child.is_carried_out.wait(30)
    hops = hops_of(child.child)
    connection = hops.connections[20] = Connection()
    link = child.switch.routes[20]

    child.leave()
    child.leave()

    assert isinstance(link.error, DisconnectedError)
    assert str(link.error) == "its parent has ended"
    assert child.left == ["left", "left"] and connection.stream.kills == 0
    child.loop.advance(hops_module.FAREWELL)
    assert connection.stream.kills == 1
    child.settle()  # waits for what was started, which is gone
    assert child.left[-1] == "settled"


def test_nothing_is_kept_of_one_that_is_gone(child: Child) -> None:
    child.order(20)
    assert child.is_carried_out.wait(30)
    hops = hops_of(child.child)
    hops.connections[20] = Connection()
    hops.forget(20)
    hops.forget(20)
    assert hops.connections == {} and hops._tended == {}


class Program:
    """What runs ahead of a connector (in the place of connect/ahead.py)."""

    made: ClassVar[list["Program"]] = []

    def __init__(self, loop: Any, words: list[str]) -> None:
        if words == ["nothing"]:
            raise FileNotFoundError(words[0])
        self.words = words
        self.stream = Stream()
        self.close = self.stream.kill
        self.made.append(self)


@pytest.fixture
def ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    module: Any = types.ModuleType("remotesvc.connect.ahead")
    module.Ahead = Program
    monkeypatch.setitem(sys.modules, module.__name__, module)


def test_program_of_an_order_runs_before_its_connector_is_there(child: Child, ahead: None) -> None:
    child.order(20, b"order", ["ssh", "web1"])
    assert child.is_carried_out.wait(30)
    assert hops_of(child.child).connections[20].words == ["ssh", "web1"]
    child.order(30, b"order", ["nothing"])  # the connector finds that out by itself
    assert child.is_carried_out.wait(30)
    assert set(hops_of(child.child).connections) == {20}
    assert child.orders == [(20, b"order"), (30, b"order")]


def test_program_of_an_order_that_cannot_be_carried_out_is_ended(
    child: Child, ahead: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiter = Waiter(20)
    child.switch.listen(waiter)
    is_lost = threading.Event()
    monkeypatch.setattr(waiter, "lose", lambda error: is_lost.set())
    monkeypatch.setitem(sys.modules, "remotesvc.connect.opener", None)
    made: list[Program] = []
    monkeypatch.setattr(Program, "made", made)
    child.order(20, b"order", ["ssh", "web1"])
    assert is_lost.wait(30)
    assert [one.stream.kills for one in made] == [1]
    assert hops_of(child.child).connections == {}


def test_modules_of_a_first_order_are_complete() -> None:
    # The I/O thread imports them, some at the order and some at the first question of one behind,
    # and cannot ask for more: each import of theirs, by name and in functions too, is one of
    # them, in the payload, or of the standard library.
    locator = Locator()
    for name in HOP_MODULES:
        found = locator.find(name)
        assert isinstance(found, Module)
        ours = [one for one in locator.imports(found) if isinstance(locator.find(one), Module)]
        assert set(filter(is_toolkit, ours)) <= {*HOP_MODULES, *MODULES, *OF_A_THREAD}, name
