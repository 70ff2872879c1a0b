"""Ctrl-C, and a reader that goes away or is slow: methods of services end as functions do."""

import os
import signal
from pathlib import Path

import pytest

from remotesvc.testing.server import SshServer
from tests.cli.program import Program, assert_gone
from tests.integration.waiting import TIMEOUTS

STREAMS = "app.logs.StreamService"


@pytest.mark.parametrize("host", ["@local", "web1"])
@pytest.mark.parametrize("method", ["wait", "follow"])
def test_ctrl_c_ends_the_method_and_its_finally_blocks_run_undisturbed(
    remotesvc: Program, server: SshServer, places: Path, gate: Path, host: str, method: str
) -> None:
    running = remotesvc.call("-F", server.config_file, host, f"{STREAMS}.{method}", places, gate)
    running.wait_for("waiting")
    out = running.read_result() if method == "follow" else ""
    running.press()
    running.wait_for("cleaning up")
    gate.write_text("")

    done = running.end()

    assert (done.code, done.out) == (130, "")
    assert out == ("first\n" if method == "follow" else "")
    assert set(done.err.splitlines()) == {
        f"{host}: cleaned up",
        f"{host}: cleaning up",
        f"{host}: interrupted",
        f"{host}: waiting",
        "Interrupted: ending the call on 1 host; Ctrl-C again drops the connection",
    }
    assert_gone(places)


def test_method_that_refuses_to_end_is_ended(remotesvc: Program, places: Path) -> None:
    running = remotesvc.call("@local", f"{STREAMS}.refuse", places)
    running.wait_for("waiting")
    running.press()

    done = running.end()

    assert (done.code, done.out) == (130, "")
    assert done.err.endswith("@local: interrupted\n")
    assert_gone(places)


def test_second_one_drops_the_connection(remotesvc: Program, places: Path) -> None:
    running = remotesvc.call("@local", f"{STREAMS}.refuse", places, "--json")
    running.wait_for("waiting")
    running.press()
    running.wait_for("not now")
    running.press()

    done = running.end()

    assert (done.code, [record["outcome"] for record in done.records]) == (130, ["interrupted"])
    assert "Interrupted: dropping the connection to 1 host" in done.err
    assert_gone(places)


def test_streams_of_several_hosts_end_together(remotesvc: Program, server: SshServer) -> None:
    process = remotesvc.start(
        "call", "-F", server.config_file, "web1,@local,web2", f"{STREAMS}.stall"
    )
    assert process.stdout is not None
    first = sorted(process.stdout.readline() for _ in range(3))
    process.send_signal(signal.SIGINT)

    done = remotesvc.finish(process)

    assert first == ["@local: 1\n", "web1: 1\n", "web2: 1\n"]
    assert (done.code, done.out) == (130, "")
    assert "3 interrupted (" in done.err.splitlines()[-1]


def test_timeout_ends_the_method_and_its_finally_blocks_run(
    remotesvc: Program, places: Path, gate: Path
) -> None:
    for timeout in TIMEOUTS:
        words = ("@local", f"{STREAMS}.follow", places, gate, "--timeout", timeout)
        running = remotesvc.call(*words)
        if running.says("cleaning up"):
            gate.write_text("")
        done = running.end()
        if done.out:
            break  # else it had not begun, or its first value was still on its way

    assert (done.code, done.out) == (4, "first\n")
    assert "@local: cleaned up\n" in done.err
    assert f"@local: {STREAMS}.follow yielded nothing for {timeout:g} s (--timeout)\n" in done.err
    assert_gone(places)


def test_reader_that_has_gone_is_a_quiet_end_of_the_stream(remotesvc: Program) -> None:
    process = remotesvc.start("call", "@local", f"{STREAMS}.large", "size=1000")
    assert process.stdout is not None
    assert process.stdout.readline() == "x" * 1000 + "\n"
    process.stdout.close()
    process.stdout = None

    done = remotesvc.finish(process)

    assert (done.code, done.err) == (141, "")


def test_reader_that_does_not_read_stops_the_method_and_ctrl_c_ends_it(
    remotesvc: Program,
) -> None:
    reader, writer = os.pipe()
    process = remotesvc.start("call", "@local", f"{STREAMS}.large", "100000", stdout=writer)
    os.close(writer)
    os.read(reader, 1)
    process.send_signal(signal.SIGINT)

    done = remotesvc.finish(process)

    os.close(reader)
    assert done.code == 130
    assert "Traceback" not in done.err
