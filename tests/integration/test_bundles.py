"""What a child would ask for part by part goes along: counted in requests."""

from collections.abc import Iterator

import pytest

import remotesvc
from remotesvc.controller.modules.responder import Responder
from remotesvc.core.values import decode
from remotesvc.core.wire import Message
from tests.integration.targets import bundled, late


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What children have asked for, since the test began."""
    names: list[str] = []
    answer = Responder._answer_module

    def note(self: Responder, message: Message) -> None:
        names.append(decode(message.payload))
        answer(self, message)

    monkeypatch.setattr(Responder, "_answer_module", note)
    return names


@pytest.fixture
def child() -> Iterator[remotesvc.Context]:
    with remotesvc.Router() as router:
        yield router.local()


def test_first_call_of_a_service_asks_for_nothing(
    child: remotesvc.Context, asked: list[str]
) -> None:
    assert child.call_service(bundled.Adder, "add", a=1, b=2) == 3
    assert list(child.call_service(bundled.Adder, "count", stop=3)) == [0, 1, 2]
    assert asked == []


def test_function_from_a_module_with_services_asks_for_nothing(
    child: remotesvc.Context, asked: list[str]
) -> None:
    assert child.call(bundled.name_of_adder).endswith("bundled.Adder")
    assert asked == []


def test_function_that_uses_the_router_over_there_asks_for_nothing(
    child: remotesvc.Context, asked: list[str]
) -> None:
    with remotesvc.Receiver(child.router) as receiver:
        child.call(bundled.echo, receiver.sender)
        assert receiver.get(20) == child.id
    assert asked == []


def test_name_that_is_found_at_run_time_costs_one_request_and_not_one_for_each_part(
    child: remotesvc.Context, asked: list[str]
) -> None:
    assert child.call(late.import_late) == "remotesvc.service"
    assert asked == ["remotesvc.service"]


def test_exception_of_a_service_costs_one_request(
    child: remotesvc.Context, asked: list[str]
) -> None:
    with pytest.raises(ZeroDivisionError):
        child.call_service(bundled.Adder, "fail")
    assert asked == ["remotesvc.core.capture"]
