"""Hosts that are chains: what runs where, what is shared, what is left when it ends."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from remotesvc.testing.options import ServerOptions
from remotesvc.testing.server import SshServer
from tests.cli.program import Done, Program, assert_gone
from tests.connect.accounts import needs_root
from tests.controller.ssh.hosts import start_bare
from tests.integration.hosts import needs_program


@pytest.fixture(scope="module")
def inner() -> Iterator[SshServer]:
    """A second server, which lets in the keys of its own folder."""
    with start_bare(options=ServerOptions(aliases=("inner",))) as server:
        yield server


@pytest.fixture
def both(remotesvc: Program, server: SshServer, inner: SshServer) -> Path:
    """A configuration that knows both servers; ssh programs over there have it too."""
    path = remotesvc.folder / "both"
    path.write_text(f"Include {server.config_file}\nInclude {inner.config_file}\n")
    return path


def test_function_runs_in_the_last_context_under_the_name_that_was_typed(
    remotesvc: Program, server: SshServer
) -> None:
    done = remotesvc(
        "run", "-F", server.config_file, "web1/local,@local/local", "app.health.check", "/srv"
    )

    assert done.code == 0
    assert {line.partition(": ")[0] for line in done.out.splitlines()} == {
        "web1/local",
        "@local/local",
    }
    assert "web1/local: looking at /srv\n" in done.err
    assert "@local/local: looking at /srv\n" in done.err


def test_sudo_on_the_way_needs_no_option(remotesvc: Program, server: SshServer) -> None:
    needs_root()
    needs_program("sudo")

    done = remotesvc("run", "-F", server.config_file, "web1/sudo:nobody", "getpass.getuser")

    assert done == Done(0, "nobody\n", "")


@pytest.mark.parametrize("method", ["sudo", "su"])
def test_become_is_on_every_host(remotesvc: Program, server: SshServer, method: str) -> None:
    needs_root()
    needs_program(method)
    words = ("os.environ.get", "HOME", "--become-method", method, "--become=nobody", "--json")

    done = remotesvc("run", "-F", server.config_file, "web1,@local", *words)

    found = [(record["host"], record["outcome"]) for record in done.records]
    assert found == [("@local", "ok"), ("web1", "ok")]


def test_via_is_opened_once_for_all_hosts(remotesvc: Program, server: SshServer) -> None:
    before = server.log_text().count("Connection from")

    done = remotesvc(
        *("run", "-F", server.config_file, "--via", "web1"),
        *("@local,@local/local", "os.getppid"),
    )

    assert done.code == 0
    parents = re.findall(r": (\d+)\n", done.out)
    assert len(parents) == 2
    if server.kind == "sshd":
        assert server.log_text().count("Connection from") == before + 1


@pytest.mark.parametrize("transport", ["paramiko", "openssh"])
def test_several_users_of_a_host_come_by_one_login(
    remotesvc: Program, server: SshServer, transport: str
) -> None:
    needs_root()
    for program in ("sudo", "su", "ssh"):
        needs_program(program)
    # The system's ssh has a context of its own log in anew, unless ssh_config says ControlMaster.
    also = ",web1" if transport == "paramiko" else ""
    before = server.log_text().count("Accepted publickey")

    done = remotesvc(
        *("run", "-F", server.config_file, "--transport", transport),
        *(f"web1/sudo:root,web1/sudo:nobody,web1/su:nobody{also}", "getpass.getuser"),
    )

    assert done.code == 0
    assert sorted(done.out.splitlines()) == [
        "web1/su:nobody: nobody",
        "web1/sudo:nobody: nobody",
        "web1/sudo:root: root",
        *(["web1: root"] if also else []),
    ]
    if server.kind == "sshd":
        assert server.log_text().count("Accepted publickey") == before + 1


def test_host_behind_via_is_reached_by_the_ssh_program_over_there(
    remotesvc: Program, server: SshServer, inner: SshServer
) -> None:
    needs_program("ssh")
    # What the other host's ssh knows is its own: here it has to be told, in the home of its user.
    done = remotesvc(
        *("run", "-F", server.config_file, "--via", "web1"),
        *(f"127.0.0.1:{inner.port}", "os.getpid", "--host-key-policy", "strict"),
    )

    assert done.code == 3
    host = f"127.0.0.1:{inner.port}"
    assert done.err.startswith(f"{host}: its key is unknown") or "not let in" in done.err
    assert done.err.rstrip().endswith(("(phase: host key)", "(phase: auth)"))


@pytest.mark.parametrize("transport", ["paramiko", "openssh"])
def test_jump_goes_through_another_host_with_either_transport(
    remotesvc: Program, both: Path, transport: str
) -> None:
    if transport == "openssh":
        needs_program("ssh")

    done = remotesvc(
        *("run", "-F", both, "inner", "os.getuid"),
        *("--jump", "web1", "--transport", transport),
    )

    assert (done.code, done.err) == (0, "")


def test_what_keeps_a_shared_context_away_is_told_for_each_host(remotesvc: Program) -> None:
    done = remotesvc(
        *("run", "-F", "none", "--via", "127.0.0.1:7"),
        *("@local,web1/sudo", "os.getpid"),
    )

    assert (done.code, done.out) == (3, "")
    for host in ("@local", "web1/sudo"):
        assert f"{host}: 127.0.0.1:7: cannot connect to 127.0.0.1 port 7" in done.err
    assert "2 unreachable" in done.err


def test_user_that_does_not_exist_is_told_with_the_phase(
    remotesvc: Program, server: SshServer
) -> None:
    needs_root()
    needs_program("sudo")

    done = remotesvc(
        "run", "-F", server.config_file, "web1", "os.getpid", "--become", "nosuchuser"
    )

    assert (done.code, done.out) == (3, "")
    assert done.err.startswith("web1: sudo let nobody in (exit status 1)")
    assert done.err.endswith("give -K (phase: auth)\n")


def test_ctrl_c_ends_every_context_of_a_chain(
    remotesvc: Program, server: SshServer, places: Path
) -> None:
    words = ("web1/local/local", "app.health.wait", places, "--json")
    running = remotesvc.run("-F", server.config_file, *words)
    running.wait_for("waiting")
    running.press()

    done = running.end()

    assert (done.code, [record["outcome"] for record in done.records]) == (130, ["interrupted"])
    assert_gone(places)


def test_second_ctrl_c_drops_every_context_of_a_chain(
    remotesvc: Program, server: SshServer, places: Path
) -> None:
    running = remotesvc.run(
        *("-F", server.config_file, "--via", "web1", "@local", "app.health.refuse", places)
    )
    running.wait_for("waiting")
    running.press()
    running.wait_for("not now")
    running.press()

    done = running.end()

    assert done.code == 130
    assert "Interrupted: dropping the connection to 1 host" in done.err
    assert_gone(places)
