"""How contexts in contexts end, by whatever hand; who is told, and that nothing stays behind."""

import concurrent.futures
import contextlib
import os
import signal
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from remotesvc import (
    Busy,
    Context,
    DisconnectedError,
    Error,
    Receiver,
    RemoteError,
    Router,
)
from tests.integration.lines import Lines
from tests.integration.targets import channels, forks, hops, streams, stubborn
from tests.integration.waiting import wait_until
from tests.testing.client import is_running, wait_for_end

DEADLINE = 30.0


@dataclass
class Row:
    """a - b - c in a row, and their processes."""

    router: Router
    a: Context
    b: Context
    c: Context

    @property
    def pids(self) -> list[int]:
        return [one.info.pid for one in (self.a, self.b, self.c)]


@pytest.fixture
def siblings(no_leaks: None, lines: Lines) -> Iterator[Router]:
    """A router whose children may talk to each other."""
    with Router(siblings=True, output=lines, grace=0.05) as router:
        yield router


def open_row(router: Router) -> Row:
    a = router.local("a")
    b = router.local("b", via=a)
    return Row(router, a, b, router.local("c", via=b))


def error_of(future: "Future[Any]") -> str:
    """Return how a call ended that was lost, wherever it was made."""
    try:
        return str(future.result(DEADLINE))
    except (DisconnectedError, RemoteError) as error:
        return f"{type(error).__name__}: {error}"


def start(context: Context, lines: Lines, function: Any, *args: Any) -> "Future[Any]":
    """Submit a function, and return its future once it runs."""
    future = context.submit(function, *args)
    lines.wait_for(b"busy")
    return future


# -- who is told ---------------------------------------------------------------------------------


def test_loss_in_the_middle_is_told_to_everybody_who_talked_to_the_lost_ones(
    siblings: Router,
) -> None:
    row = open_row(siblings)
    sibling = siblings.local("sibling", via=row.b)
    uncle, cousin = siblings.local("uncle"), siblings.local("cousin", via=row.a)
    stranger = siblings.local("stranger")
    row.c.activate(hops.Desk)
    waiting = [one.submit(hops.ask_desk, row.c, "wait") for one in (row.a, uncle, cousin, sibling)]
    waiting.append(row.c.submit_service(hops.Desk, "wait"))
    waiting.append(row.c.submit(hops.sleep_long))
    wait_until(lambda: row.c.services()[-1]["calls"] >= 5)
    receiver = Receiver(siblings)
    told: list[str] = []
    row.c.on_disconnect(lambda context, error: told.append(f"{context.name}: {error}"))
    row.c.call_no_reply(streams.send_for_ever, receiver.sender)

    row.b.kill()

    texts = [error_of(one) for one in waiting]
    assert all(text.startswith("DisconnectedError: ") for text in texts)
    assert all("b was killed from here" in text for text in texts[:3] + texts[4:])
    with pytest.raises(DisconnectedError, match="b was killed"):
        for _ in receiver:
            pass
    wait_until(lambda: bool(told))
    assert told[0].startswith("c: ") and "b was killed from here" in told[0]
    assert stranger.call(hops.pid) and row.a.call(hops.pid)
    assert not row.c.connected and row.a.connected


def test_child_that_dies_is_named_with_how_it_died(router: Router) -> None:
    row = open_row(router)
    pid = row.c.call(hops.pid)
    running = row.c.submit(hops.sleep_long)
    os.kill(pid, 9)
    assert "c is gone: " in error_of(running) and "killed by signal 9" in error_of(running)
    with pytest.raises(DisconnectedError, match="killed by signal 9"):
        row.c.call(hops.pid)
    assert row.b.call(hops.pid)


def test_relay_that_dies_takes_all_behind_it_along(router: Router) -> None:
    row = open_row(router)
    pids, running = row.pids, row.c.submit(hops.sleep_long)
    os.kill(pids[0], 9)
    assert "a is gone: " in error_of(running)
    for pid in pids:
        wait_for_end(pid)
    wait_until(lambda: not router.contexts)


