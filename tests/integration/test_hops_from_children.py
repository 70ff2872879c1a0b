"""Children that open contexts by themselves: with what options, by which ways, and who knows."""

import sys
from pathlib import PurePosixPath

import pytest

from remotesvc import Context, Router, ValueNotSupported
from remotesvc.controller import ids
from tests.integration.targets import hops
from tests.integration.waiting import wait_until
from tests.testing.client import is_running

DEADLINE = 30.0


def test_child_opens_a_chain_and_uses_again_what_is_open(child: Context) -> None:
    names = child.call(hops.open_chain, "local/chroot:[/]")
    assert names == ["local", "local/chroot:/", "local/chroot://local"]


def test_child_opens_a_context_in_its_own_child(router: Router) -> None:
    # No order ever reached the one in the middle, so it has no probe but by asking for it.
    middle = router.local(via=router.local())
    assert middle.call(hops.open_via) == ("local/local", 5, "local/local")


def test_child_takes_no_pickles(child: Context) -> None:
    text = child.call(hops.open_with, "local", results="pickle")
    assert text.startswith("RefusedError: results='pickle'")


def test_context_that_a_child_opened_is_used_from_here(router: Router, child: Context) -> None:
    opened = child.call(hops.open_local)
    assert opened.call(hops.add, 20, 22) == 42
    assert opened.call_service(hops.Desk, "where") == opened.call(hops.pid)
    # And what is opened in that one, from here.
    assert router.local(via=opened).call(hops.add, 1, 2) == 3


def test_ids_are_never_given_twice(child: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ids, "BLOCK", 2)
    given = child.call(hops.open_many, 3)  # more than one block
    assert len(set(given)) == 3
    assert child.call(hops.open_local).id not in given


def test_whole_family_ends_with_its_root(router: Router, child: Context) -> None:
    opened = child.call(hops.open_local)
    pids = [opened.call(hops.pid), opened.call(hops.open_local).call(hops.pid)]
    child.kill()
    wait_until(lambda: not any(map(is_running, pids)))


@pytest.mark.parametrize("name", ["opened", "ordered"])
def test_option_may_be_of_any_plain_type(router: Router, name: str) -> None:
    child = router.local()
    if name == "opened":
        assert child.call(hops.open_with, "chroot", root=PurePosixPath("/")) == "opened, 2"
    else:
        # What decodes a path is no part of what a child has: it asks for it.
        opened = router.open("chroot", root=PurePosixPath("/"), via=child)
        assert opened.call(hops.add, 1, 1) == 2
    assert child.call(hops.pid)


def test_option_that_cannot_travel_is_named(router: Router, child: Context) -> None:
    with pytest.raises(ValueNotSupported, match=r"local/exec:sh: options\['template'\]\[1\]"):
        router.exec(["sh", sys], via=child)  # type: ignore[list-item]
