"""A child, or a parent, that breaks the rules of services gets nothing, and nobody else loses."""

import threading
from typing import Any

import pytest

from remotesvc import Context, RemoteError, Router
from remotesvc.core.authority import CALL_SERVICE
from remotesvc.core.pending import Pending
from remotesvc.core.values import SENDER, decode, encode
from remotesvc.core.visible import visible
from remotesvc.core.wire import DEAD, ERROR, PICKLE, PLAIN, RAW
from remotesvc.service import (
    AllowAny,
    Call,
    DeduplicatingInvoker,
    Pool,
    SerializedInvoker,
    Service,
    expose,
)
from remotesvc.service.admission import BYTES_LIMIT, CALLS_LIMIT
from remotesvc.service.catalog import CATALOG
from remotesvc.service.request import ACTIVATE, HEAD, NAME_LIMIT, pack_cancel, pack_request
from tests.core.bombs import BOMBS, names_below
from tests.integration.fake_parent import FakeParent
from tests.integration.hostile_scene import (
    DEADLINE,
    MEMORY,
    POISON,
    Scene,
    memory_stays_below,
    target,
)

REPLY = 4711


class Open(Service):
    """Is open to everybody."""

    def __init__(self, router: Any) -> None:
        super().__init__(router)
        self.gate = threading.Event()
        self.begun = threading.Semaphore(0)
        self.ran: list[Any] = []

    @expose(policy=AllowAny())
    def note(self, value: Any = None) -> Any:
        """Note that it ran."""
        self.ran.append(value)
        return "ran"

    @expose(policy=AllowAny())
    def wait(self, call: Call) -> str:
        """Wait for the test."""
        self.begun.release()
        while not self.gate.wait(0.001):
            pass
        return f"over, {call.cancelled}"

    @expose(policy=AllowAny())
    def fail(self) -> None:
        """Raise what has more to tell than a stranger should hear."""
        secret = "the secret"
        try:
            raise OSError(2, secret, "/etc/secret")
        except OSError as error:
            raise LookupError("no such thing") from error

    @expose(policy=AllowAny())
    def large(self) -> bytes:
        """Return 1 MB."""
        return bytes(1_000_000)

    @expose(policy=AllowAny())
    def values(self) -> Any:
        """Yield without an end."""
        while True:
            yield bytes(10_000)

    @expose(policy=AllowAny())
    def values_of(self, value: bytes) -> Any:
        """Yield what was given."""
        yield value

    def hidden(self) -> None:
        """Be called by nobody."""
        self.ran.append("hidden")


NAME = Open.name()


@pytest.fixture
def service(scene: Scene) -> Any:
    """The service, in a pool of four threads of the controller."""
    opened = Open(scene.router)
    with Pool(scene.router, [opened], size=4):
        yield opened
        opened.gate.set()


def request(method: str, payload: bytes = encode({}), service: str = NAME) -> bytes:
    """Return the payload of a call."""
    return pack_request(ACTIVATE, service, method, payload)


def answers(scene: Scene, handle: int = REPLY) -> list[tuple[int, Any]]:
    """Return encoding and value of what the hostile child was answered, once something came."""
    while not (heard := scene.heard(handle)):
        scene.check_the_rest_is_well()
    return [(encoding, decode(payload)) for encoding, payload in heard]


# -- garbage -------------------------------------------------------------------------------------

GARBAGE: dict[str, bytes] = {
    "nothing": b"",
    "half a head": HEAD.pack(0, 1, 1)[:3],
    "names beyond the end": HEAD.pack(0, 65535, 65535) + b"x",
    "names of 65,535 bytes": HEAD.pack(0, 65535, 65535) + b"x" * 131_070 + encode({}),
    "a name one too long": HEAD.pack(0, NAME_LIMIT + 1, 1) + b"x" * (NAME_LIMIT + 2) + b"\x80",
    "no arguments": HEAD.pack(0, 1, 1) + b"xy",
    "no UTF-8": HEAD.pack(0, 2, 2) + b"\xff\xfe\xff\xfe" + b"\x80",
    "arguments that are a list": request("note", encode([1])),
    "arguments that are a number": request("note", encode(7)),
    "arguments with other keys": request("note", encode({1: 2})),
    "two values": request("note", encode({}) * 2),
    "half a value": request("note", encode({"value": 1})[:-1]),
}


@pytest.mark.parametrize("name", GARBAGE)
def test_garbage_as_a_call_is_refused_as_a_breach_of_protocol(
    scene: Scene, service: Open, name: str
) -> None:
    scene.say([CALL_SERVICE, PLAIN, GARBAGE[name], REPLY])

    ((encoding, (code, _)),) = answers(scene)
    assert (encoding, code) == (DEAD, "protocol")
    assert service.ran == []


