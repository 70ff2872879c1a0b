"""Nothing of a server stays behind, however its owner ends."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest

from remotesvc.testing.options import Kind
from remotesvc.testing.server import SshServer, start_server
from tests.controller.ssh.hosts import start_bare
from tests.testing.client import Holdings, connected, is_running, run, wait_for_end

OWNER = Path(__file__).with_name("owner_program.py")

# Ends neither at the end of its input nor at SIGTERM, and leaves a process in another session.
STUBBORN = "trap '' TERM HUP; setsid sleep 1000 >/dev/null 2>&1 & echo $$ $!; exec sleep 1000"

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc, uses pidfd")


def test_close_ends_all_sessions_and_removes_the_folder(kind: Kind) -> None:
    before = Holdings.now()

    with start_bare(kind) as server:
        pids = _start_stubborn(server)
        assert all(map(is_running, pids))

    assert not any(map(is_running, [*pids, server.pid]))
    assert not server.folder.exists()
    assert Holdings.now().new_since(before) == []


def test_an_exception_in_the_block_leaves_nothing(kind: Kind) -> None:
    before = Holdings.now()

    with pytest.raises(ZeroDivisionError), start_server(kind) as server:
        raise ZeroDivisionError

    assert not is_running(server.pid)
    assert not server.folder.exists()
    assert Holdings.now().new_since(before) == []


def test_the_log_can_be_read_after_close_and_closing_twice_is_fine(kind: Kind) -> None:
    with start_bare(kind) as server, connected(server) as client:
        run(client, "true")
    server.close()

    assert "ccepted publickey" in server.log_text()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_all_ends_with_an_owner_that_is_killed(kind: Kind, number: signal.Signals) -> None:
    with _owner(kind, "hold") as owner:
        pids = _start_stubborn(owner.server)

        owner.process.send_signal(number)
        wait_for_end(owner.server.pid)

    assert not any(map(is_running, pids))
    assert not owner.server.folder.exists()


def test_a_detached_server_outlives_its_owner_until_it_is_stopped(kind: Kind) -> None:
    with _owner(kind, "detach") as owner:
        owner.process.wait()
    server = owner.server

    try:
        with connected(server) as client:
            assert run(client, "echo still here").output == b"still here\n"
    finally:
        subprocess.run(owner.stop_command.split(), check=True)
        wait_for_end(server.pid)

    assert not server.folder.exists()


def test_detaching_leaves_the_owner_with_nothing(kind: Kind) -> None:
    before = Holdings.now()

    with start_server(kind) as server:
        kept = server.detach()

    was_running = is_running(kept.pid)
    os.kill(kept.pid, signal.SIGTERM)
    os.waitpid(kept.pid, 0)

    assert was_running
    assert not server.folder.exists()
    assert Holdings.now().new_since(before) == []


def test_a_server_that_ends_by_itself_is_still_cleaned_up(kind: Kind) -> None:
    with start_server(kind) as server:
        program = int(Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text())
        os.kill(program, signal.SIGKILL)
        wait_for_end(program)

    assert not server.folder.exists()
    assert not is_running(server.pid)


def test_even_a_killed_supervisor_leaves_no_server(kind: Kind) -> None:
    before = Holdings.now()

    with start_server(kind) as server:
        program = int(Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text())
        os.kill(server.pid, signal.SIGKILL)
        wait_for_end(server.pid)

    wait_for_end(program)
    assert not server.folder.exists()
    assert Holdings.now().new_since(before) == []


@dataclass
class _Owner:
    process: "subprocess.Popen[str]"
    server: SshServer
    stop_command: str

    def __enter__(self) -> "_Owner":
        return self

    def __exit__(self, *error: object) -> None:
        self.process.kill()
        self.process.communicate()


def _owner(kind: Kind, mode: str) -> _Owner:
    process = subprocess.Popen(
        [sys.executable, str(OWNER), kind, mode],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path))},
    )
    assert process.stdout is not None
    facts = json.loads(process.stdout.readline())
    stop_command = facts.pop("stop_command")
    for name in ("folder", "known_hosts", "identity_file"):
        facts[name] = Path(facts[name])
    server = SimpleNamespace(**facts)
    return _Owner(process, server, stop_command)  # type: ignore[arg-type] # the facts are all that is used


def _start_stubborn(server: SshServer) -> list[int]:
    """Start a command that has to be killed; return its process ids; the client goes."""
    with connected(server) as client:
        stdout = client.exec_command(STUBBORN)[1]
        return [int(word) for word in stdout.readline().split()]
