"""A hostile child behind an honest relay: it wins nothing over that, and nothing past it."""

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from remotesvc import Context, Router
from remotesvc.core.authority import (
    ADD_ROUTE,
    ALLOCATE_ID,
    DEL_ROUTE,
    GET_MODULE,
    GET_RESOURCE,
    GIVE_IDS,
    LOG,
    OPEN_CHILD,
    PASS_MODULES,
    STDIO,
    TEND_CHILD,
)
from remotesvc.core.clerk import ANSWERS_LIMIT
from remotesvc.core.depot import pack_parcel
from remotesvc.core.finder import REFUSED
from remotesvc.core.questions import PAYLOAD
from remotesvc.core.shelf import File
from remotesvc.core.values import decode, encode
from remotesvc.core.wire import DEAD, PLAIN, RAW
from tests.integration.fake_child import REPLY_HANDLE
from tests.integration.hostile_scene import DEADLINE, FAKE, MEMORY, memory_stays_below, target
from tests.integration.lines import Lines
from tests.integration.sources import Sources, own_sources
from tests.integration.targets import hops
from tests.integration.waiting import wait_until

# What the memory of a relay may grow by in a flood: its answers, and what an allocator makes of
# that. Without a limit it would be eight times as much, for what is answered with a payload.
RELAY_KB = 3 * ANSWERS_LIMIT // 1024


class Family:
    """A relay with a hostile child and an honest one, and an uncle of theirs."""

    def __init__(self, router: Router) -> None:
        self.router = router
        self.relay = router.local("relay")
        self.evil = router.local("evil", via=self.relay, python_path=str(FAKE))
        self.good = router.local("good", via=self.relay)
        self.uncle = router.local("uncle")
        for one in (self.relay, self.good, self.uncle):
            one.call(hops.pid)

    def tell(self, name: str, *args: Any) -> Any:
        """Have the hostile one do something, and return what it answers."""
        return self.evil.options(DEADLINE).call(target(name), *args)

    def say(self, *frames: list[Any], count: int = 1) -> None:
        """Have it send frames; once this returns, all of them were handled by the relay."""
        self.evil.call_no_reply(target("say"), list(frames), count)
        self.tell("settle")

    def to(self, context: Context | int, handle: int, payload: bytes, **opts: Any) -> list[Any]:
        """Return a frame to a context, in any name."""
        dst = context if isinstance(context, int) else context.id
        src, auth = opts.get("src"), opts.get("auth")
        encoding = opts.get("encoding", PLAIN)
        return [handle, encoding, payload, opts.get("reply_to", 0), src, auth, dst]

    def flood(self, frame: list[Any], count: int) -> None:
        """Have it send a frame so often, reading nothing meanwhile; fail if that costs others."""
        before = self.relay.call(hops.peak_kb, True)
        with memory_stays_below(MEMORY):
            self.evil.call_no_reply(target("say"), [frame], count)
            self.check_the_rest_is_well()
            self.tell("settle")
            self.check_the_rest_is_well()
        assert self.relay.call(hops.peak_kb) - before < RELAY_KB

    def check_the_rest_is_well(self) -> None:
        """Fail if anybody else was disturbed."""
        for one in (self.relay, self.good, self.uncle):
            assert one.options(DEADLINE).call(hops.add, 1, 1) == 2
            assert one.connected


@pytest.fixture
def family(on_path: None, router: Router) -> Iterator[Family]:
    yield Family(router)


@pytest.mark.parametrize("name", ["relay", "good", "uncle", "controller"])
def test_forged_origin_is_dropped_at_the_relay(family: Family, lines: Lines, name: str) -> None:
    whom = 0 if name == "controller" else getattr(family, name).id
    text = b"\x01forged\n"
    frames = [
        family.to(dst, handle, payload, src=src, auth=auth, encoding=encoding)
        for dst in (0, family.relay, family.good)
        for handle, payload, encoding in (
            (STDIO, text, RAW),
            (LOG, encode("forged"), PLAIN),
            (DEL_ROUTE, encode(([family.good.id, family.relay.id], "forged")), PLAIN),
            (TEND_CHILD, encode((family.good.id, "kill", None)), PLAIN),
        )
        for src, auth in ((whom, whom), (None, whom), (whom, None))
    ]
    family.say(*frames, count=5)
    family.check_the_rest_is_well()
    assert not [one for one in lines.prints if b"forged" in one[2]]


def test_relay_logs_once_what_it_refuses(family: Family, caplog: pytest.LogCaptureFixture) -> None:
    evil, relay = family.evil.id, family.relay.id
    order = encode((77, encode(["os", "p", "w", 1.0, 0.0, {}, None, None, 0])))
    family.say(
        family.to(0, LOG, encode("x"), src=0),
        family.to(family.good, STDIO, b"\x01x", src=relay, encoding=RAW),
        family.to(family.relay, OPEN_CHILD, order, reply_to=REPLY_HANDLE),
        count=1000,
    )
    wait_until(lambda: len(caplog.messages) == 2)
    family.check_the_rest_is_well()
    assert {one.name for one in caplog.records} == {"remotesvc.host.relay"}
    assert sorted(caplog.messages) == [
        f"context {evil}: dropped what came in the name of the controller: "
        "src 0 does not lie behind this link",
        f"context {evil}: refused: OPEN_CHILD is for parents only: "
        f"context {evil} is none of context {relay}",
    ]


