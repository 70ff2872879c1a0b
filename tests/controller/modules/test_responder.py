"""The wire side of requests for modules and data: answers, refusals, limits, and the log."""

import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remotesvc.controller.modules.responder import (
    ANSWERS_LIMIT,
    LOG_LIMIT,
    PAUSE,
    REQUEST_LIMIT,
    REQUESTS_LIMIT,
    Responder,
)
from remotesvc.controller.modules.shipment import Shipment
from remotesvc.core.authority import GET_MODULE, GET_RESOURCE
from remotesvc.core.finder import MODULE, REFUSED
from remotesvc.core.switch import Switch
from remotesvc.core.values import decode, encode
from remotesvc.core.wire import DEAD, FRAGMENT, PLAIN, RAW, Message
from tests.core.ends import Clock, Neighbour, message
from tests.integration.sources import Sources, own_sources

CHILD, OTHER, REPLY = 1, 2, 300


@pytest.fixture
def sources(tmp_path: Path) -> Iterator[Sources]:
    with own_sources(tmp_path / "source") as opened:
        opened.write({"app/__init__.py": "", "app/one.py": "X = 1\n", "app/data/a.txt": "text"})
        yield opened


class Queue:
    """Stands where Workers do: keeps jobs until the test wants them run."""

    def __init__(self) -> None:
        self.jobs: list[Callable[[], None]] = []

    def defer(self, job: Callable[[], None]) -> None:
        """Keep a job."""
        self.jobs.append(job)

    def run(self) -> None:
        """Run what was kept."""
        while self.jobs:
            self.jobs.pop(0)()


class Home:
    """A controller's switch with two children, and the responder that they ask."""

    def __init__(self, capacity: int | None = None) -> None:
        self.reports: list[str] = []
        self.switch = Switch(0, (), 1 << 20, False, self.reports.append)
        self.children = {
            CHILD: Neighbour(self.switch, CHILD, capacity=capacity),
            OTHER: Neighbour(self.switch, OTHER),
        }
        self.clock = Clock()
        self.shipment = Shipment(self.switch, None)
        self.queue = Queue()
        self.responder = Responder(
            self.switch,
            self.shipment,
            self.queue,  # type: ignore[arg-type]
            lambda context_id: f"host\x1b{context_id}",
            self.clock.call_later,
        )
        self.switch.serve(GET_MODULE, self.responder.on_module)
        self.switch.serve(GET_RESOURCE, self.responder.on_resource)

    def say(self, payload: bytes, handle: int = GET_MODULE, src: int = CHILD) -> None:
        """Have a child send a request."""
        request = message(payload, dst=0, src=src, handle=handle, reply_to=REPLY)
        self.children[src].say(request)

    def answers(self, src: int = CHILD) -> list[Message]:
        """Run what is to be done, and return what a child is answered."""
        self.queue.run()
        heard = self.children[src].hear()
        return [one for one in heard if one.handle == REPLY]

    def ask(self, question: Any, handle: int = GET_MODULE, src: int = CHILD) -> Message:
        """Return the answer to one request."""
        self.say(encode(question), handle, src)
        (answer,) = self.answers(src)
        return answer


@pytest.fixture
def home(sources: Sources) -> Home:
    return Home()


def dead(answer: Message) -> tuple[str, str]:
    """Return code and text of a dead reply."""
    assert answer.encoding == DEAD
    code, text = decode(answer.payload)
    return code, text


def test_granted_module_is_answered_with_its_record(home: Home, sources: Sources) -> None:
    home.shipment.push(CHILD, "app")

    answer = home.ask("app.one")

    assert answer.encoding == RAW
    expected = ("app.one", MODULE, sources.path("app/one.py"), b"X = 1\n", None)
    assert decode(zlib.decompress(answer.payload)) == [expected]


def test_nothing_is_looked_up_on_the_reading_thread(home: Home) -> None:
    home.say(encode("app"))

    assert home.children[CHILD].hear() == []
    assert len(home.queue.jobs) == 1


