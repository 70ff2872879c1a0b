"""A service that listens: what comes to its select is served one event at a time."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from remotesvc import EndOfStream, Receiver, Router
from remotesvc.channel.select import Event
from remotesvc.service import Invoker, Pool, Service

Job = tuple[Callable[..., None], tuple[Any, ...]]


class Postponing(Invoker):
    """Keeps what is to be run until the test runs it."""

    def __init__(self, service: Service, pool: Pool) -> None:
        super().__init__(service, pool)
        self.jobs: list[Job] = []

    def schedule(self, job: Callable[..., None], *args: Any) -> None:
        self.jobs.append((job, args))

    def run_all(self) -> None:
        """Run what is there, and what comes of it."""
        while self.jobs:
            job, args = self.jobs.pop(0)
            job(*args)


class Listener(Service):
    """Remembers what it heard."""

    invoker_class = Postponing

    def __init__(self, router: Router) -> None:
        super().__init__(router)
        self.heard: list[object] = []

    def on_message(self, event: Event) -> None:
        self.heard.append(event.value if event.error is None else event.error)
        if event.value == "bad":
            raise ValueError("this one is bad")


@pytest.fixture
def router(no_leaks: None) -> Iterator[Router]:
    with Router() as opened:
        yield opened


@pytest.fixture
def service(router: Router) -> Listener:
    return Listener(router)


def invoker_of(pool: Pool, service: Listener) -> Postponing:
    invoker = pool.invokers()[service.name()]
    assert isinstance(invoker, Postponing)
    return invoker


def send(receiver: Receiver, *values: object) -> None:
    """Send values and the end; they have come when this returns."""
    with receiver.sender as sender:
        for value in values:
            sender.send(value)


def test_what_came_before_the_service_was_active_is_served_in_order(
    router: Router, service: Listener
) -> None:
    with Receiver(router) as receiver:
        service.select.add(receiver)
        send(receiver, "first", "second")

        with Pool(router, [service]) as pool:
            invoker = invoker_of(pool, service)
            # More than one would serve events side by side.
            assert len(invoker.jobs) == 1
            invoker.run_all()

    assert service.heard[:2] == ["first", "second"]
    assert isinstance(service.heard[2], EndOfStream)


def test_select_that_a_method_uses_first_leads_to_on_message(
    router: Router, service: Listener
) -> None:
    with Pool(router, [service]) as pool, Receiver(router) as receiver:
        invoker = invoker_of(pool, service)
        service.select.add(receiver)
        invoker.run_all()
        send(receiver, "later")

        assert len(invoker.jobs) == 1
        invoker.run_all()

    assert service.heard[0] == "later"


def test_event_whose_service_raises_is_logged_and_the_next_is_served(
    router: Router, service: Listener, caplog: pytest.LogCaptureFixture
) -> None:
    with Pool(router, [service]) as pool, Receiver(router) as receiver:
        service.select.add(receiver)
        send(receiver, "bad", "good")
        invoker_of(pool, service).run_all()

    assert service.heard[:2] == ["bad", "good"]
    assert [record.getMessage() for record in caplog.records] == [
        f"on_message of {Listener.name()} failed"
    ]
