"""Ctrl-C, and a reader that goes away: what was done is told, and nothing keeps running."""

import os
import re
import signal
import subprocess
from pathlib import Path

from remotesvc.testing.server import SshServer
from remotesvc.testing.silent import SilentServer
from tests.cli.program import Program, Running, assert_gone
from tests.integration.waiting import TIMEOUTS


def interrupt(process: "subprocess.Popen[str]", lines: int) -> str:
    """Send Ctrl-C once so many lines were written to stderr; return them."""
    assert process.stderr is not None
    said = "".join(process.stderr.readline() for _ in range(lines))
    process.send_signal(signal.SIGINT)
    return said


def has_been_let_go(running: Running, host: str, gate: Path) -> bool:
    """Wait until a host cleans up, and let it; tell whether it did before the end."""
    if not running.says(f"{host}: cleaning up"):
        return False
    gate.write_text("")
    return True


def test_ctrl_c_ends_what_runs_over_there(
    remotesvc: Program, server: SshServer, places: Path
) -> None:
    process = remotesvc.start("run", "-F", server.config_file, "web1", "app.health.wait", places)
    assert interrupt(process, 1) == "web1: waiting\n"

    done = remotesvc.finish(process)

    assert (done.code, done.out) == (130, "")
    assert done.err == (
        "Interrupted: ending the call on 1 host; Ctrl-C again drops the connection\n"
        "web1: interrupted\n"
    )
    assert len(list(places.iterdir())) == 1
    assert_gone(places)


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
    assert "Interrupted: ending the call on 2 hosts; Ctrl-C again drops the conn" in done.err
    assert [(record["host"], record["outcome"]) for record in done.records] == [
        ("web1", "interrupted"),
        ("web2", "interrupted"),
    ]
    assert re.search(r"\n1 ok, 2 interrupted \((web1, web2|web2, web1)\) in ", done.err)
    assert_gone(places)


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
    assert_gone(places)


def test_a_reader_that_has_gone_is_a_quiet_end(remotesvc: Program) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    process = remotesvc.start("run", "@local", "app.health.write", "100000", stdout=writer)
    os.close(writer)

    done = remotesvc.finish(process)

    assert (done.code, done.err) == (141, "")


def test_call_that_timed_out_cleans_up_over_there_and_the_next_host_goes_on(
    remotesvc: Program, server: SshServer, places: Path, gate: Path
) -> None:
    words = ("-F", server.config_file, "@local,web1", "app.health.clean_up", places, gate)
    for timeout in TIMEOUTS:
        running = remotesvc.run(*words, "--timeout", timeout, "--forks", 1)
        if all(has_been_let_go(running, host, gate) for host in ("@local", "web1")):
            break
        running.end()  # one had not begun

    done = running.end()

    assert (done.code, done.out) == (4, "")
    lines = done.err.splitlines()
    for host in ("@local", "web1"):
        assert f"{host}: cleaned up" in lines
        late = f"{host}: app.health.clean_up did not return within {timeout:g} s (--timeout)"
        assert late in lines, done.err
    assert lines[-1].startswith("2 timed out (@local, web1) in ")
    assert_gone(places)
