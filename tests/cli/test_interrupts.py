"""Signals at every moment of a command: what they end, what is told, and never a traceback."""

import fcntl
import os
import pty
import signal
import socket
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from remotesvc.cli.interrupts import Interrupts
from remotesvc.testing.server import SshServer
from tests.cli.program import MODULE, Done, Program, Running, assert_gone, pids
from tests.controller.ssh.hosts import relay_command

DEADLINE = 20.0

# What a host's `sitecustomize` is to the command line: something that happens at a moment we name.
PRESS = "import os, signal\ndef press():\n    os.kill(os.getpid(), signal.SIGINT)\n"

WHILE_LOADING = """
import sys
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "click":
            press()
sys.meta_path.insert(0, Finder())
"""

AT_EXIT = """
import atexit
atexit.register(press)
"""

LOOKING_UP = """
import socket, sys, threading
def look_up(*args):
    print("looking up", file=sys.stderr, flush=True)
    threading.Event().wait()
socket.getaddrinfo = look_up
"""


@pytest.fixture(params=["@local", "web1"])
def host(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def customize(remotesvc: Program, text: str) -> None:
    """Have the command's interpreter run a program at its start."""
    folder = remotesvc.folder / "customized"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(PRESS + text)
    remotesvc.environment["PYTHONPATH"] = str(folder)


# -- the first one -------------------------------------------------------------------------------


def test_finally_blocks_run_undisturbed_and_what_they_print_is_shown(
    remotesvc: Program, server: SshServer, places: Path, gate: Path, host: str
) -> None:
    running = remotesvc.run("-F", server.config_file, host, "app.health.clean_up", places, gate)
    running.wait_for("waiting")
    running.press()
    running.wait_for("cleaning up")
    gate.write_text("")

    done = running.end()

    assert (done.code, done.out) == (130, "")
    assert set(lines(done)) == {
        f"{host}: cleaned up",
        f"{host}: cleaning up",
        f"{host}: interrupted",
        f"{host}: waiting",
        "Interrupted: ending the call on 1 host; Ctrl-C again drops the connection",
    }
    assert_gone(places)


def test_function_that_refuses_to_end_is_ended(
    remotesvc: Program, server: SshServer, places: Path, host: str
) -> None:
    running = remotesvc.run("-F", server.config_file, host, "app.health.refuse", places)
    running.wait_for("waiting")
    running.press()

    done = running.end()

    assert (done.code, done.out) == (130, "")
    assert done.err.count("not now") == 1
    assert done.err.endswith(f"{host}: interrupted\n")
    assert_gone(places)


def test_hosts_whose_turn_has_not_come_are_not_begun(
    remotesvc: Program, server: SshServer, places: Path
) -> None:
    hosts = "web1,@local,web2,127.0.0.1"
    running = remotesvc.run(
        "-F", server.config_file, hosts, "app.health.wait", places, "-f", 1, "--json"
    )
    running.wait_for("waiting")
    running.press()

    done = running.end()

    assert done.code == 130
    assert "ending the call on 1 host;" in done.err
    assert "4 interrupted (" in done.err.splitlines()[-1]
    assert len(pids(places)) == 1
    assert {(one["host"], one["outcome"], one["exit_code"]) for one in done.records} == {
        (name, "interrupted", 130) for name in hosts.split(",")
    }
    assert_gone(places)


def test_sigterm_does_the_same_and_tells_so_by_its_exit_code(
    remotesvc: Program, places: Path
) -> None:
    running = remotesvc.run("@local", "app.health.wait", places)
    running.wait_for("waiting")
    running.press(signal.SIGTERM)

    done = running.end()

    assert (done.code, done.out) == (143, "")
    assert done.err.endswith("@local: interrupted\n")
    assert_gone(places)


def test_signal_that_the_shell_has_ignored_stays_ignored(remotesvc: Program, gate: Path) -> None:
    ignored = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        running = remotesvc.run("@local", "app.health.pass_through", gate)
    finally:
        signal.signal(signal.SIGINT, ignored)
    running.wait_for("waiting")
    running.press()
    gate.write_text("")

    assert running.end() == Done(0, "passed\n", "@local: waiting\n")


# -- while connecting ----------------------------------------------------------------------------


def test_name_lookup_that_hangs_is_given_up_at_once(remotesvc: Program) -> None:
    customize(remotesvc, LOOKING_UP)
    running = remotesvc.run("-F", "none", "nowhere.example", "os.getpid")
    running.wait_for("looking up")
    began = time.monotonic()
    running.press()

    done = running.end()

    assert done == Done(130, "", "looking up\nnowhere.example: interrupted\n")
    assert time.monotonic() - began < DEADLINE


def test_address_that_does_not_answer_is_given_up_at_once(remotesvc: Program) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        port = full.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            running = remotesvc.run("-F", "none", f"127.0.0.1:{port}", "os.getpid")
            wait_for_syn(port)
            running.press()

            done = running.end()

    assert done == Done(130, "", f"127.0.0.1:{port}: interrupted\n")


def test_python_that_never_starts_is_given_up_at_once(remotesvc: Program, gate: Path) -> None:
    python = remotesvc.folder / "python3"
    python.write_text(f"#!/bin/sh\necho > {gate}\nexec sleep 60\n")
    python.chmod(0o755)
    running = remotesvc.run("@local", "os.getpid", "--python", python)
    gate.read_text()
    running.press()

    assert running.end() == Done(130, "", "@local: interrupted\n")


def wait_for_syn(port: int) -> None:
    """Wait until somebody tries to connect to a port in vain; the system alone knows."""
    limit = time.monotonic() + DEADLINE
    while f":{port:04X} 02 " not in Path("/proc/net/tcp").read_text():
        assert time.monotonic() < limit
        time.sleep(0.01)


# -- the second one, and the third ---------------------------------------------------------------


def test_second_one_drops_the_connection(
    remotesvc: Program, server: SshServer, places: Path, host: str
) -> None:
    running = remotesvc.run("-F", server.config_file, host, "app.health.refuse", places, "--json")
    running.wait_for("waiting")
    running.press()
    running.wait_for("not now")
    running.press()

    done = running.end()

    assert (done.code, [record["outcome"] for record in done.records]) == (130, ["interrupted"])
    assert "Interrupted: dropping the connection to 1 host" in lines(done)
    assert f"{host}: interrupted" in lines(done)
    assert_gone(places)


@pytest.mark.parametrize("count", [2, 4])
def test_however_often_it_is_pressed_there_is_no_traceback(
    remotesvc: Program, server: SshServer, places: Path, count: int
) -> None:
    hosts = "@local,web1"
    running = remotesvc.run("-F", server.config_file, hosts, "app.health.refuse", places)
    for _ in range(2):
        running.wait_for("waiting")
    for _ in range(count):
        running.press()

    done = running.end()

    assert done.code == 130
    assert all(
        line.startswith((*hosts.split(","), "Interrupted", "2 int")) for line in lines(done)
    )
    assert_gone(places)


def lines(done: Done) -> list[str]:
    return done.err.splitlines()


# -- at odd moments ------------------------------------------------------------------------------


def test_it_is_quiet_while_the_program_is_loaded(remotesvc: Program) -> None:
    customize(remotesvc, WHILE_LOADING)

    assert remotesvc("run", "@local", "builtins.abs", "-5") == Done(130, "", "")


def test_it_is_quiet_and_changes_nothing_when_all_is_done(remotesvc: Program) -> None:
    customize(remotesvc, AT_EXIT)

    assert remotesvc("run", "@local", "builtins.abs", "-5") == Done(0, "5\n", "")


def test_reader_that_does_not_read_does_not_keep_it(remotesvc: Program) -> None:
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    process = remotesvc.start("run", "@local", "app.health.write", "1000000", stdout=writer)
    os.close(writer)
    os.read(reader, 1)
    process.send_signal(signal.SIGINT)

    done = remotesvc.finish(process)

    os.close(reader)
    assert (done.code, done.err) == (130, "")


@pytest.mark.sshd
def test_the_demo_takes_its_server_along(remotesvc: Program) -> None:
    process = remotesvc.start("demo")
    assert process.stdout is not None
    assert "An SSH server" in process.stdout.readline()
    process.send_signal(signal.SIGINT)

    done = remotesvc.finish(process)

    assert done.code == 130
    assert done.err.splitlines()[-1] == "Interrupted: the server and its files are removed"
    assert "Traceback" not in done.err


# -- in a terminal -------------------------------------------------------------------------------


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    ours, theirs = pty.openpty()
    yield ours, theirs
    os.close(ours)
    os.close(theirs)


def test_programs_on_the_way_to_the_host_outlive_ctrl_c_in_a_terminal(
    remotesvc: Program,
    server: SshServer,
    places: Path,
    gate: Path,
    terminal: tuple[int, int],
    tmp_path: Path,
) -> None:
    config = tmp_path / "proxied"
    command = relay_command(tmp_path, server.port)
    config.write_text(f"Host web1\n  ProxyCommand {command}\nInclude {server.config_file}\n")
    words = ("run", "-F", str(config), "web1", "app.health.clean_up", str(places), str(gate))
    ours, theirs = terminal
    process = subprocess.Popen(
        [sys.executable, "-c", IN_TERMINAL, *MODULE, *words],
        cwd=remotesvc.folder,
        env=remotesvc.environment,
        stdin=theirs,
        stdout=theirs,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    running = Running(remotesvc, process)
    running.wait_for("waiting")
    os.write(ours, b"\x03")
    running.wait_for("cleaning up")
    gate.write_text("")

    done = running.end()

    assert done.code == 130
    assert {"web1: cleaned up", "web1: interrupted"} < set(lines(done))
    assert_gone(places)


# Makes the terminal on stdin the controlling one, so that its Ctrl-C is a signal.
IN_TERMINAL = f"""
import fcntl, os, sys
fcntl.ioctl(0, {termios.TIOCSCTTY}, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""


# -- the class itself ----------------------------------------------------------------------------


class Work:
    """Notes what is done to it."""

    def __init__(self, *, is_over: bool = False) -> None:
        self.is_over = is_over
        self.done: list[str] = []

    def interrupt(self) -> None:
        self.done.append("interrupt")

    def drop(self) -> None:
        self.done.append("drop")

    def close(self) -> None:
        self.done.append("close")


def test_handlers_are_put_back_and_the_first_signal_is_known() -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    work = Work()

    with Interrupts(work, is_patient=True) as interrupts:
        assert interrupts.received == 0
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGINT):
            signal.raise_signal(number)

    assert work.done == ["interrupt", "drop", "drop"]
    assert interrupts.received == signal.SIGTERM
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_signal_that_another_thread_was_given_is_heard_while_this_one_waits() -> None:
    interrupted = threading.Event()

    class Waited(Work):
        def interrupt(self) -> None:
            interrupted.set()

    main = threading.get_native_id()

    def take_it() -> None:
        while " (sleeping)" not in Path(f"/proc/self/task/{main}/status").read_text():
            pass  # it does not wait yet
        signal.raise_signal(signal.SIGINT)  # for the thread that raises it

    other = threading.Thread(target=take_it)
    with Interrupts(Waited(), is_patient=True) as interrupts:
        other.start()
        assert interrupted.wait(DEADLINE)
        other.join()

    assert interrupts.received == signal.SIGINT


def test_block_that_ends_in_time_is_not_cut_short() -> None:
    work = Work(is_over=True)

    with Interrupts(work) as interrupts:
        signal.raise_signal(signal.SIGINT)

    assert work.done == ["interrupt", "close"]
    assert interrupts.received == signal.SIGINT


def test_elsewhere_than_on_the_main_thread_no_handler_is_touched() -> None:
    found: list[object] = []

    def enter() -> None:
        with Interrupts(Work()):
            found.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()

    assert found == [signal.getsignal(signal.SIGINT)]
