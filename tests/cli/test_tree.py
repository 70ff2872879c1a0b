"""`remotesvc tree` with real hosts, and what it shows of contexts that nobody here opened."""

import json
import os
import platform
import time
from pathlib import Path
from typing import Any

import pytest

from remotesvc import Context, Error, Router
from remotesvc.cli.main import main
from remotesvc.cli.reach import Step
from remotesvc.cli.tree import _begin, _read_facts
from remotesvc.cli.visit import Reached
from remotesvc.connect.account import account_name
from remotesvc.testing.server import SshServer
from tests.cli.opens_children import lie_about_traffic, open_another
from tests.cli.program import Program

BRANCHES = "│├└─ "


def nodes_below(child: Context, timeout: float | None = None) -> list[dict[str, Any]]:
    """Return what the command finds out about the contexts in a child."""
    calls = _begin(Reached([Step("local", child)], timeout))
    future = next(calls)
    while True:
        try:
            try:
                value = future.result()
            except Error as error:
                future = calls.throw(error)
            else:
                future = calls.send(value)
        except StopIteration as end:
            return end.value[1:]  # type: ignore[no-any-return]


def depth(line: str) -> int:
    return (len(line) - len(line.lstrip(BRANCHES))) // 3


def test_hosts_on_one_way_share_their_contexts(
    server: SshServer, capsys: pytest.CaptureFixture[str], empty_home: Path
) -> None:
    config = str(server.config_file)

    assert main(["tree", "web1/local", "web1/local/local", "@local", "-F", config]) == 0

    captured = capsys.readouterr()
    root, *lines = captured.out.splitlines()
    assert root.startswith("this program: ") and f"pid {os.getpid()}" in root
    drawn = sorted((depth(line), line.partition(": ")[0].lstrip(BRANCHES)) for line in lines)
    assert drawn == [(1, "local"), (1, "web1"), (2, "local"), (2, "local"), (3, "local")]
    assert captured.err.startswith("3 ok in ")


def test_json_has_the_contexts_of_each_host_from_the_first_to_the_host(
    server: SshServer, capsys: pytest.CaptureFixture[str], empty_home: Path
) -> None:
    config = str(server.config_file)

    assert main(["tree", "web1/local", "-F", config, "--json"]) == 0

    record = json.loads(capsys.readouterr().out)
    assert (record["host"], record["outcome"]) == ("web1/local", "ok")
    first, last = record["result"]
    assert (first["name"], first["connector"], first["parent"]) == ("web1", "ssh", 0)
    assert (last["name"], last["connector"], last["parent"]) == ("local", "local", first["id"])
    assert first["sent"] > 15_000 and first["received"] > 100
    assert last["sent"] > 15_000 and last["received"] > 100
    assert last["uid"] == os.getuid() and last["age"] >= 0
    assert set(first) == {
        *("id", "parent", "name", "connector", "user", "uid", "python", "executable", "pid"),
        *("hostname", "age", "sent", "received"),
    }


def test_host_that_is_not_reached_is_told_and_the_others_are_drawn(remotesvc: Program) -> None:
    done = remotesvc("tree", "@local,127.0.0.1:7", "-F", "none")

    assert done.code == 3
    assert done.out.splitlines()[1].startswith("└─ local: local, ")
    assert "127.0.0.1:7: cannot connect" in done.err


def test_context_that_a_child_opened_by_itself_is_known(no_leaks: None) -> None:
    with Router() as router:
        child = router.local()
        number = child.call(open_another)
        (node,) = nodes_below(child)

    assert (node["id"], node["parent"], node["connector"]) == (number, child.id, "")
    assert (node["user"], node["uid"]) == (account_name(), os.getuid())
    assert node["pid"] not in (None, os.getpid(), child.info.pid)
    assert node["sent"] > 15_000 and node["received"] > 100
    assert node["python"] == platform.python_version()


def test_context_of_a_child_that_does_not_answer_is_drawn_nevertheless(no_leaks: None) -> None:
    with Router() as router:
        child = router.local()
        child.call(open_another)
        (below,) = child.children
        running = below.submit(time.sleep, 600)
        (node,) = nodes_below(child, timeout=0.1)
        running.cancel()

    assert node["id"] == below.id and node["age"] >= 0
    assert node["user"] is node["uid"] is node["pid"] is None


def test_traffic_of_a_context_behind_another_grows_with_a_call(no_leaks: None) -> None:
    with Router() as router:
        child = router.local()
        inner = router.local(via=child)
        inner.call(abs, 1)
        (before,) = nodes_below(child)
        inner.call(bytes, bytes(100_000))
        (after,) = nodes_below(child)

    assert after["sent"] - before["sent"] > 100_000
    assert after["received"] - before["received"] > 100_000


@pytest.mark.parametrize(
    "told", [None, [], [None], [(1,)], [(-1, 2)], [(1, True)], [(1, 1 << 63)], [(1, 2)] * 3, "xy"]
)
def test_traffic_that_makes_no_sense_is_not_known(told: object, no_leaks: None) -> None:
    with Router() as router:
        child = router.local()
        router.local(via=child).call(abs, 1)
        child.call(lie_about_traffic, told)
        (node,) = nodes_below(child)

    assert node["sent"] is node["received"] is None and node["user"] == account_name()


@pytest.mark.parametrize("told", [None, (), (1, 2), ("x",) * 7, [1] * 7, b"\x00"])
def test_facts_that_make_no_sense_are_none(told: object) -> None:
    assert _read_facts(told) is None
