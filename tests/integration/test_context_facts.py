"""What a program knows of its contexts without asking them, and of how they were opened."""

import os

import pytest

from remotesvc import ConnectError, Router
from remotesvc.connect.account import account_name


def test_context_knows_how_it_was_opened_and_where_it_runs(no_leaks: None) -> None:
    with Router() as router:
        outer = router.local(name="outer")
        inner = router.local(via=outer)
        inner.call(os.getpid)

        assert (outer.kind, inner.kind) == ("local", "local")
        assert (outer.via, inner.via) == (None, outer)
        assert (router.myself.children, outer.children) == ([outer], [inner])
        assert inner.children == []
        assert 0 <= inner.age <= outer.age


def test_traffic_is_counted_on_links_of_this_program(no_leaks: None) -> None:
    with Router() as router:
        outer = router.local()
        inner = router.local(via=outer)
        assert inner.call(bytes, 10) == bytes(10)
        before = outer.traffic

        assert inner.call(bytes, 100_000) == bytes(100_000)

        assert before is not None and outer.traffic is not None
        assert 0 < outer.traffic[0] - before[0] < 10_000
        assert 100_000 < outer.traffic[1] - before[1] < 110_000
        assert inner.traffic is None and router.myself.traffic is None


def test_steps_of_opening_are_told_with_the_context_that_they_are_of(no_leaks: None) -> None:
    told: list[tuple[int, str, float, str]] = []
    with Router() as router:
        router.on_step = lambda *step: told.append(step)
        outer = router.local()
        inner = router.local(via=outer)
        inner.call(os.getpid)
        ids = outer.id, inner.id

    found = [[step[1] for step in told if step[0] == one] for one in ids]
    assert found == [["interpreter", "bootstrap"], ["via", "bootstrap"]]
    assert all(elapsed >= 0 for _, _, elapsed, _ in told)
    # Of both, in any order: what opens the inner one leaves before the outer one is there.
    texts = [text for _, phase, _, text in told if phase == "bootstrap"]
    assert [text[:9] for text in texts] == ["Python 3."] * 2


def test_name_that_was_given_stands_in_errors_of_connecting(
    no_leaks: None, empty_home: None
) -> None:
    with Router() as router, pytest.raises(ConnectError, match=r"^mine: cannot connect to 127"):
        router.ssh("127.0.0.1:7", name="mine", config_file="none")


def test_account_that_a_context_acts_for_is_asked_over_there(no_leaks: None) -> None:
    with Router() as router:
        assert router.local().call(account_name) == account_name()