def test_orders_to_its_relay_and_its_sibling_are_refused(family: Family) -> None:
    order = encode((77, encode(["os", "p", "w", 1.0, 0.0, {}, None, None, 0])))
    parcel = pack_parcel(family.good.id, [("os", "module", "os.py", "1/0", None)])
    for whom in (family.relay, family.good, family.uncle, 0):
        family.say(
            family.to(whom, OPEN_CHILD, order, reply_to=REPLY_HANDLE),
            family.to(whom, TEND_CHILD, encode((family.good.id, "kill", None))),
            family.to(whom, PASS_MODULES, parcel, encoding=RAW),
            family.to(whom, GIVE_IDS, encode((family.uncle.id, 99, family.evil.id, True))),
        )
    answers = [decode(one[2])[0] for one in family.tell("heard") if one[0] == REPLY_HANDLE]
    assert answers == ["refused"] * 4
    family.check_the_rest_is_well()


def test_flood_of_claims_moves_nobody(family: Family) -> None:
    before = family.relay.call(hops.routes)
    claims = [family.relay.id, family.good.id, family.uncle.id, 0, 4711, 1 << 31]
    family.say(*[family.to(family.relay, ADD_ROUTE, encode(one)) for one in claims], count=2000)
    family.say(*[family.to(0, ADD_ROUTE, encode(one)) for one in claims], count=2000)
    assert family.relay.call(hops.routes) == before
    family.check_the_rest_is_well()


def test_drain_of_ids_leaves_some_for_others_behind_the_same_relay(family: Family) -> None:
    ids = family.router._roster._take_id.__self__  # type: ignore[attr-defined]
    ids._next = (1 << 32) - 256 * 16 * 64 * 4
    family.say(family.to(0, ALLOCATE_ID, b"", reply_to=REPLY_HANDLE, encoding=RAW), count=300)
    kinds = [one[1] for one in family.tell("heard") if one[0] == REPLY_HANDLE]
    assert 0 < kinds.count(PLAIN) <= 4 < kinds.count(DEAD)
    assert family.good.call(hops.in_child, "add", 1, 2) == 3
    assert family.relay.call(hops.in_child, "add", 1, 2) == 3


KEY = "the text of a file\n" * 2000


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[Sources]:
    """A package with a module, whose function every fake child has, and a file."""
    with own_sources(tmp_path / "src") as own:
        own.write({"vault/__init__.py": "", "vault/key.txt": KEY})
        own.write({"vault/door.py": "def settle():\n    pass\n"})
        yield own


def test_what_its_relay_keeps_for_others_is_given_to_it_on_no_question(
    family: Family, vault: Sources
) -> None:
    place, stamp = ("vault", "key.txt"), File(RAW, KEY.encode()).stamp
    family.good.call(vault.get("vault.door", "settle"))
    assert family.good.call(hops.read_resource, *place) == KEY.encode()

    own, good, relay = family.evil.id, family.good.id, family.relay.id
    for whom in (own, good, relay, family.uncle.id, 0):
        for is_whole in (False, True):
            asked = encode(("vault.door", whom, is_whole))
            encoding, payload = family.tell("ask", GET_MODULE, asked)
            if whom in (own, 0):
                assert decode(zlib.decompress(payload))[0][1] == REFUSED
            else:
                assert encoding == DEAD
        for has in (0, stamp, 1):
            encoding, payload = family.tell("ask", GET_RESOURCE, encode((place, whom, has)))
            assert (encoding, decode(payload)[0]) in ((DEAD, "refused"), (DEAD, "protocol"))
    family.check_the_rest_is_well()


@pytest.mark.parametrize(
    "kind", ["granted", "unknown", "resource", "payload", "file", "same file"]
)
def test_flood_of_requests_costs_the_relay_little_and_the_controller_less(
    family: Family, vault: Sources, kind: str
) -> None:
    name = hops.__name__
    place = ("vault", "key.txt")
    question: Any = {
        "granted": name,
        "unknown": "x.y",
        "resource": (name, "x"),
        "payload": PAYLOAD,
        "file": place,
        "same file": (place, 0, File(RAW, KEY.encode()).stamp),
    }
    family.evil.call(vault.get("vault.door", "settle"))
    handle = GET_MODULE if kind in ("granted", "unknown") else GET_RESOURCE
    if "file" in kind:
        assert family.tell("ask", handle, encode(place)) == (RAW, KEY.encode())
    frame = family.to(family.relay, handle, encode(question[kind]), reply_to=REPLY_HANDLE)

    family.flood(frame, 20_000)


def test_who_neither_reads_nor_stops_talking_is_alone_with_it(family: Family) -> None:
    # What nobody is there to take is refused to one who does not read that. The memory of the
    # relay grows by 1 KB with each: there is no limit to see here, and so not more of them.
    frame = family.to(4711, STDIO, bytes(1000), reply_to=REPLY_HANDLE, encoding=RAW)
    family.flood(frame, 15_000)
