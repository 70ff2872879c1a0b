"""Deadlines of calls: which are taken, and that nothing is sent when they have passed."""

import os
from pathlib import Path

import pytest

import remotesvc


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
        wanted = r"len on web1: the call takes 20\d+ bytes, at most 1048576 .* max_message_size$"
        with pytest.raises(remotesvc.MessageTooLarge, match=wanted):
            context.call(len, bytes(1 << 21))
        with pytest.raises(remotesvc.MessageTooLarge, match=r"web1: a reply of 20\d+ bytes: at"):
            context.call(bytes, 1 << 21)


def test_value_that_contains_itself_may_be_in_the_first_call(no_leaks: None) -> None:
    endless: list[object] = [1]
    endless += [endless, {"x": endless}]
    with remotesvc.Router() as router:
        assert router.local().call(len, endless) == 3


def test_call_without_reply_is_cancelled_at_its_deadline(no_leaks: None) -> None:
    with remotesvc.Router() as router:
        context = router.local()
        silent, _ = context.call(os.pipe)  # over there; nobody ever writes to it
        context.options(timeout=0.05).call_no_reply(os.read, silent, 1)
        # It would wait for ever behind one that was not interrupted.
        assert context.options(timeout=60).call(os.getpid) == context.info.pid
