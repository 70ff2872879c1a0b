"""What crosses the links to contexts behind contexts: nothing twice, and no flight too many."""

import random
import shutil
import sys
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from remotesvc import Context, Router
from remotesvc.bootstrap.payload import build
from remotesvc.core.authority import FIRST_DYNAMIC, LOAD_MODULE, OPEN_CHILD, PASS_MODULES
from remotesvc.core.link import Link
from remotesvc.core.wire import FRAGMENT_SIZE, RAW, Message
from remotesvc.testing.options import Kind
from remotesvc.testing.proxy import DelayProxy
from remotesvc.testing.server import SshServer
from tests.controller.ssh.hosts import needs_kind, start_bare
from tests.integration.pythons import OLDEST
from tests.integration.sources import Sources, own_sources
from tests.integration.targets import hops
from tests.integration.waiting import wait_until

# Stands once in each module of the package.
MARKER = b"a marker in the source of a module"
COUNT = 60

# One way, on each of two links: well above what either end takes to answer.
DELAY = 0.1


class Tap:
    """Listens to what is sent to the neighbour behind one link."""

    def __init__(self, link: Link, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sent: list[Message] = []
        self._send = link.send
        self._held: list[tuple[Any, ...]] | None = None

        def listen(message: Message, *args: Any) -> None:
            self.sent.append(message)
            if self._held is not None and message.handle >= FIRST_DYNAMIC:
                self._held.append((message, *args))
            else:
                self._send(message, *args)

        monkeypatch.setattr(link, "send", listen)

    @contextmanager
    def holding_answers(self) -> Iterator[None]:
        """Keep all answers back: what is asked meanwhile is asked in the same moment."""
        self._held = []
        try:
            yield
        finally:
            held, self._held = self._held, None
            for one in held:
                self._send(*one)

    def modules(self) -> int:
        """Return how many sources of the package have passed."""
        return sum(_unpacked(one).count(MARKER) for one in self.sent)

    def payloads(self) -> int:
        """Return how many payloads have passed."""
        return sum(one.payload == build() for one in self.sent)


def _unpacked(message: Message) -> bytes:
    try:
        return zlib.decompress(message.payload) if message.encoding == RAW else message.payload
    except zlib.error:
        return message.payload


@pytest.fixture
def sources(tmp_path: Path) -> Iterator[Sources]:
    """A package of sixty modules, each of which says MARKER once, and a main one of them all.

    And a module and a file with MARKER that travel in fragments, however they are compressed.
    """
    with own_sources(tmp_path / "src") as own:
        files = {f"sixty/m{one}.py": f'"""x"""\nTEXT = "{MARKER.decode()}"\n' for one in range(60)}
        imports = "".join(f"import sixty.m{one}\n" for one in range(COUNT))
        files["sixty/__init__.py"] = ""
        files["sixty/main.py"] = (
            imports
            + "def count():\n    import sys\n"
            + ("    return sum(name.startswith('sixty.m') for name in sys.modules) - 1\n")
        )
        files["sixty/late.py"] = (
            "def count():\n    import importlib\n"
            "    return len(importlib.import_module('sixty.m' + str(7)).TEXT)\n"
        )
        bulk = random.Random(7).randbytes(FRAGMENT_SIZE).hex()
        files["sixty/large.py"] = f'TEXT = "{MARKER.decode()}"\nBULK = "{bulk}"\n'
        files["sixty/table.txt"] = f"{MARKER.decode()} {bulk}"
        own.write(files)
        yield own


@pytest.fixture
def count(sources: Sources) -> Callable[[], int]:
    """The function that imports all of it."""
    found: Callable[[], int] = sources.get("sixty.main", "count")
    return found


@pytest.fixture
def relay(router: Router) -> Context:
    """A child that others are opened in."""
    return router.local("relay")


@pytest.fixture
def tap(router: Router, relay: Context, monkeypatch: pytest.MonkeyPatch) -> Tap:
    """What is sent to the relay."""
    return Tap(router.switch.routes[relay.id], monkeypatch)


# -- nothing twice -------------------------------------------------------------------------------


def test_modules_for_two_behind_one_relay_cross_the_link_to_it_once(
    router: Router, relay: Context, tap: Tap, count: Callable[[], int]
) -> None:
    first, second = router.local(via=relay), router.local(via=relay)

    assert first.call(count) == second.call(count) == COUNT

    assert tap.modules() == COUNT


def test_relay_that_kept_the_modules_for_others_is_sent_none(
    router: Router, relay: Context, tap: Tap, sources: Sources, count: Callable[[], int]
) -> None:
    late, below = sources.get("sixty.late", "count"), router.local(via=relay)
    assert below.call(count) == COUNT
    assert tap.modules() == COUNT

    assert relay.call(count) == COUNT  # sent ahead of the call
    assert below.call(late) == relay.call(late) == len(MARKER)  # asked for

    assert tap.modules() == COUNT


def test_relay_that_has_the_modules_itself_is_sent_none(
    router: Router, relay: Context, tap: Tap, count: Callable[[], int]
) -> None:
    assert relay.call(count) == COUNT
    assert tap.modules() == COUNT

    assert router.local(via=relay).call(count) == COUNT

    assert tap.modules() == COUNT


def test_module_that_is_asked_for_crosses_once(
    router: Router, relay: Context, tap: Tap, sources: Sources
) -> None:
    late = sources.get("sixty.late", "count")
    contexts = [router.local(via=relay) for _ in range(3)]

    assert [one.call(late) for one in contexts] == [len(MARKER)] * 3
    assert relay.call(late) == len(MARKER)

    assert tap.modules() == 1


def test_nothing_crosses_the_link_between_two_relays_twice(
    router: Router, relay: Context, tap: Tap, count: Callable[[], int]
) -> None:
    middle = router.local(via=relay)
    assert router.local(via=middle).call(count) == COUNT
    before = relay.call(hops.bytes_below)

    assert router.local(via=middle).call(count) == COUNT

    assert middle.call(count) == COUNT
    assert tap.modules() == COUNT
    # Orders, names of modules, calls: no sources, and no payload.
    assert relay.call(hops.bytes_below) - before < 10_000


def test_payload_crosses_once_at_most(router: Router, relay: Context, tap: Tap) -> None:
    # The relay was started from compiled code, which another Python cannot use.
    contexts = [router.local(via=relay, python_path=OLDEST.path) for _ in range(3)]
    assert len({one.call(hops.pid) for one in contexts}) == 3
    assert tap.payloads() == 1


def test_payload_never_crosses_to_a_relay_that_was_started_from_it(
    router: Router, monkeypatch: pytest.MonkeyPatch
) -> None:
    relay = router.local("relay", python_path=OLDEST.path)
    tap = Tap(router.switch.routes[relay.id], monkeypatch)
    contexts = [router.local(via=relay), router.local(via=relay, python_path=sys.executable)]
    contexts.append(router.local(via=contexts[1]))
    assert len({one.call(hops.pid) for one in contexts}) == 3
    assert tap.payloads() == 0


# -- in the same moment --------------------------------------------------------------------------


@pytest.fixture
def two(router: Router, relay: Context, sources: Sources) -> tuple[Context, Context]:
    """Two contexts in the relay, to both of which the package was granted."""
    contexts = router.local("first", via=relay), router.local("second", via=relay)
    for one in contexts:
        one.call(sources.get("sixty.late", "count"))
        one.call(hops.ask_module, "sixty")  # it has what asking takes
    relay.call(hops.questions)
    return contexts


@pytest.fixture
def other(router: Router, relay: Context) -> Context:
    """A third one, to which it was not."""
    context = router.local("other", via=relay)
    context.call(hops.ask_module, "remotesvc.core.wire")
    return context


def in_the_same_moment(
    tap: Tap, relay: Context, fn: Callable[..., Any], *asked: tuple[Any, ...]
) -> "list[Future[Any]]":
    """Have contexts ask, one after the other and before the first is answered."""
    results = []
    with tap.holding_answers():
        for count, (context, *args) in enumerate(asked, 1):
            results.append(context.submit(fn, *args))
            wait_until(lambda count=count: relay.call(hops.questions) == count)  # type: ignore[misc]
    return results


@pytest.mark.parametrize("module", ["sixty.m9", "sixty.large"])
def test_module_that_two_ask_for_in_the_same_moment_crosses_once(
    tap: Tap, relay: Context, two: tuple[Context, Context], module: str
) -> None:
    before = tap.modules()
    asked = [(one, module) for one in two]
    results = in_the_same_moment(tap, relay, hops.ask_module, *asked)
    assert [one.result() for one in results] == ["module"] * 2
    assert tap.modules() - before == 1
    assert relay.call(hops.questions) == 0


@pytest.mark.parametrize("place", [0, 1, 2])
def test_who_waits_for_the_module_of_others_gets_it_only_if_it_was_granted(
    tap: Tap, relay: Context, two: tuple[Context, Context], other: Context, place: int
) -> None:
    before = tap.modules()
    asked = [(one, "sixty.large") for one in two]
    asked.insert(place, (other, "sixty.large"))
    results = in_the_same_moment(tap, relay, hops.ask_module, *asked)
    kinds = [one.result() for one in results]
    assert kinds.pop(place) == "refused" and kinds == ["module"] * 2
    assert tap.modules() - before == 1
    assert other.call(hops.ask_module, "sixty.m3") == "refused"


def test_file_crosses_once_whoever_reads_it_and_how_often(
    tap: Tap, relay: Context, two: tuple[Context, Context], other: Context, sources: Sources
) -> None:
    before = tap.modules()
    question = ("sixty", "table.txt")
    results = in_the_same_moment(
        tap, relay, hops.read_resource, *[(one, *question) for one in two]
    )
    results += [one.submit(hops.read_resource, *question) for one in two]
    expected = Path(sources.path("sixty/table.txt")).read_bytes()
    assert [one.result() for one in results] == [expected] * 4
    assert tap.modules() - before == 1

    with pytest.raises(FileNotFoundError, match="not granted"):
        other.call(hops.read_resource, *question)

    sources.write({"sixty/table.txt": MARKER})
    for one in two:
        assert one.call(hops.read_resource, *question) == MARKER
    assert tap.modules() - before == 2


def test_file_that_the_relay_has_read_itself_is_not_sent_to_it_again(
    tap: Tap, relay: Context, two: tuple[Context, Context], sources: Sources
) -> None:
    relay.call(sources.get("sixty.late", "count"))
    before = tap.modules()
    for one in (relay, *two, relay):
        data = one.call(hops.read_resource, "sixty", "table.txt")
        assert data.startswith(MARKER)
    assert tap.modules() - before == 1


def test_file_crosses_the_link_between_two_relays_once(
    router: Router, relay: Context, tap: Tap, sources: Sources
) -> None:
    middle = router.local("middle", via=relay)
    late = sources.get("sixty.late", "count")
    contexts = [router.local(via=middle), router.local(via=middle), router.local(via=relay)]
    for one in contexts:
        one.call(late)
        one.call(hops.ask_module, "sixty")
    expected = Path(sources.path("sixty/table.txt")).read_bytes()
    before, crossed = relay.call(hops.bytes_below), tap.modules()

    assert contexts[0].call(hops.read_resource, "sixty", "table.txt") == expected
    once = relay.call(hops.bytes_below) - before
    for one in contexts[:2]:
        assert one.call(hops.read_resource, "sixty", "table.txt") == expected
    assert relay.call(hops.bytes_below) - before < once + 10_000

    assert contexts[2].call(hops.read_resource, "sixty", "table.txt") == expected
    assert tap.modules() - crossed == 1


# -- one flight ----------------------------------------------------------------------------------


def test_order_and_call_leave_before_the_relay_has_said_anything(
    router: Router, monkeypatch: pytest.MonkeyPatch
) -> None:
    relay = router.exec(["sh", "-c", "sleep 600; {line}"])
    tap = Tap(router.switch.routes[relay.id], monkeypatch)
    router.local(via=relay).submit(hops.pid)
    handles = [one.handle for one in tap.sent]
    assert handles[0] == LOAD_MODULE and OPEN_CHILD in handles and PASS_MODULES in handles
    assert not relay.is_ready


@pytest.mark.parametrize("kind", [pytest.param("sshd", marks=pytest.mark.sshd), "embedded"])
@pytest.mark.skipif(shutil.which("ssh") is None, reason="no ssh on this machine")
def test_host_behind_a_host_takes_the_round_trips_of_both_and_one(
    router: Router, kind: Kind
) -> None:
    chosen = needs_kind(kind)
    # What is computed once may not take longer than a round trip.
    router.local(via=router.local()).call(hops.add, 1, 2)
    with start_bare(chosen) as outer, start_bare(chosen) as inner:
        alone = _trips(router, outer, "paramiko") + _trips(router, inner, "openssh")
        with DelayProxy(outer.port, DELAY) as near, DelayProxy(inner.port, DELAY) as far:
            relay = router.ssh("demo", config_file=str(outer.config_for_port(near.port)))
            config = str(inner.config_for_port(far.port))
            below = router.ssh("demo", config_file=config, via=relay)
            assert below.call(hops.add, 1, 2) == 3
            together = near.counts().round_trips + far.counts().round_trips
            router.close()
    assert together <= alone + 1


def _trips(router: Router, server: SshServer, transport: str) -> int:
    """Return what connecting and one call take by themselves."""
    with DelayProxy(server.port, DELAY) as proxy:
        config = str(server.config_for_port(proxy.port))
        context = router.ssh("demo", config_file=config, transport=transport)
        assert context.call(hops.add, 1, 2) == 3
        trips = proxy.counts().round_trips
        context.shutdown()
        return trips
