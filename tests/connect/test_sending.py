"""What leaves a child for its own children: functions by name, services, and nothing else."""

import functools
from typing import Any

import pytest

from remotesvc.connect.sending import SERVICES, Sending
from remotesvc.core.authority import LOAD_MODULE
from remotesvc.core.context import Context
from remotesvc.core.depot import Depot
from remotesvc.core.errors import RefusedError, ValueNotSupported
from remotesvc.core.finder import MODULE, Finder
from remotesvc.core.switch import Switch
from remotesvc.core.values import decode
from remotesvc.core.wire import PLAIN
from tests.core.ends import Clock, Neighbour

BELOW, ELSEWHERE = 20, 77


class Outer:
    """Holds functions that no name at the top of a module leads to."""

    @staticmethod
    def inner() -> None:
        """Do nothing."""


class Case:
    """A child, 10, with its own child 20; what Sending asks of Hops."""

    def __init__(self) -> None:
        self.switch = Switch(10, (0,), 1 << 20, False, lambda text: None)
        self._finder = Finder()
        self._finder.records[SERVICES] = (MODULE, "services.py", "x = 1", None)
        self.child = self
        self.depot = Depot(self.switch, self._finder, Clock().call_later)
        self.end = Neighbour(self.switch, BELOW)
        self.sending = Sending(self)  # type: ignore[arg-type]

    def context(self, context_id: int) -> Context:
        router: Any = self
        return Context(router, context_id, "there")

    def encode(self, fn: Any, *args: Any, to: int = BELOW, **options: Any) -> Any:
        encoding, payload = self.sending.encode_call(self.context(to), fn, args, {}, options)
        assert encoding == PLAIN
        return decode(payload)


def test_function_goes_by_its_name_and_its_package_is_granted() -> None:
    case = Case()
    assert case.encode(parse, "x") == [__name__, "parse", ["x"], {}]
    assert case.encode(Outer.inner)[1] == "Outer.inner"
    assert case.encode(len, "x", results="plain")[:2] == ["builtins", "len"]
    assert case.depot._roots[BELOW] == {"remotesvc", "tests", "builtins"}


def parse(text: str) -> str:
    """Return what came."""
    return text


@pytest.mark.parametrize(
    "fn",
    [lambda: 1, functools.partial(len, "x"), Outer().__init__, object()],  # type: ignore[misc]
    ids=["lambda", "partial", "bound", "object"],
)
def test_what_no_name_leads_to_is_not_sent(fn: Any) -> None:
    with pytest.raises(ValueNotSupported, match="no name leads to it over there"):
        Case().encode(fn)


def test_functions_go_to_ones_own_children_only() -> None:
    with pytest.raises(RefusedError, match="there: functions may be called in one's own children"):
        Case().encode(parse, to=ELSEWHERE)


def test_argument_that_cannot_travel_is_named() -> None:
    with pytest.raises(ValueNotSupported, match=r"call\[2\]\[0\]"):
        Case().encode(parse, object())


def test_services_are_brought_to_ones_own_children_once() -> None:
    case = Case()
    name: Any = type("Name", (), {"service": "app.Disk", "cls": None})
    for _ in range(2):
        assert decode(case.sending.encode_service(case.context(BELOW), name, {"a": 1})) == {"a": 1}
        case.sending.encode_service(case.context(ELSEWHERE), name, {})
    assert [one.handle for one in case.end.hear()] == [LOAD_MODULE]
    assert case.depot._roots == {BELOW: {"remotesvc", "app"}}
