"""A hostile child that makes up children of its own: they give it no more than it has alone."""

import threading
from collections.abc import Iterator
from concurrent.futures import wait
from typing import Any

import pytest

from remotesvc import Router
from remotesvc.controller.ids import BLOCK
from remotesvc.controller.inbox import INVENTED_LIMIT
from remotesvc.controller.modules.responder import LOG_LIMIT
from remotesvc.core.authority import (
    ADD_ROUTE,
    ALLOCATE_ID,
    CALL_SERVICE,
    GET_MODULE,
    LOG,
    STDIO,
)
from remotesvc.core.values import encode
from remotesvc.core.wire import FRAGMENT, PLAIN, RAW
from remotesvc.service import AllowAny, Call, Pool, Service, expose
from remotesvc.service.admission import BYTES_LIMIT, CALLS_LIMIT
from remotesvc.service.request import pack_request
from tests.integration.fake_child import REPLY_HANDLE
from tests.integration.hostile_scene import (
    DEADLINE,
    MEMORY,
    Scene,
    first_fragment,
    memory_stays_below,
    target,
)


class Open(Service):
    """What anybody may call."""

    def __init__(self, router: Any) -> None:
        super().__init__(router)
        self.begun = threading.Semaphore(0)
        self.gate = threading.Event()

    @expose(policy=AllowAny())
    def wait(self, call: Call) -> None:
        """Wait for the test, or until nobody waits for this."""
        self.begun.release()
        while not (call.cancelled or self.gate.wait(0.001)):
            pass

    @expose(policy=AllowAny())
    def take(self, data: bytes) -> int:
        """Return how much it is."""
        return len(data)


@pytest.fixture
def service(scene: Scene) -> Iterator[Open]:
    """The service, in a pool of eight threads of the controller."""
    opened = Open(scene.router)
    with Pool(scene.router, [opened], size=8):
        yield opened
        opened.gate.set()


def invent(scene: Scene, count: int) -> list[int]:
    """Have the hostile child make up so many children; return their ids."""
    scene.check_the_rest_is_well()
    first = scene.good.id + 1
    ids = list(range(first, first + count))
    scene.say([ALLOCATE_ID, RAW, b""], count=-(-count // BLOCK))
    scene.say(*[[ADD_ROUTE, PLAIN, encode(one), REPLY_HANDLE] for one in ids])
    return ids


def in_the_name_of(one: int, method: str, arguments: dict[str, Any], reply_to: int) -> list[Any]:
    """Return the frame of a call that a made-up child makes."""
    payload = pack_request(0, Open.name(), method, encode(arguments))
    return [CALL_SERVICE, PLAIN, payload, reply_to, one, one]


def test_prints_in_their_names_cost_bounded_memory(
    on_path: None, no_leaks: None, empty_home: object
) -> None:
    is_read = threading.Event()

    def sink(name: str, stream: str, line: bytes) -> None:
        is_read.wait(DEADLINE)

    with Router(output=sink) as router:
        scene = Scene(router)
        ids = invent(scene, 300)
        with memory_stays_below(INVENTED_LIMIT * 3 // 2):
            for one in ids:
                scene.evil.call_no_reply(
                    target("say"), [[STDIO, RAW, b"\x01" + bytes(120_000), 0, one, one]] * 2
                )
            handled = scene.evil.submit(target("settle"))
            wait([handled], DEADLINE)  # not for its result: that would wait for the prints
            held = router._output._inbox._invented
            assert INVENTED_LIMIT // 2 < held[scene.evil.id] <= INVENTED_LIMIT
        is_read.set()
        handled.result(DEADLINE)


def test_requests_in_their_names_are_one_queue_and_one_count(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    ids = invent(scene, 50)
    for _ in range(10):
        scene.say(*[[GET_MODULE, PLAIN, encode("vault"), 0, one, one] for one in ids])
    scene.module("vault")

    assert len(caplog.records) == LOG_LIMIT + 1


def test_answers_in_their_names_that_never_end_leave_room_for_those_of_others(
    scene: Scene,
) -> None:
    ids = invent(scene, 300)
    begun = first_fragment(1 << 20)
    for start in range(0, 300, 20):
        names = ids[start : start + 20]  # more than half of the room, if each had its own
        scene.say(*[[LOG, FRAGMENT, begun, 0, one, one] for one in names])

    reassembler = scene.router.switch._reassembler
    assert 0 < reassembler._reserved <= reassembler._budget // 2
    assert len(scene.good.call(bytes, 3 << 20)) == 3 << 20


def test_calls_in_their_names_count_as_its_own(scene: Scene, service: Open) -> None:
    ids = invent(scene, 20)
    scene.say(*[in_the_name_of(one, "wait", {}, 0) for one in ids for _ in range(100)])

    (account,) = scene.router.pool._desk._accounts.items()  # type: ignore[union-attr]
    assert (account[0], account[1][0]) == (scene.evil.id, CALLS_LIMIT)
    for _ in range(2):
        assert service.begun.acquire(timeout=DEADLINE)
    assert scene.router.myself.options(DEADLINE).call_service(Open, "take", data=b"xyz") == 3
    assert not service.begun.acquire(blocking=False), "two of eight threads are its share"


def test_arguments_in_their_names_are_weighed_as_its_own(scene: Scene, service: Open) -> None:
    scene.router.pool.resize(1)  # type: ignore[union-attr]
    scene.router.myself.submit_service(Open, "wait")
    assert service.begun.acquire(timeout=DEADLINE)
    with memory_stays_below(MEMORY):
        for one in invent(scene, 20):
            scene.say(in_the_name_of(one, "take", {"data": bytes(200_000)}, 0), count=20)
        accounts = scene.router.pool._desk._accounts  # type: ignore[union-attr]
        assert set(accounts) == {0, scene.evil.id}
        assert BYTES_LIMIT // 2 < accounts[scene.evil.id][1] <= BYTES_LIMIT
    scene.check_the_rest_is_well()
