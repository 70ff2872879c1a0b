"""Ctrl-C, and a reader that goes away: what was done is told, and nothing keeps running."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from remotesvc.testing.server import SshServer
from remotesvc.testing.silent import SilentServer
from tests.cli.program import Program


@pytest.fixture
def places(remotesvc: Program) -> Path:
    """A folder where functions leave their process id."""
    folder = remotesvc.folder / "places"
    folder.mkdir()
    return folder


def interrupt(process: "subprocess.Popen[str]", lines: int) -> str:
    """Send Ctrl-C once so many lines were written to stderr; return them."""
    assert process.stderr is not None
    said = "".join(process.stderr.readline() for _ in range(lines))
    process.send_signal(signal.SIGINT)
    return said


def are_gone(places: Path) -> bool:
    """Wait for the processes that left their id, as long as a child has for its end."""
    pids = [int(path.suffix[1:]) for path in places.iterdir()]
    end = time.monotonic() + 10
    while any(map(is_running, pids)) and time.monotonic() < end:
        time.sleep(0.02)
    return not any(map(is_running, pids))


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_ctrl_c_ends_what_runs_over_there(
    remotesvc: Program, server: SshServer, places: Path
) -> None:
    process = remotesvc.start("run", "-F", server.config_file, "web1", "app.health.wait", places)
    assert interrupt(process, 1) == "web1: waiting\n"

    done = remotesvc.finish(process)

    assert (done.code, done.out, done.err) == (130, "", "web1: interrupted\n")
    assert len(list(places.iterdir())) == 1
    assert are_gone(places)


def test_ctrl_c_reports_what_is_done(remotesvc: Program, server: SshServer, places: Path) -> None:
    remotesvc.environment["QUICK"] = "1"  # seen by the child on this machine alone
    process = remotesvc.start(
        "run", "-F", server.config_file, "@local,web1,web2", "app.health.wait", places, "--json"
    )
    assert process.stdout is not None
    first = process.stdout.readline()
    interrupt(process, 2)

    done = remotesvc.finish(process)

    assert '"host": "@local", "outcome": "ok"' in first
    assert done.code == 130
    assert [(record["host"], record["outcome"]) for record in done.records] == [
        ("web1", "interrupted"),
        ("web2", "interrupted"),
    ]
    assert "1 ok, 2 interrupted (web1, web2) in " in done.err
    assert are_gone(places)


def test_ctrl_c_does_not_wait_for_a_host_that_says_nothing(
    remotesvc: Program, places: Path
) -> None:
    with SilentServer() as silent:
        hosts = f"127.0.0.1:{silent.port},@local"
        process = remotesvc.start("run", "-F", "none", hosts, "app.health.wait", places)
        interrupt(process, 1)

        done = remotesvc.finish(process)

    assert done.code == 130
    assert "2 interrupted (" in done.err
    assert are_gone(places)


def test_a_reader_that_has_gone_is_a_quiet_end(remotesvc: Program) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    process = remotesvc.start("run", "@local", "app.health.write", "100000", stdout=writer)
    os.close(writer)

    done = remotesvc.finish(process)

    assert (done.code, done.err) == (141, "")