def test_refusal_is_a_record_and_a_line_in_the_log(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    answer = home.ask("vault")

    ((name, kind, _, reason, _),) = decode(zlib.decompress(answer.payload))
    assert (name, kind) == ("vault", REFUSED)
    (record,) = caplog.records
    assert record.name == "remotesvc.modules"
    assert record.getMessage() == f"host\\x1b1 was refused module vault: {reason}"


def test_log_is_bounded_per_context(home: Home, caplog: pytest.LogCaptureFixture) -> None:
    for number in range(LOG_LIMIT + 20):
        home.ask(f"vault_{number}")
    assert len(caplog.records) == LOG_LIMIT + 1
    assert "no more are shown" in caplog.records[-1].getMessage()

    home.ask("vault", src=OTHER)
    assert len(caplog.records) == LOG_LIMIT + 2

    home.responder.forget({CHILD})
    home.ask("vault")
    assert len(caplog.records) == LOG_LIMIT + 3


@pytest.mark.parametrize("question", [None, 1, "", "a..b", "a/b", "a\0b", ["app"], "x" * 300])
def test_what_is_no_module_name_is_a_breach_of_protocol(home: Home, question: Any) -> None:
    assert dead(home.ask(question)) == ("protocol", "GET_MODULE without a module name")


@pytest.mark.parametrize("question", [None, "app", ("app",), ("app", 1), ["app", "a.txt"]])
def test_what_is_no_package_and_path_is_a_breach_of_protocol(home: Home, question: Any) -> None:
    code, text = dead(home.ask(question, GET_RESOURCE))

    assert (code, text) == ("protocol", "GET_RESOURCE without package and path")


def test_data_and_listings_are_answered(home: Home) -> None:
    home.shipment.push(CHILD, "app")

    file = home.ask(("app", "data/a.txt"), GET_RESOURCE)
    top, folder = (home.ask(("app", path), GET_RESOURCE) for path in ("", "data/"))

    assert (file.encoding, file.payload) == (RAW, b"text")
    assert (top.encoding, folder.encoding) == (PLAIN, PLAIN)
    expected = [("__init__.py", False), ("data", True), ("one.py", False)]
    assert decode(top.payload) == expected
    assert decode(folder.payload) == [("a.txt", False)]


def test_missing_file_is_not_logged_and_a_refused_one_is(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    home.shipment.push(CHILD, "app")

    assert "no file 'none'" in dead(home.ask(("app", "none"), GET_RESOURCE))[1]
    assert caplog.records == []
    assert "not granted" in dead(home.ask(("vault", "key.pem"), GET_RESOURCE))[1]
    assert [record.getMessage().partition(":")[0] for record in caplog.records] == [
        "host\\x1b1 was refused key.pem of vault"
    ]


def test_number_and_length_of_requests_under_way_are_limited(home: Home) -> None:
    for _ in range(REQUESTS_LIMIT):
        home.say(encode("vault"))
    home.say(encode("vault"))
    (refused,) = [one for one in home.children[CHILD].hear() if one.handle == REPLY]
    assert dead(refused) == ("congested", "too many or too long requests")

    assert home.ask("vault", src=OTHER).encoding == RAW
    assert len(home.answers()) == REQUESTS_LIMIT
    assert home.ask("vault").encoding == RAW
    assert dead(home.ask("v" * REQUEST_LIMIT))[0] == "congested"


def test_what_is_asked_before_all_is_read_is_answered_once_it_was(sources: Sources) -> None:
    home = Home(capacity=1 << 16)
    home.shipment.push(CHILD, "app")
    link = home.children[CHILD].link
    home.children[CHILD].hear()
    sources.write({"app/data/b.bin": bytes(1 << 19)})
    question = encode(("app", "data/b.bin"))
    while not home.clock._timers:
        home.say(question, GET_RESOURCE)
        home.queue.run()
    assert link.outbox.size <= ANSWERS_LIMIT + (1 << 20)
    for _ in range(REQUESTS_LIMIT + 5):
        home.say(encode("vault"))
    home.queue.run()
    # Others go on, and it gets no more, not even refusals.
    assert home.ask("vault", src=OTHER).encoding == RAW
    assert link.outbox.size <= ANSWERS_LIMIT + (1 << 20)
    assert len(home.reports) == 1 and "too many or too long requests" in home.reports[0]
    heard = home.children[CHILD].hear()
    home.clock.advance(PAUSE)
    heard += home.answers()
    whole = [one.encoding for one in heard if one.handle == REPLY and not one.encoding & FRAGMENT]
    assert whole == [RAW] * REQUESTS_LIMIT
    assert home.clock._timers == []


def test_flood_of_one_child_leaves_the_others_their_turn(home: Home) -> None:
    for _ in range(100):
        home.say(encode("vault"))
    home.say(encode("vault"), src=OTHER)

    for _ in range(2):  # one job of each child
        home.queue.jobs.pop(0)()

    assert any(one.handle == REPLY for one in home.children[OTHER].hear())
    assert len(home.answers()) == 100


def test_what_a_lost_child_asked_for_is_dropped(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(100):
        home.say(encode("vault"))
    home.responder.forget({CHILD})

    assert home.answers() == []
    assert caplog.records == []


def test_request_that_cannot_be_answered_is_told_so(
    home: Home, sources: Sources, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources.write({"app/one.py": f"X = {list(range(1000))}\n"})
    home.shipment.push(CHILD, "app")
    monkeypatch.setattr(home.switch, "max_message_size", 500)

    code, text = dead(home.ask("app.one"))

    assert code == "refused"
    assert "app.one most of all" in text
    assert text.endswith("install them on the host, or give Router() a larger max_message_size")


def test_defect_of_the_search_leaves_nobody_waiting(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any) -> None:
        raise RuntimeError("a defect")

    monkeypatch.setattr(home.shipment, "answer", fail)

    code, text = dead(home.ask("app"))
    assert (code, text) == ("refused", "looking for it failed: RuntimeError('a defect')")


@given(st.binary(max_size=64), st.sampled_from([GET_MODULE, GET_RESOURCE]))
def test_hostile_requests_are_answered_and_change_nothing(payload: bytes, handle: int) -> None:
    home = Home()

    home.say(payload, handle)

    (answer,) = home.answers()
    assert answer.encoding in (DEAD, RAW)
    home.say(encode("vault"))
    assert len(home.answers()) == 1
