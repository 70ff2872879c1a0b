"""What a new child is started from: made from files here, handed on by a child over there."""

import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from remotesvc import Router
from remotesvc.bootstrap import seed
from remotesvc.bootstrap.payload import build, build_compiled
from remotesvc.bootstrap.seed import PAYLOAD, PROBE, get_payload, get_probe, get_stage0
from remotesvc.core.authority import GET_RESOURCE
from remotesvc.core.finder import MODULE, Finder
from remotesvc.core.wire import RAW, Message
from tests.integration.pythons import OLDEST
from tests.integration.targets import hops

CODE = compile("", "wire.py", "exec")


def test_controller_makes_them_from_its_files() -> None:
    assert get_payload() == build()
    assert get_payload(is_same=True) == build_compiled()
    assert "~" in get_stage0() and "\n" not in get_stage0()
    assert get_probe().startswith("for p in") or "exec" in get_probe()
    assert "\n" not in get_probe() and "#" not in get_probe()


class Case:
    """A child that was started from a payload, as this process seems to be."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, source: Any) -> None:
        self.asked: list[Any] = []
        finder: Any = Finder()
        self.finder = finder
        self.finder.child = self
        self.finder.seed = ("stage0", b"the payload it was started from")
        self.finder.records[seed.SAMPLE] = (MODULE, "wire.py", source, None)
        self.finder.request_of = self._answer
        monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, self.finder])

    def _answer(self, handle: int, question: Any, what: str) -> Message:
        assert handle == GET_RESOURCE
        self.asked.append(question)
        return Message(5, 0, 0, 300, 0, RAW, b"answer %d" % len(self.asked))


def test_child_hands_on_what_it_was_started_from(monkeypatch: pytest.MonkeyPatch) -> None:
    case = Case(monkeypatch, "source")
    assert get_payload() == get_payload(is_same=True) == b"the payload it was started from"
    assert get_stage0() == "stage0"
    assert case.asked == []


def test_child_from_compiled_code_asks_for_the_source_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    case = Case(monkeypatch, CODE)
    assert get_payload(is_same=True) == b"the payload it was started from"
    threads = [threading.Thread(target=get_payload) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert get_payload() == b"answer 1"
    assert case.asked == [PAYLOAD]


def test_child_that_was_ordered_has_the_probe_and_another_asks_for_it_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    case = Case(monkeypatch, "source")
    assert get_probe() == get_probe() == "answer 1"
    assert case.asked == [PROBE]
    case.finder.probe = "ordered"
    assert get_probe() == "ordered"


def test_payload_and_probe_are_given_to_everybody_as_they_are_here(
    no_leaks: None, empty_home: Path
) -> None:
    with Router() as router:
        child = router.local()
        for place, expected in ((PAYLOAD, build()), (PROBE, get_probe().encode())):
            assert child.call(hops.read_resource, *place) == expected
        # And what comes of it runs: three generations of two Pythons.
        second = router.local(via=child, python_path=OLDEST.path)
        third = router.local(via=second, python_path=sys.executable)
        assert third.call(hops.add, 1, 2) == 3
