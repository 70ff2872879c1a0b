"""What is left of a chain of which one part cannot be opened: what was there before."""

import threading
from pathlib import Path

import pytest

from remotesvc import Context, Error, RefusedError, Router
from tests.integration.hosts import write_program
from tests.integration.targets import hops
from tests.integration.waiting import wait_until

DEADLINE = 30.0

# Opens nothing, at once or once its parent has told.
NOWHERE = "chroot:[/nonexistent]"


def names(router: Router) -> list[str]:
    return [context.name for context in router.contexts if context.connected]


def test_parts_of_a_chain_end_with_the_one_that_fails(router: Router) -> None:
    last = router.connect(f"local/local/{NOWHERE}")
    with pytest.raises(Error, match="/nonexistent"):
        last.call(hops.pid)
    wait_until(lambda: names(router) == [])


def test_parts_before_and_behind_the_one_that_fails_end(router: Router) -> None:
    with pytest.raises(Error, match="/nonexistent"):
        # Heard of early, it keeps the next part from being opened in it.
        router.connect(f"local/{NOWHERE}/local/local").call(hops.pid)
    wait_until(lambda: names(router) == [])


def test_part_that_is_refused_at_once_closes_those_before_it(router: Router) -> None:
    with pytest.raises(RefusedError, match="which was opened without it"):
        router.connect("local/local", results="pickle")
    assert names(router) == []


def test_what_was_open_before_stays_open(router: Router) -> None:
    first = router.local("first")
    last = router.connect(f"first/local/{NOWHERE}")
    with pytest.raises(Error):
        last.call(hops.pid)
    wait_until(lambda: names(router) == ["first"])
    assert first.call(hops.add, 1, 1) == 2


@pytest.fixture
def held(router: Router, tmp_path: Path) -> Context:
    """The last context of a chain, which never gets ready."""
    python = write_program(tmp_path / "python", "#!/bin/sh\nexec sleep 600\n")
    return router.connect("local/local", python_path=python)


def lose(held: Context) -> None:
    """Have it fail; return when its chain has heard of that."""
    is_told = threading.Event()
    held.on_disconnect(lambda context, error: is_told.set())
    held.kill()
    assert is_told.wait(DEADLINE)


def test_part_that_another_chain_leads_through_stays_open(router: Router, held: Context) -> None:
    other = router.connect("local/chroot:[/]")
    assert other.via is held.via
    lose(held)
    assert other.call(hops.add, 1, 1) == 2
    other.shutdown()
    assert names(router) == ["local"]


def test_part_in_which_something_was_opened_meanwhile_stays_open(
    router: Router, held: Context
) -> None:
    beside = router.exec(["sh", "-c", "{line}"], via=held.via)
    lose(held)
    assert beside.call(hops.add, 1, 1) == 2


def test_part_of_a_chain_that_is_killed_while_it_is_opened_is_closed(
    router: Router, held: Context
) -> None:
    lose(held)
    wait_until(lambda: names(router) == [])


def test_chain_that_was_ready_keeps_its_parts_when_the_last_one_is_lost(router: Router) -> None:
    last = router.connect("local/local")
    last.call(hops.pid)
    last.kill()
    with pytest.raises(Error):
        last.call(hops.pid)
    assert last.via is not None and last.via.call(hops.add, 1, 1) == 2


def test_chain_that_a_child_opens_leaves_nothing_either(child: Context) -> None:
    assert "/nonexistent" in child.call(hops.open_chain_that_fails, f"local/{NOWHERE}")
    wait_until(lambda: child.call(hops.names_here) == [])
