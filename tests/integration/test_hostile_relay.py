"""A hostile relay: what it claims, asks for and tells of contexts in it, and of all others."""

import importlib
import pickle
import zlib
from pathlib import Path
from typing import Any

import pytest

from remotesvc import Context, DisconnectedError, Error, ProtocolError, RefusedError
from remotesvc.connect.order import describe_error
from remotesvc.connect.typist import QUESTIONS_LIMIT
from remotesvc.core.authority import (
    ADD_ROUTE,
    ALLOCATE_ID,
    DEL_ROUTE,
    GET_MODULE,
    GET_RESOURCE,
    GIVE_IDS,
    LOAD_MODULE,
    OPEN_CHILD,
    PASS_MODULES,
    TEND_CHILD,
)
from remotesvc.core.depot import pack_parcel
from remotesvc.core.finder import REFUSED
from remotesvc.core.shelf import SAME, File
from remotesvc.core.values import CONTEXT, decode, encode
from remotesvc.core.wire import DEAD, PICKLE, PLAIN, RAW, VERSION
from tests.core.value_shapes import Live
from tests.integration.fake_child import REPLY_HANDLE
from tests.integration.hostile_scene import (
    DEADLINE,
    FAKE,
    MEMORY,
    POISON,
    Scene,
    memory_stays_below,
    target,
)
from tests.integration.sources import own_sources
from tests.integration.targets import hops
from tests.integration.waiting import wait_until

NOBODY = 4_000_000_000

FACTS = (VERSION, (3, 11, 0), "/bin/fake", 4711, "fake", "Fake-1", 0)


