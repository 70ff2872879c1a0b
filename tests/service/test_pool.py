"""A pool in its own process: what it takes, its size, its events, its end."""

import queue
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from remotesvc import Receiver, RefusedError, Router
from remotesvc.service import AllowAny, AllowParents, Pool, Service, expose, no_reply
from remotesvc.service.catalog import CATALOG
from tests.service.stations import DEADLINE


@pytest.fixture
def router(no_leaks: None, empty_home: object) -> Iterator[Router]:
    """A router without children."""
    with Router() as opened:
        yield opened


class Simple(Service):
    """Returns a number."""

    ended: list[str]

    def __init__(self, router: Any) -> None:
        super().__init__(router)
        self.ended = []

    @expose(policy=AllowAny())
    def number(self) -> int:
        """Return it."""
        return 42

    def on_shutdown(self) -> None:
        """Note it."""
        self.ended.append("ended")


class Listening(Service):
    """Hands on what comes to its receiver, and dies of some of it."""

    def __init__(self, router: Any) -> None:
        super().__init__(router)
        self.heard: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def listen(self) -> Any:
        """Add a receiver; return a sender to it."""
        receiver = Receiver(self.router)
        self.select.add(receiver)
        return receiver.sender

    def on_message(self, event: Any) -> None:
        """Hand it on."""
        self.heard.put(event.value)
        if event.value == "die":
            raise SystemExit("in on_message")


def test_on_message_runs_for_what_comes_to_receivers_whenever_they_were_added(
    router: Router, caplog: pytest.LogCaptureFixture
) -> None:
    early, late = Listening(router), Listening(router)
    before = early.listen()
    before.send(0)

    class Other(Listening):
        @classmethod
        def name(cls) -> str:
            return "other"

    other = Other(router)
    with Pool(router, [early, other]):
        assert early.heard.get(timeout=DEADLINE) == 0
        after = other.listen()
        for value in (1, "die", 2):
            after.send(value)
        assert [other.heard.get(timeout=DEADLINE) for _ in range(3)] == [1, "die", 2]
        before.send(3)
        assert early.heard.get(timeout=DEADLINE) == 3
        before.close()
        after.close()
    assert late.heard.empty()
    assert [one for one in caplog.messages if "on_message of other failed" in one]


def test_close_shuts_services_down_once_the_last_one_first(router: Router) -> None:
    order: list[str] = []

    class First(Simple):
        def on_shutdown(self) -> None:
            order.append("first")
            raise SystemExit("in on_shutdown")

    class Second(Simple):
        def on_shutdown(self) -> None:
            order.append("second")

    pool = Pool(router, [First, Second])
    pool.close()
    pool.close()
    assert order == ["second", "first"]
    assert pool.is_closed


def test_method_that_nobody_waits_for_ends_by_itself_while_the_pool_is_closed(
    router: Router,
) -> None:
    begun, is_closing = threading.Semaphore(0), threading.Event()
    seen: list[str] = []

    class Diary(Simple):
        @no_reply
        @expose(policy=AllowParents())
        def write(self) -> None:
            begun.release()
            is_closing.wait(DEADLINE)
            seen.append("written")

        @expose(policy=AllowParents())
        def wait(self) -> None:
            begun.release()
            is_closing.wait(DEADLINE)

    pool = Pool(router, [Diary])
    router.myself.call_service(Diary, "write")
    awaited = router.myself.submit_service(Diary, "wait")
    awaited.add_done_callback(lambda _: is_closing.set())
    assert all(begun.acquire(timeout=DEADLINE) for _ in range(2))
    pool.close()

    assert seen == ["written"]
    with pytest.raises(RefusedError, match="the services of this context were closed"):
        awaited.result(DEADLINE)


def test_router_closes_its_pool(no_leaks: None, empty_home: object) -> None:
    with Router() as router:
        service = Simple(router)
        Pool(router, [service])
    assert service.ended == ["ended"]


def test_size_that_a_parent_wants_counts_for_the_very_next_call(router: Router) -> None:
    gate = threading.Event()
    with Pool(router) as pool:
        pool.attend(gate.wait, DEADLINE)  # on the thread that would run the method
        router.myself.call_service_no_reply(CATALOG, "resize", size=2)
        size = pool.size
        router.myself.call_service_no_reply(CATALOG, "resize", size=True)
        gate.set()

        with pytest.raises(ValueError, match="size=0"):
            router.myself.call_service(CATALOG, "resize", size=0)
        assert size == pool.size == 2


def test_pool_that_grows_and_shrinks_serves_on(router: Router) -> None:
    gate = threading.Event()
    begun = threading.Semaphore(0)

    def wait() -> None:
        begun.release()
        gate.wait(DEADLINE)

    with Pool(router, [Simple], size=1) as pool:
        pool.defer(wait)
        pool.defer(wait)
        assert begun.acquire(timeout=DEADLINE)
        assert pool.is_crowded
        pool.resize(3)
        pool.defer(lambda: None)
        assert begun.acquire(timeout=DEADLINE)
        pool.resize(1)
        gate.set()
        assert router.myself.service(Simple).number() == 42
        assert pool.size == 1


def test_job_that_raises_is_shown_and_the_pool_serves_on(
    router: Router, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: queue.SimpleQueue[Any] = queue.SimpleQueue()
    monkeypatch.setattr(sys, "excepthook", lambda *error: shown.put(error[1]))
    with Pool(router, [Simple], size=1) as pool:
        pool.defer(int, "x")
        assert isinstance(shown.get(timeout=DEADLINE), ValueError)
        assert router.myself.service(Simple).number() == 42


def test_services_of_two_routers_do_not_know_of_each_other(
    router: Router, empty_home: object
) -> None:
    with Router() as other, Pool(router, [Simple]) as one, Pool(other, [Simple]) as two:
        assert one.get_service(Simple) is not two.get_service(Simple)
        assert router.myself.service(Simple).number() == other.myself.service(Simple).number()