def test_reader_down_there_is_told_of_the_loss_of_a_cousin(siblings: Router) -> None:
    row = open_row(siblings)
    writer = siblings.local("writer", via=siblings.local("d"))
    with row.c.call(channels.open_receiver) as sender:
        reading = row.c.submit(channels.read_all)
        writer.call(channels.send_and_keep, sender, "last")
    writer.kill()
    last, loss = reading.result(DEADLINE)
    assert last == "last" and "writer was killed from here" in loss


# -- by our own hand -----------------------------------------------------------------------------


def test_shutdown_of_the_last_one_lets_the_others_be(router: Router) -> None:
    row = open_row(router)
    pids = row.pids
    row.c.shutdown()
    wait_for_end(pids[2])
    with pytest.raises(DisconnectedError, match="c is gone: it was shut down from here"):
        row.c.call(hops.pid)
    assert row.b.call(hops.pid) == pids[1]


def test_shutdown_of_the_middle_ends_what_lies_behind_it(router: Router) -> None:
    row = open_row(router)
    pids, running = row.pids, row.c.submit(hops.sleep_long)
    row.b.shutdown()
    assert error_of(running).startswith("DisconnectedError: ")
    for pid in pids[1:]:
        wait_for_end(pid)
    assert row.a.call(hops.pid) == pids[0]


def test_finally_blocks_run_three_deep_when_the_router_closes(
    no_leaks: None, lines: Lines, tmp_path: Path
) -> None:
    path = tmp_path / "end"
    with Router(output=lines) as router:
        row = open_row(router)
        pids = row.pids
        row.c.submit(hops.write_at_end, str(path))
        lines.wait_for(b"busy")
    assert path.read_text() == "ended"
    assert not any(map(is_running, pids))


def test_router_that_closes_while_hops_connect_leaves_nothing(no_leaks: None) -> None:
    with Router() as router:
        middle = router.local(via=router.local())
        never = router.exec(["sh", "-c", "sleep 600; {line}"], via=middle)
        futures = [never.submit(hops.pid), router.local(via=never).submit(hops.pid)]
        wait_until(lambda: middle.is_ready)
    for future in futures:
        with pytest.raises(Error):
            future.result(DEADLINE)


def test_context_that_never_came_up_is_let_go(router: Router) -> None:
    never = router.exec(["sh", "-c", "sleep 600; {line}"], via=router.local("a"))
    future = never.submit(hops.pid)
    never.kill()
    with pytest.raises(DisconnectedError, match="was killed from here"):
        future.result(DEADLINE)
    wait_until(lambda: never._connection.stream.gone.is_set())  # type: ignore[union-attr]


# -- cancels -------------------------------------------------------------------------------------


def test_cancel_interrupts_what_runs_three_deep(router: Router, lines: Lines) -> None:
    row = open_row(router)
    future = start(row.c, lines, stubborn.sleep)
    assert future.cancel()
    assert row.c.call(hops.add, 1, 1) == 2


def test_hard_cancel_ends_that_one_only(siblings: Router, lines: Lines) -> None:
    row = open_row(siblings)
    pids = row.pids
    future = start(row.c, lines, stubborn.ignore_interrupts)
    assert future.cancel(hard=True)  # type: ignore[call-arg]
    with pytest.raises(concurrent.futures.CancelledError):
        future.result(DEADLINE)
    wait_for_end(pids[2])
    assert row.b.call(hops.pid) == pids[1]


def test_busy_is_told_through_hops(siblings: Router, lines: Lines) -> None:
    row = open_row(siblings)
    future = start(row.c, lines, stubborn.ignore_interrupts)
    assert future.cancel()
    with pytest.raises(Busy, match="c is still inside ignore_interrupts"):
        while True:
            row.c.options(timeout=DEADLINE).call(hops.pid)
    row.c.kill()


def test_a_fork_that_outlives_a_relay_does_not_hide_its_end_from_those_below(
    router: Router,
) -> None:
    row = open_row(router)
    pids = row.pids
    fork = row.a.call(forks.leave_fork)
    try:
        with pytest.raises(DisconnectedError):
            row.a.call(forks.kill_own_process)
        # Long before they would miss a sign of life.
        for pid in pids[1:]:
            wait_for_end(pid)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(fork, signal.SIGKILL)