def reports(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what was logged about links."""
    return [one.getMessage() for one in caplog.records if one.name == "remotesvc"]


def handle_of(hop: Context) -> int:
    """Return where a relay is to tell of a context that was ordered of it."""
    connection: Any = hop._connection
    return int(connection._handle)


def event(hop: Context, verb: Any, told: Any = None) -> list[Any]:
    """Return the frame by which a relay tells something."""
    return [handle_of(hop), PLAIN, encode((verb, told))]


class Bomb:
    """Writes a file where it is unpickled."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return (open, (self.path, "w"))


@pytest.fixture
def hop(scene: Scene) -> Context:
    """A context that is to be opened in the hostile child, which knows its number."""
    return scene.router.exec(["true"], via=scene.evil, name="hop")


# -- who is where --------------------------------------------------------------------------------


def test_relay_claims_no_id_but_its_own_ones(
    scene: Scene, hop: Context, caplog: pytest.LogCaptureFixture
) -> None:
    below = scene.good.call(hops.open_local)  # and so the good one has a block
    routes = dict(scene.router.switch.routes)
    claimed = [0, scene.evil.id, scene.good.id, hop.id, below.id, below.id + 1, NOBODY]

    scene.say(*[[ADD_ROUTE, PLAIN, encode(one), REPLY_HANDLE] for one in claimed], count=5)

    assert scene.router.switch.routes == routes
    answers = scene.heard(REPLY_HANDLE)
    assert len(answers) == 5 * len(claimed) and {one[0] for one in answers} == {DEAD}
    assert len(reports(caplog)) == 1
    assert below.call(hops.add, 1, 1) == 2


def test_relay_that_takes_ids_and_claims_them_is_limited(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    reach = importlib.import_module("remotesvc.core.reach")
    monkeypatch.setattr(reach, "CLAIMS_LIMIT", 100)
    with memory_stays_below(MEMORY):
        first = last = 0
        for _ in range(20):
            _, payload = scene.tell("ask", ALLOCATE_ID, b"")
            first, last = decode(payload)
            scene.say(*[[ADD_ROUTE, PLAIN, encode(one)] for one in range(first, last)])
    switch = scene.router.switch
    assert len(switch.routes[scene.evil.id].reach) == 1 + 100
    # Gone is gone: they do not come back.
    scene.say([DEL_ROUTE, PLAIN, encode((list(range(1, last)), "gone"))])
    scene.say(*[[ADD_ROUTE, PLAIN, encode(one)] for one in range(1, last - 256)])
    assert len(switch.routes[scene.evil.id].reach) == 1
    assert scene.good.call(hops.in_child, "add", 1, 2) == 3


def test_drain_of_the_ids_leaves_some_for_the_others(scene: Scene) -> None:
    switch = scene.router.switch
    ids = scene.router._roster._take_id.__self__  # type: ignore[attr-defined]
    ids._next = (1 << 32) - 256 * 16 * 64 * 8
    with memory_stays_below(MEMORY):
        scene.say([ALLOCATE_ID, RAW, b"", REPLY_HANDLE], count=500)
    kinds = [encoding for encoding, _ in scene.heard(REPLY_HANDLE)]
    assert 0 < kinds.count(PLAIN) <= 8 and kinds.count(DEAD) == 500 - kinds.count(PLAIN)
    assert scene.good.call(hops.in_child, "add", 1, 2) == 3
    assert switch.relay is not None and len(switch.relay.routes._given) < 1000


def test_relay_ends_no_context_of_others(scene: Scene, hop: Context) -> None:
    below = scene.good.call(hops.open_local)
    told = [0, scene.evil.id, scene.good.id, below.id, NOBODY]
    payload = encode((told, POISON))
    scene.say([DEL_ROUTE, PLAIN, payload], count=10)
    assert scene.evil.connected and hop.connected
    assert below.call(hops.add, 1, 1) == 2
    # Its own one it may.
    scene.say([DEL_ROUTE, PLAIN, encode(([hop.id], POISON))])
    with pytest.raises(DisconnectedError) as caught:
        hop.call(hops.pid)
    assert not set(str(caught.value)) & {"\x1b", "\x07", "\u202e", "\n"}


# -- modules -------------------------------------------------------------------------------------


def test_relay_gets_modules_of_others_neither_for_them_nor_for_those_behind_it(
    scene: Scene, hop: Context
) -> None:
    assert scene.good.call(hops.add, 1, 1) == 2  # that one has the module
    name = hops.__name__

    for whom in (scene.good.id, 0, NOBODY, -1):
        encoding, payload = scene.tell("ask", GET_MODULE, encode((name, whom, True)))
        if whom == 0:  # it asks for itself
            records: Any = decode(zlib.decompress(payload))
            assert records[0][:2] == (name, REFUSED)
        else:
            assert (encoding, decode(payload)[0]) == (DEAD, "refused")

    encoding, payload = scene.tell("ask", GET_MODULE, encode((name, hop.id, True)))
    records = decode(zlib.decompress(payload))
    assert encoding == RAW and records[0][:2] == (name, REFUSED)
    scene.check_the_rest_is_well()


def test_relay_learns_of_files_neither_by_the_name_of_others_nor_by_a_stamp(
    scene: Scene, hop: Context, tmp_path: Path
) -> None:
    place, stamp = ("vault", "key.txt"), File(RAW, b"key").stamp
    with own_sources(tmp_path / "src") as own:
        own.write({"vault/__init__.py": "", "vault/key.txt": b"key"})
        own.write({"vault/door.py": "def settle():\n    pass\n"})
        scene.good.call(own.get("vault.door", "settle"))
        assert scene.good.call(hops.read_resource, *place) == b"key"

        for whom in (scene.good.id, hop.id, 0, NOBODY):
            for has in (0, stamp, 1):
                encoding, payload = scene.tell("ask", GET_RESOURCE, encode((place, whom, has)))
                assert (encoding, decode(payload)[0]) == (DEAD, "refused")

        # What it was granted, it may have in few words.
        scene.evil.call(own.get("vault.door", "settle"))
        for has, answer in ((0, (RAW, b"key")), (stamp, (PLAIN, SAME)), (1, (RAW, b"key"))):
            assert scene.tell("ask", GET_RESOURCE, encode((place, 0, has))) == answer
    scene.check_the_rest_is_well()


# -- commands ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("handle", "payload"),
    [
        (OPEN_CHILD, encode((77, encode(["os", "p", "w", 1.0, 0.0, {}, None, None, 0])))),
        (TEND_CHILD, encode((1, "kill", None))),
        (PASS_MODULES, pack_parcel(2, [("app", "module", "app.py", "1/0", None)])),
        (GIVE_IDS, encode((2, 3, 1, True))),
        (LOAD_MODULE, zlib.compress(encode([("app", "module", "app.py", "1/0", None)]))),
    ],
    ids=["OPEN_CHILD", "TEND_CHILD", "PASS_MODULES", "GIVE_IDS", "LOAD_MODULE"],
)
def test_orders_go_down_only(
    scene: Scene, handle: int, payload: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    routes = dict(scene.router.switch.routes)
    encoding = RAW if handle in (PASS_MODULES, LOAD_MODULE) else PLAIN

    for dst in (0, scene.good.id):
        scene.say([handle, encoding, payload, REPLY_HANDLE, None, None, dst], count=5)

    answers = scene.heard(REPLY_HANDLE)
    assert [decode(one)[0] for _, one in answers] == ["refused"] * 10
    assert scene.router.switch.routes == routes
    assert len(reports(caplog)) == 1
    scene.check_the_rest_is_well()


# -- events --------------------------------------------------------------------------------------


def test_event_for_an_order_that_another_one_got_is_dropped(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    other = scene.router.exec(["sh", "-c", "sleep 600; {line}"], via=scene.good)
    scene.say(event(other, "ready", FACTS), event(other, "gone"), count=10)
    assert not other.is_ready and other.connected
    assert len(reports(caplog)) == 1 and "answers a call that was made to" in caplog.text
    other.kill()


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xc1",
        encode(None),
        encode(("ready", None)),
        encode(("ready", (VERSION, (3, 11, 0), "x" * 100_000, 1, "h", "p", 0))),
        encode(("lost", ("MemoryError", "x", None, None, None, "", ""))),
        encode(("ask", [POISON])),
        encode([[[[]]]] * 1000),
    ],
    ids=lambda payload: repr(payload[:20]),
)
def test_garbage_as_an_event_ends_that_context_only(
    scene: Scene, hop: Context, payload: bytes
) -> None:
    scene.say([handle_of(hop), PLAIN, payload], count=3)
    with pytest.raises(ProtocolError, match="what evil tells of it makes no sense"):
        hop.wait_until_ready()
    assert scene.evil.connected
    scene.check_the_rest_is_well()


def test_flood_of_events_changes_nothing_and_is_not_kept(scene: Scene, hop: Context) -> None:
    lost = describe_error(DisconnectedError("x" * 4000, "y" * 4000))
    with memory_stays_below(MEMORY):
        scene.say(event(hop, "ready", FACTS))
        scene.say(event(hop, "ready", (*FACTS[:4], "other", *FACTS[5:])), count=5000)
        scene.say(event(hop, "lost", lost), count=500)
        scene.say(event(hop, "gone"), count=20_000)
    assert hop._connection is not None and hop._connection.info is not None
    assert hop._connection.info.hostname == "fake"
    with pytest.raises(DisconnectedError):
        hop.call(hops.pid)
    scene.check_the_rest_is_well()


def test_facts_are_made_visible_and_flood_of_questions_is_not_asked(scene: Scene) -> None:
    asked: list[Any] = []

    def prompts(title: str, text: str, questions: Any) -> list[str]:
        asked.append(questions[0][0])
        return ["answer"]

    router = scene.router
    hop = router.sudo(via=scene.evil, prompts=prompts)
    with memory_stays_below(MEMORY):
        scene.say(event(hop, "ask", POISON), count=20_000)
    with pytest.raises(ProtocolError, match="evil asks too much"):
        hop.call(hops.pid)
    wait_until(lambda: len(asked) == QUESTIONS_LIMIT)
    assert not set("".join(asked)) & {"\x1b", "\x07", "\u202e", "\n"}

    other = router.exec(["true"], via=scene.evil)
    scene.say(event(other, "ready", (VERSION, (3, 11, 0), POISON, 1, POISON, POISON, 0)))
    info = other.wait_until_ready()
    for text in (info.executable, info.hostname, info.platform):
        assert not set(text) & {"\x1b", "\x07", "\u202e", "\n"}
    scene.check_the_rest_is_well()


def test_relay_that_tells_nothing_is_given_up_at_the_deadline(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.import_module("remotesvc.connect.hop"), "SLACK", 0.1)
    hop = scene.router.exec(["true"], via=scene.evil, connect_timeout=0.2)
    with pytest.raises(Error, match="evil told nothing of it"):
        hop.wait_until_ready()
    scene.check_the_rest_is_well()


# -- answers and references ----------------------------------------------------------------------


def test_relay_answers_for_those_behind_it_and_for_nobody_else(scene: Scene, hop: Context) -> None:
    running = scene.good.submit(hops.sleep_long)
    handle = running.handle
    dead = encode(("disconnected", "it is gone"))
    for src in (None, scene.good.id, 0, hop.id):
        scene.say([handle, DEAD, dead, 0, src], [handle, PLAIN, encode(1), 0, src])
    assert not running.done()
    running.cancel()

    behind = hop.submit(target("settle"))
    scene.say([behind.handle, PLAIN, encode(7), 0, hop.id])
    assert behind.result(DEADLINE) == 7  # it is at its mercy


@pytest.mark.parametrize("opened_with", ["plain", "pickle"])
def test_plain_relay_answers_with_no_pickle_in_any_name(
    scene: Scene, opened_with: str, tmp_path: Path
) -> None:
    evil, router = scene.evil, scene.router
    if opened_with == "pickle":  # that trusts the relay with everything, and those behind it not
        evil = router.local("evil2", python_path=str(FAKE), results="pickle")
    hop = router.exec(["true"], via=evil, name="hop")
    witness = tmp_path / "ran"
    bomb = pickle.dumps(Bomb(str(witness)), 4)

    with pytest.raises(RefusedError, match="hop does not take pickled results"):
        hop.options(results="pickle").call(target("settle"))

    running = [hop.submit(target("settle"))]
    evil.call_no_reply(target("say"), [[running[0].handle, PICKLE, bomb, 0, hop.id]], 1)
    if opened_with == "plain":
        running.append(evil.submit(target("say"), [[None, PICKLE, bomb]]))
    for one in running:
        with pytest.raises(ProtocolError, match="a pickle, which this call did not ask for"):
            one.result(DEADLINE)
    assert not witness.exists()
    scene.check_the_rest_is_well()


@pytest.mark.parametrize("name", ["good", "controller", "nobody"])
def test_relay_gives_no_context_that_is_not_behind_it(
    scene: Scene, hop: Context, name: str
) -> None:
    named = {"good": scene.good.id, "controller": 0, "nobody": NOBODY}[name]

    with pytest.raises(ProtocolError):
        scene.evil.options(DEADLINE).call(
            target("say"), [[None, PLAIN, encode(Live(CONTEXT, (named, "x")))]]
        )

    given = scene.evil.options(DEADLINE).call(
        target("say"), [[None, PLAIN, encode(Live(CONTEXT, (hop.id, "x")))]]
    )
    assert given == hop and given.auth == scene.evil.id
    scene.check_the_rest_is_well()
