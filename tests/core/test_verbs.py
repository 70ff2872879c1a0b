"""Deadlines of calls: which are taken, and that nothing is sent when they have passed."""

import math
import os
from pathlib import Path

import pytest

import remotesvc
from remotesvc.core.verbs import check_seconds


@pytest.mark.parametrize("value", [0, 1, 0.25, -1, 1e8])
def test_numbers_of_seconds_are_taken_as_they_are(value: float) -> None:
    assert check_seconds("timeout", value) == value


@pytest.mark.parametrize("value", [None, math.inf, 1e300])
def test_what_nobody_lives_to_see_is_no_deadline(value: "float | None") -> None:
    assert check_seconds("timeout", value) is None


@pytest.mark.parametrize("value", ["5", b"5", True, [1], object])
def test_what_is_no_number_is_named(value: object) -> None:
    with pytest.raises(TypeError, match=r"timeout=.*: seconds as a number, or None"):
        check_seconds("timeout", value)  # type: ignore[arg-type]


def test_not_a_number_is_no_number_of_seconds() -> None:
    with pytest.raises(ValueError, match="timeout=nan"):
        check_seconds("timeout", math.nan)


@pytest.mark.parametrize("verb", ["call", "submit", "call_no_reply"])
def test_deadline_that_has_passed_sends_nothing(verb: str, no_leaks: None, tmp_path: Path) -> None:
    with remotesvc.Router() as router:
        context = router.local()
        for seconds in (0, -1):
            with pytest.raises(remotesvc.CallTimeout, match="mkdir on local timed out"):
                getattr(context.options(timeout=seconds), verb)(os.mkdir, str(tmp_path / "made"))
        assert context.call(os.listdir, str(tmp_path)) == []


def test_message_that_is_too_large_names_function_and_host(no_leaks: None) -> None:
    with remotesvc.Router(max_message_size=1 << 20) as router:
        context = router.local(name="web1")
        with pytest.raises(remotesvc.MessageTooLarge, match="len on web1: CALL_FUNCTION of"):
            context.call(len, bytes(1 << 21))


def test_call_without_reply_is_cancelled_at_its_deadline(no_leaks: None) -> None:
    with remotesvc.Router() as router:
        context = router.local()
        silent, _ = context.call(os.pipe)  # over there; nobody ever writes to it
        context.options(timeout=0.05).call_no_reply(os.read, silent, 1)
        # It would wait for ever behind one that was not interrupted.
        assert context.options(timeout=60).call(os.getpid) == context.info.pid
