"""Pickled results: only where asked for, by a context that was opened so, and judged before."""

import os
import pickle
import sys
from pathlib import Path
from typing import Any

import pytest

from remotesvc import (
    Context,
    MessageTooLarge,
    ProtocolError,
    RefusedError,
    RemoteError,
    Router,
    ValueNotSupported,
)
from remotesvc.controller.modules.target import Target
from remotesvc.controller.results import load
from remotesvc.core.reach import refuse_pickled_result
from remotesvc.core.wire import DEAD, ERROR, PICKLE, PLAIN, RAW
from tests.integration.hosts import start_host
from tests.integration.targets import cancelled, work

DEADLINE = 30.0

FAKE_CHILD = Path(__file__).with_name("fake_child.py")


@pytest.fixture
def there(router: Router, python: str | None) -> Context:
    """A trusted child in each of the Pythons."""
    return router.local(results="pickle", python_path=python)


# -- what comes back -----------------------------------------------------------------------------


def test_objects_classes_and_functions_come_back_from_any_version(there: Context) -> None:
    point, function, large, numbers = there.call(cancelled.make_object)

    assert isinstance(point, work.Point) and point.as_tuple() == (1, 2)
    assert function("x") == "Point mm x"
    assert (large, numbers) == ({"x": 1 << 100}, range(3))
    assert there.submit(os.getpid).result(DEADLINE) == there.info.pid


def test_result_that_cannot_be_pickled_is_an_error_of_its_call(there: Context) -> None:
    with pytest.raises(ValueNotSupported, match=r"result: it cannot be pickled: .*lock"):
        there.call(work.return_lock)
    with pytest.raises(ValueNotSupported, match="RuntimeError: not me"):
        there.call(cancelled.Unpicklable)
    with pytest.raises(ValueNotSupported, match="coroutine"):
        there.submit(work.later).result(DEADLINE)

    assert there.call(os.getpid) == there.info.pid


def test_errors_still_travel_as_data(there: Context) -> None:
    with pytest.raises(ValueError, match="no") as caught:
        there.call(work.fail, "no")
    assert isinstance(caught.value, RemoteError)


def test_plain_results_can_be_asked_for_per_call(there: Context) -> None:
    plain = there.options(results="plain")

    assert plain.call(work.repeat, 1) == ((1,), {})
    with pytest.raises(ValueNotSupported, match="Point"):
        plain.call(work.Point, 1, 2)
    assert there.options(timeout=DEADLINE).call(work.Point, 1, 2).as_tuple() == (1, 2)


def test_pickled_calls_and_chains_take_pickled_results_too(router: Router) -> None:
    context = router.local(results="pickle")
    number = 5

    assert context.call(lambda: work.Point(number, 6)).as_tuple() == (5, 6)
    with context.chain() as chain:
        assert chain.call(work.Point, 1, 2).as_tuple() == (1, 2)
        chain.call_no_reply(cancelled.Unpicklable)
        with pytest.raises(ValueNotSupported, match="not me"):
            chain.call(cancelled.Unpicklable)
        with pytest.raises(ValueNotSupported, match="not me"):
            chain.call(os.getpid)


def test_result_over_the_limit_is_refused_by_its_sender(no_leaks: None) -> None:
    with Router(max_message_size=1 << 20) as router:
        context = router.local(results="pickle")
        with pytest.raises(MessageTooLarge):
            context.call(work.make_bytes, 2 << 20)
        assert len(context.call(work.make_bytes, 1 << 19)) == 1 << 19


def test_ssh_takes_the_option_too(router: Router, tmp_path: Path) -> None:
    with start_host(tmp_path) as host:
        context = host.connect(router, results="pickle")
        assert context.call(work.Point, 1, 2).as_tuple() == (1, 2)


# -- where it is not wanted ----------------------------------------------------------------------


def test_pickle_of_a_context_that_was_not_opened_so_is_refused_before_anything_is_sent(
    router: Router,
) -> None:
    context = router.local(name="web1")
    with pytest.raises(RefusedError, match=r"web1 does not take .* open it with results='pickle'"):
        context.options(results="pickle")
    with pytest.raises(RefusedError, match="open it with"):
        context.chain().options(results="pickle")
    assert context.call(os.getpid) == context.info.pid


@pytest.mark.parametrize("results", ["", "json", "PICKLE", 1])
def test_other_names_are_refused_with_those_that_there_are(router: Router, results: Any) -> None:
    with pytest.raises((TypeError, ValueError), match="'plain' or 'pickle'"):
        router.local(results=results)
    assert router.contexts == []
    context = router.local()
    with pytest.raises(ValueError, match="'plain' or 'pickle'"):
        context.options(results=results)


class Bomb:
    """Leaves a file where it was loaded."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return (open, (self.path, "w"))


@pytest.mark.parametrize(
    ("opened", "asked", "loaded"),
    [("plain", None, False), ("pickle", "plain", False), ("pickle", None, True)],
)
def test_pickle_from_a_child_is_looked_at_only_if_this_very_call_asked_for_it(
    on_path: None, router: Router, tmp_path: Path, opened: str, asked: str | None, loaded: bool
) -> None:
    witness = tmp_path / "witness"
    payload = bytes(sys.version_info[:2]) + pickle.dumps(Bomb(str(witness)), 4)
    fake = router.local(python_path=str(FAKE_CHILD), results=opened)
    # It answers whatever it was asked.
    verbs = fake.options(results=asked)
    say: Any = Target("fake", "say")
    if loaded:
        verbs.call(say, [[None, PICKLE, payload]]).close()
    else:
        with pytest.raises(ProtocolError, match="a pickle"):
            verbs.call(say, [[None, PICKLE, payload]])
    assert witness.exists() == loaded


@pytest.mark.parametrize(
    ("encoding", "is_asked", "opened_with", "is_taken"),
    [
        (PICKLE, True, (True,), True),
        (PICKLE, True, (True, True), True),
        (PICKLE, True, (True, False), False),
        (PICKLE, True, (False, True), False),
        (PICKLE, True, (False,), False),
        (PICKLE, True, (), False),
        (PICKLE, False, (True,), False),
        (PICKLE, False, (False,), False),
        *((encoding, True, (True,), False) for encoding in (PLAIN, RAW, ERROR, DEAD, 5, 0x7F)),
    ],
)
def test_rule_for_pickled_results(
    encoding: int, is_asked: bool, opened_with: tuple[bool, ...], is_taken: bool
) -> None:
    refusal = refuse_pickled_result(encoding, is_asked, opened_with)
    assert (refusal is None) == is_taken
    assert is_taken or refusal


@pytest.mark.parametrize(
    "payload", [b"", b"\x03", b"\x03\x06", b"\x03\x06garbage", b"\x03\x0bcos\nx"]
)
def test_pickle_that_cannot_be_loaded_names_where_it_came_from(payload: bytes) -> None:
    with pytest.raises(ValueNotSupported, match="the result from web1"):
        load(payload, "web1")
