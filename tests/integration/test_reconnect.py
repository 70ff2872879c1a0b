"""A context that lost its link is opened anew: another interpreter, the same handle."""

import os
import signal
import threading
from pathlib import Path
from typing import Any

import pytest

from remotesvc import ConnectError, Context, DisconnectedError, Error, RefusedError, Router
from tests.controller.ssh.hosts import start_bare
from tests.integration.lines import Lines
from tests.integration.targets import services_odd, stubborn
from tests.integration.targets.services import Plain

DEADLINE = 30.0


def lose(context: Context, pid: int | None = None) -> None:
    """Kill a context's interpreter, and wait until everybody was told."""
    told = threading.Event()
    context.on_disconnect(lambda context, error: told.set())
    os.kill(pid or context.info.pid, signal.SIGKILL)
    assert told.wait(DEADLINE)


def test_lost_context_is_connected_anew_under_the_same_handle(
    router: Router, lines: Lines
) -> None:
    child = router.local(name="web", env={"COLOUR": "green"})
    homes = {child: "here"}
    pid, context_id = child.info.pid, child.id
    service = child.service(Plain)
    assert service.add(1) == 3
    running = child.submit(stubborn.sleep)
    lines.wait_for(b"busy")
    lose(child)

    child.reconnect()

    assert child.connected and child.generation == 2
    assert child.info.pid != pid and child.id != context_id
    assert homes[child] == "here" and router.contexts == [child]
    with pytest.raises(DisconnectedError, match=r"web is gone: .* killed by signal 9"):
        running.result(DEADLINE)
    assert child.call(os.getenv, "COLOUR") == "green"
    assert child.services() == [], "none is active"
    assert service.add(2) == 4, "a proxy goes with its context"
    child.call(print, "hello")
    assert ("web", "stdout", b"hello") in lines.prints


def test_context_is_reconnected_only_when_it_is_lost_and_ours(child: Context) -> None:
    with pytest.raises(Error, match="local is connected: shutdown"):
        child.reconnect()
    with pytest.raises(Error, match="the controller was not opened from here"):
        child.router.myself.reconnect()  # type: ignore[attr-defined]


def test_many_threads_that_reconnect_at_once_get_one_interpreter(router: Router) -> None:
    child = router.local()
    lose(child)
    barrier = threading.Barrier(8)
    outcomes: list[str] = []

    def reconnect() -> None:
        barrier.wait(DEADLINE)
        try:
            child.reconnect()
            outcomes.append("reconnected")
        except Error as error:
            outcomes.append(str(error))

    threads = [threading.Thread(target=reconnect) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE)
    assert sorted(outcomes)[-1] == "reconnected" and len(set(outcomes)) == 2
    assert child.generation == 2 and child.call(abs, -1) == 1


def test_what_keeps_it_from_connecting_is_raised_and_it_may_be_tried_again(
    router: Router, tmp_path: Path
) -> None:
    link = tmp_path / "python"
    target = os.path.realpath(os.sys.executable)  # type: ignore[attr-defined]
    link.write_text(f'#!/bin/sh\nexec {target} "$@"\n')
    link.chmod(0o755)
    child = router.local(python_path=str(link))
    lose(child)
    link.rename(tmp_path / "elsewhere")
    with pytest.raises(ConnectError, match="could not be started"):
        child.reconnect()
    assert not child.connected
    with pytest.raises(DisconnectedError):
        child.call(abs, 1)
    (tmp_path / "elsewhere").rename(link)

    child.reconnect()
    assert child.call(abs, -1) == 1


def test_hop_is_reconnected_after_the_context_that_it_goes_through(router: Router) -> None:
    relay = router.local()
    inner = router.local(via=relay, name="inner")
    pids = relay.info.pid, inner.info.pid
    told = threading.Event()
    inner.on_disconnect(lambda context, error: told.set())
    lose(relay)
    assert told.wait(DEADLINE)
    with pytest.raises(DisconnectedError, match="local is gone"):
        inner.reconnect()
    relay.reconnect()

    inner.reconnect()
    assert (relay.info.pid, inner.info.pid) != pids
    assert inner.call(os.getppid) == relay.info.pid


def test_host_that_is_up_again_is_logged_in_to_again(router: Router, lines: Lines) -> None:
    with start_bare() as server:
        web = router.ssh("demo", config_file=str(server.config_file), name="web")
        assert web.call(abs, -1) == 1
        lose(web)
        web.reconnect()
        assert web.call(abs, -2) == 2
    told = threading.Event()
    web.on_disconnect(lambda context, error: told.set())
    assert told.wait(DEADLINE)
    with pytest.raises(ConnectError):
        web.reconnect()


def test_services_of_the_lost_one_are_constructed_anew(child: Context, tmp_path: Any) -> None:
    child.service(Plain).add(1)
    child.call(services_odd.close_pool)
    with pytest.raises(RefusedError):
        child.service(Plain).add(1)
    lose(child)
    child.reconnect()
    assert child.service(Plain).add(1) == 3
