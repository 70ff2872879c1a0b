"""Contexts in contexts: three deep, called as any other, in every direction that is allowed."""

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from remotesvc import (
    CallTimeout,
    Channel,
    Context,
    ProtocolError,
    Receiver,
    RefusedError,
    RemoteError,
    Router,
    Secret,
    ValueNotSupported,
)
from remotesvc.service import AllowAny, Pool, Service, expose
from tests.integration.lines import Lines
from tests.integration.targets import channels, hops, streams
from tests.leaks import holdings, wait_for_release

DEADLINE = 30.0


@dataclass
class Tree:
    """a - b - c in a row, and d - e; siblings may talk."""

    router: Router
    lines: Lines
    a: Context
    b: Context
    c: Context
    d: Context
    e: Context


@pytest.fixture(scope="module")
def tree() -> Iterator[Tree]:
    """One tree for all tests of this file; nothing of it may be left."""
    before, lines = holdings(), Lines()
    with Router(siblings=True, output=lines) as router:
        a, d = router.local("a"), router.local("d")
        b = router.local("b", via=a)
        # All of it in one flight: none of them has said anything yet.
        c, e = router.local("c", via=b), router.local("e", via=d)
        yield Tree(router, lines, a, b, c, d, e)
    left = wait_for_release(before)
    assert not left, "left behind: " + ", ".join(left)


class Home(Service):
    """A service of the controller."""

    @expose(policy=AllowAny())
    def double(self, number: int) -> int:
        """Return twice as much."""
        return 2 * number


# -- calls ---------------------------------------------------------------------------------------


def test_each_is_a_process_of_its_own(tree: Tree) -> None:
    pids = [one.call(hops.pid) for one in (tree.a, tree.b, tree.c, tree.d, tree.e)]
    assert len({*pids, os.getpid()}) == 6
    assert [one.info.pid for one in (tree.a, tree.b, tree.c, tree.d, tree.e)] == pids


def test_arguments_and_results_pass_three_links(tree: Tree) -> None:
    value = {"text": "ä\ud800", "bytes": bytes(1_000_000), "nested": [(1, 2.5, None)]}
    assert tree.c.call(hops.same, value) == value
    assert tree.c.call(hops.same, Secret("hush")) == Secret("hush")
    assert tree.c.call(lambda: sys.getrecursionlimit()) > 0


def test_many_calls_are_answered_in_their_order(tree: Tree) -> None:
    futures = [tree.c.submit(hops.add, number, 1) for number in range(300)]
    assert [future.result(DEADLINE) for future in futures] == list(range(1, 301))


def test_error_brings_its_source_lines_and_is_the_builtin_one(tree: Tree) -> None:
    with pytest.raises(FileNotFoundError, match="somewhere") as caught:
        tree.c.call(hops.fail)
    assert isinstance(caught.value, RemoteError)
    assert 'raise FileNotFoundError(2, "No such file", "somewhere")' in caught.value.traceback


def test_what_is_printed_and_logged_appears_under_our_name(
    tree: Tree, caplog: pytest.LogCaptureFixture
) -> None:
    tree.c.call(hops.say, "hello from below")
    assert ("c", "stdout", b"hello from below") in tree.lines.prints
    (record,) = [one for one in caplog.records if "logged" in one.getMessage()]
    assert record.name == "remotesvc.host.c"
    assert record.getMessage() == "hello from below, logged"


def test_chain_of_calls_stops_at_the_first_failure(tree: Tree) -> None:
    chain = tree.c.chain()
    first, second, third = (
        chain.submit(hops.add, 1, 1),
        chain.submit(hops.fail),
        chain.submit(hops.add, 2, 2),
    )
    assert first.result(DEADLINE) == 2
    with pytest.raises(FileNotFoundError):
        second.result(DEADLINE)
    with pytest.raises(FileNotFoundError):
        third.result(DEADLINE)  # it was not begun


def test_timeout_ends_the_function_over_there(tree: Tree) -> None:
    with pytest.raises(CallTimeout, match=r"sleep_long on c timed out after 0\.2 s"):
        tree.c.options(timeout=0.2).call(hops.sleep_long)
    assert tree.c.options(timeout=DEADLINE).call(hops.add, 1, 1) == 2  # it is free again


# -- services and handles ------------------------------------------------------------------------


def test_service_of_a_grandchild_is_called_from_everywhere(tree: Tree) -> None:
    pid = tree.c.call_service(hops.Desk, "where")
    assert pid == tree.c.call(hops.pid)
    for other in (tree.a, tree.b, tree.d, tree.e):
        assert other.call(hops.ask_desk, tree.c) == pid, f"from {other.name}"


def test_deepest_context_calls_services_of_those_above_and_beside(tree: Tree) -> None:
    for other in (tree.a, tree.b, tree.d, tree.e):
        pid = other.call_service(hops.Desk, "where")
        assert pid == other.info.pid
        assert tree.c.call(hops.ask_desk, other) == pid, f"to {other.name}"