@pytest.mark.parametrize("encoding", [PICKLE, ERROR, 0x7F])
def test_arguments_in_another_encoding_are_not_looked_at(
    scene: Scene, service: Open, encoding: int
) -> None:
    scene.say([CALL_SERVICE, encoding, request("note", b"cos\nsystem\n"), REPLY])

    ((told, (code, text)),) = answers(scene)
    assert (told, code, text) == (DEAD, "protocol", "arguments of a service are plain values")


def test_arguments_that_are_a_bomb_are_refused_on_a_thread_of_the_pool(
    scene: Scene, service: Open
) -> None:
    bombs = [(name, BOMBS[name]) for name in names_below(200_000)]
    for number, (name, bomb) in enumerate(bombs):
        scene.say([CALL_SERVICE, PLAIN, request("note", bomb), REPLY + number])

        ((encoding, (code, _)),) = answers(scene, REPLY + number)
        assert (encoding, code) == (DEAD, "protocol"), name
    assert service.ran == []


def test_arguments_may_refer_to_nobody_else(scene: Scene, service: Open) -> None:
    class Lent:
        def __wire__(self) -> tuple[int, tuple[Any, ...]]:
            return SENDER, (scene.good.id, 300, bytes(16), 4096)

    scene.say([CALL_SERVICE, PLAIN, request("note", encode({"value": Lent()})), REPLY])
    ((encoding, (code, text)),) = answers(scene)
    assert (encoding, code) == (DEAD, "protocol")
    assert "not context" in text
    assert service.ran == []


@pytest.mark.parametrize("method", ["hidden", "gate", "__init__", "", "on_shutdown", POISON[:4]])
def test_what_is_not_exposed_is_refused_and_what_is_exposed_is_not_listed(
    scene: Scene, service: Open, method: str
) -> None:
    scene.say([CALL_SERVICE, PLAIN, request(method), REPLY])

    ((encoding, (code, text)),) = answers(scene)
    assert (encoding, code) == (DEAD, "refused")
    assert "exposed are" not in text
    assert service.ran == []


def test_names_with_control_characters_are_harmless_in_the_log(
    scene: Scene, service: Open, caplog: pytest.LogCaptureFixture
) -> None:
    name = POISON.replace("\ud800", "")
    scene.say([CALL_SERVICE, PLAIN, request(name, service=name), REPLY])

    ((encoding, _),) = answers(scene)
    assert encoding == DEAD
    assert caplog.messages
    assert all(one == visible(one) for one in caplog.messages)


# -- what it may not do --------------------------------------------------------------------------


def test_exception_tells_a_stranger_its_type_and_text_and_no_more(
    scene: Scene, service: Open
) -> None:
    scene.say([CALL_SERVICE, PLAIN, request("fail"), REPLY])

    ((encoding, record),) = answers(scene)
    assert encoding == ERROR
    assert "no such thing" in repr(record)
    assert "secret" not in repr(record)
    assert "test_services_hostile" not in repr(record)
    assert ".py" not in repr(record)


def test_failure_of_a_shared_run_tells_a_stranger_no_more_than_that(
    scene: Scene, service: Open
) -> None:
    class Shared(Open):
        invoker_class = DeduplicatingInvoker

        @expose(policy=AllowAny())
        def fail(self) -> None:
            """Wait, and raise."""
            self.begun.release()
            self.gate.wait(DEADLINE)
            raise LookupError("no such thing")

        @classmethod
        def name(cls) -> str:
            return "shared"

    pool = scene.router.pool
    assert pool is not None
    shared = Shared(scene.router)
    pool.add(shared)
    ours = scene.router.myself.submit_service("shared", "fail")
    assert shared.begun.acquire(timeout=DEADLINE)
    scene.say([CALL_SERVICE, PLAIN, request("fail", service="shared"), REPLY])
    while len(pool.invokers()["shared"]._pending[("fail", b"d;")]) < 2:  # type: ignore[attr-defined]
        scene.check_the_rest_is_well()
    shared.gate.set()

    error = ours.exception(DEADLINE)
    assert isinstance(error, RemoteError)
    assert "raise LookupError" in error.traceback
    ((encoding, record),) = answers(scene)
    assert encoding == ERROR
    assert ".py" not in repr(record)