def test_service_of_the_controller_is_called_by_a_grandchild(tree: Tree) -> None:
    pool = Pool(tree.router)
    try:
        pool.add(Home(tree.router))
        assert tree.c.call(hops.ask_controller, f"{__name__}.Home", 21) == 42
    finally:
        pool.close(1)


def test_functions_are_called_by_those_above_only(tree: Tree) -> None:
    pid = tree.c.call(hops.pid)
    assert tree.a.call(hops.call_in, tree.c, "pid") == pid
    assert tree.b.call(hops.call_in, tree.c, "pid") == pid
    for other, target in ((tree.d, tree.c), (tree.e, tree.c), (tree.c, tree.a)):
        text = other.call(hops.call_in, target, "pid")
        assert text.startswith("RefusedError: ") and "one's own children only" in text


def test_context_that_a_child_opened_comes_here_and_goes_on_to_third_parties(tree: Tree) -> None:
    opened = tree.c.call(hops.open_local)
    pid = opened.call_service(hops.Desk, "where")
    assert opened.call(hops.pid) == pid
    assert tree.e.call(hops.ask_desk, opened) == pid
    # One that a third party gives is not its own to give.
    with pytest.raises(ProtocolError, match="is not context 5's to give"):
        tree.e.call(hops.give_back, opened)


def test_siblings_are_refused_where_they_may_not_talk(no_leaks: None) -> None:
    with Router() as router:
        a = router.local("a")
        b, other = router.local("b", via=a), router.local("other", via=a)
        cousin = router.local("cousin", via=router.local())
        b.activate(hops.Desk)
        assert isinstance(a.call(hops.ask_desk, b), int)
        for stranger in (other, cousin):
            text = stranger.call(hops.ask_desk, b)
            assert text.startswith("RefusedError: ") and "siblings=True" in text


# -- streams -------------------------------------------------------------------------------------


def test_values_stream_up_and_down_through_two_hops(tree: Tree) -> None:
    with Receiver(tree.router) as receiver:
        running = tree.c.submit(streams.send_numbers, receiver.sender, 5000)
        assert list(receiver) == list(range(5000))
        assert running.result(DEADLINE) == 5000
    values = [1, b"raw", {"a": (None, 2.5)}, bytes(900_000), "last"]
    with tree.c.call(streams.open_receiver) as sender:
        reading = tree.c.submit(streams.read_all)
        for value in values:
            sender.send(value)
    assert reading.result(DEADLINE) == values


def test_channel_carries_both_ways_through_two_hops(tree: Tree) -> None:
    with Channel(tree.router) as channel:
        running = tree.c.submit(channels.echo, channel)
        for number in range(100):
            channel.send(number)
            assert channel.get(DEADLINE) == number
    running.result(DEADLINE)


def test_sender_of_one_grandchild_is_used_by_its_cousin(tree: Tree) -> None:
    with tree.c.call(channels.open_receiver) as sender:
        reading = tree.c.submit(channels.read_all)
        handed = tree.e.submit(channels.send_numbers, sender, 5000)
    handed.result(DEADLINE)
    assert reading.result(DEADLINE) == list(range(5000))


def test_large_values_pass_both_ways_at_once(tree: Tree) -> None:
    large = bytes(range(256)) * (20 << 12)
    futures = [one.submit(hops.same, large) for one in (tree.c, tree.e, tree.c)]
    assert all(future.result(DEADLINE) == large for future in futures)


# -- ways ----------------------------------------------------------------------------------------


def test_other_connectors_run_in_a_hop(tree: Tree) -> None:
    through = tree.router.exec(["sh", "-c", "{line}"], via=tree.b)
    assert through.call(hops.add, 1, 2) == 3
    assert through.name == "b/exec:sh"
    assert tree.router.connect("a/b/local").call(hops.add, 1, 2) == 3
    assert tree.router.connect("b/local").name == "b/local.2"


def test_environment_and_folder_are_those_of_the_new_context(tree: Tree, tmp_path: Path) -> None:
    context = tree.router.local(via=tree.b, env={"HOPS": "yes"}, cwd=str(tmp_path))
    assert context.call(os.getcwd) == str(tmp_path)
    assert context.call(os.getenv, "HOPS") == "yes"
    assert tree.b.call(os.getenv, "HOPS") is None


def test_pickles_pass_only_where_every_context_on_the_way_may_send_them(
    tree: Tree, no_leaks: None
) -> None:
    with pytest.raises(RefusedError, match="goes through a, which was opened without it"):
        tree.router.local(via=tree.a, results="pickle")
    with Router() as router:
        middle = router.local(results="pickle")
        below = router.local(via=middle, results="pickle")
        assert below.call(slice, 1, 2) == slice(1, 2)
        plain = router.local(via=middle)
        with pytest.raises(ValueNotSupported, match="slice"):
            plain.call(slice, 1, 2)