def test_cancel_of_a_call_that_is_not_its_own_cancels_nothing(scene: Scene, service: Open) -> None:
    own = scene.router.myself.submit_service(NAME, "wait")
    assert service.begun.acquire(timeout=DEADLINE)
    scene.say(*[[CALL_SERVICE, RAW, pack_cancel(handle)] for handle in range(250, 400)])
    scene.say(*[[CALL_SERVICE, RAW, garbage] for garbage in (b"", b"x", b"xxxxx", bytes(8))])
    service.gate.set()

    assert own.result(DEADLINE) == "over, False"
    assert scene.router.pool is not None
    assert scene.router.pool._desk._early == {}, "cancels of strangers are not remembered"


def test_stream_belongs_to_who_asked_for_it_and_the_catalog_to_parents(
    scene: Scene, service: Open, caplog: pytest.LogCaptureFixture
) -> None:
    stream = scene.router.myself.call_service(NAME, "values")
    for number in range(4):
        arguments = encode({"number": number, "sender": _Sender(scene.evil.id)})
        payload = request("open_stream", arguments, CATALOG)
        scene.say([CALL_SERVICE, PLAIN, payload, REPLY + number])
        ((encoding, (code, text)),) = answers(scene, REPLY + number)
        assert (encoding, code) == (DEAD, "refused")
        assert "there is no stream" in text
    assert next(stream)
    stream.close()
    for number, method in enumerate(("services", "resize"), 9):
        payload = request(method, service=CATALOG)
        scene.say([CALL_SERVICE, PLAIN, payload, REPLY + number])
        while not (told := answers(scene, REPLY + number)):
            scene.check_the_rest_is_well()
        ((_, (_, text)),) = told
        assert "by its policy AllowParents" in text
    assert [one for one in caplog.messages if "LOAD_MODULE" in one] == []


class _Sender:
    """Encodes as a Sender to the hostile child itself."""

    def __init__(self, home: int, window: int = 1 << 20) -> None:
        self._home = home
        self._window = window

    def __wire__(self) -> tuple[int, tuple[Any, ...]]:
        return SENDER, (self._home, 300, bytes(16), self._window)


# -- floods --------------------------------------------------------------------------------------


def test_flood_of_calls_is_counted_and_the_controller_serves_itself(
    scene: Scene, service: Open, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(4):  # all threads of the pool
        scene.router.myself.submit_service(NAME, "wait")
        assert service.begun.acquire(timeout=DEADLINE)
    with memory_stays_below(MEMORY):
        scene.say([CALL_SERVICE, PLAIN, request("note"), 0], count=20_000)
        desk = scene.router.pool._desk  # type: ignore[union-attr]
        assert desk._accounts[scene.evil.id][0] == CALLS_LIMIT
    scene.check_the_rest_is_well()
    assert len([one for one in caplog.messages if "calls of yours" in one]) == 1
    service.gate.set()
    while desk._accounts:
        scene.check_the_rest_is_well()
    assert len(service.ran) == CALLS_LIMIT


def test_flood_of_large_arguments_is_weighed(scene: Scene, service: Open) -> None:
    for _ in range(4):
        scene.router.myself.submit_service(NAME, "wait")
        assert service.begun.acquire(timeout=DEADLINE)
    large = request("note", encode({"value": bytes(200_000)}))
    with memory_stays_below(MEMORY):
        scene.say([CALL_SERVICE, PLAIN, large, 0], count=500)
        calls, size = scene.router.pool._desk._accounts[scene.evil.id]  # type: ignore[union-attr]
        assert (calls, size <= BYTES_LIMIT) == (BYTES_LIMIT // 200_010, True)
        scene.say([CALL_SERVICE, PLAIN, large, REPLY])
    ((encoding, (code, _)),) = answers(scene)
    assert (encoding, code) == (DEAD, "refused")


def test_calls_whose_reply_handles_are_all_the_same_are_refused_but_one(
    scene: Scene, service: Open
) -> None:
    scene.say([CALL_SERVICE, PLAIN, request("wait"), REPLY], count=300)
    told = answers(scene)
    assert {(encoding, value[0]) for encoding, value in told} == {(DEAD, "protocol")}
    assert len(told) == 299
    service.gate.set()
    desk = scene.router.pool._desk  # type: ignore[union-attr]
    while desk._accounts or desk._calls:
        scene.check_the_rest_is_well()


def test_calls_of_one_child_leave_threads_to_others(scene: Scene, service: Open) -> None:
    scene.say([CALL_SERVICE, PLAIN, request("wait"), 0], count=20)
    assert service.begun.acquire(timeout=DEADLINE)
    assert scene.router.myself.options(DEADLINE).call_service(NAME, "note") == "ran"
    assert not service.begun.acquire(blocking=False), "one of four threads is its share"


def test_calls_without_a_reply_end_with_the_child(scene: Scene, service: Open) -> None:
    scene.say([CALL_SERVICE, PLAIN, request("wait"), 0], count=20)
    assert service.begun.acquire(timeout=DEADLINE)
    desk = scene.router.pool._desk  # type: ignore[union-attr]
    scene.evil.kill()
    while desk._accounts or desk._calls:
        scene.check_the_rest_is_well()


def test_streams_that_are_not_opened_count_with_their_arguments(
    scene: Scene, service: Open
) -> None:
    large = request("values_of", encode({"value": bytes(900_000)}))
    with memory_stays_below(MEMORY):
        for handle in range(REPLY, REPLY + 30):
            scene.say([CALL_SERVICE, PLAIN, large, handle])
            while not scene.heard(handle):
                scene.check_the_rest_is_well()
    desk = scene.router.pool._desk  # type: ignore[union-attr]
    assert desk._accounts[scene.evil.id][0] == BYTES_LIMIT // 900_020
    assert {encoding for encoding, _ in answers(scene, REPLY + 29)} == {DEAD}


def test_stream_of_a_serialised_service_that_is_not_read_leaves_the_turn_to_others(
    scene: Scene, service: Open
) -> None:
    class Serial(Open):
        invoker_class = SerializedInvoker

        @classmethod
        def name(cls) -> str:
            return "serial"

    pool = scene.router.pool
    assert pool is not None
    pool.add(Serial(scene.router))
    scene.say([CALL_SERVICE, PLAIN, request("values", service="serial"), REPLY])
    while not (heard := scene.heard(REPLY)):
        scene.check_the_rest_is_well()
    number = int.from_bytes(heard[0][1], "big")
    arguments = encode({"number": number, "sender": _Sender(scene.evil.id, 30_000)})
    scene.say([CALL_SERVICE, PLAIN, request("open_stream", arguments, CATALOG), REPLY + 1])
    while not scene.heard(300):
        scene.check_the_rest_is_well()

    assert scene.router.myself.options(DEADLINE).call_service("serial", "note") == "ran"


def test_share_of_a_run_that_is_cancelled_is_not_the_run(scene: Scene, service: Open) -> None:
    class Shared(Open):
        invoker_class = DeduplicatingInvoker

        @classmethod
        def name(cls) -> str:
            return "shared"

    pool = scene.router.pool
    assert pool is not None
    shared = Shared(scene.router)
    pool.add(shared)
    scene.say([CALL_SERVICE, PLAIN, request("wait", service="shared"), REPLY])
    assert shared.begun.acquire(timeout=DEADLINE)
    ours = scene.router.myself.submit_service("shared", "wait")
    while len(pool.invokers()["shared"]._pending[("wait", b"d;")]) < 2:  # type: ignore[attr-defined]
        scene.check_the_rest_is_well()
    scene.say([CALL_SERVICE, RAW, pack_cancel(REPLY)])
    shared.gate.set()

    assert ours.result(DEADLINE) == "over, False"


def test_replies_that_it_never_reads_are_dropped_and_the_others_get_theirs(
    scene: Scene, service: Open
) -> None:
    payload = request("large")
    scene.evil.call_no_reply(target("say"), [[CALL_SERVICE, PLAIN, payload, REPLY]], 400)
    scene.evil.call_no_reply(target("deafen"))

    assert scene.good.options(DEADLINE).call(abs, -1) == 1
    assert scene.router.myself.options(DEADLINE).call_service(NAME, "note") == "ran"
    desk = scene.router.pool._desk  # type: ignore[union-attr]
    while desk._accounts:
        scene.check_the_rest_is_well()


# -- garbage from above --------------------------------------------------------------------------


def test_garbage_of_a_parent_is_refused_and_the_child_lives() -> None:
    with FakeParent() as parent:
        parent.greet()
        for garbage in (*GARBAGE.values(), *BOMBS.values()):
            if len(garbage) < 200_000:
                answer = parent.ask(CALL_SERVICE, garbage)
                assert (answer.encoding, decode(answer.payload)) == (
                    DEAD,
                    ("refused", "no services are started here"),
                )
        parent.say(CALL_SERVICE, b"garbage", RAW)
        assert decode(parent.call("operator", "neg", 4).payload) == -4


@pytest.mark.parametrize("name", GARBAGE)
def test_garbage_of_a_parent_to_a_pool_is_refused_and_the_pool_lives(
    router: Router, child: Context, name: str
) -> None:
    assert child.services() == []
    switch = router.switch
    pending = Pending(child.id)
    switch.send(child.id, CALL_SERVICE, PLAIN, GARBAGE[name], switch.listen(pending))
    reply = pending.wait(DEADLINE)
    assert reply.encoding in (DEAD, ERROR)
    switch.send(child.id, CALL_SERVICE, RAW, GARBAGE[name][:300])
    assert child.services() == []
