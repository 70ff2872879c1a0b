"""Children in containers and the like: how each program is called, and what goes wrong there.

podman is the real one where it runs. Where no engine runs, a program of the same command line
stands in, which reads it as the real one does and really executes what it is given.
"""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from remotesvc import (
    AuthenticationError,
    ConnectError,
    Context,
    InterpreterError,
    ResolveError,
    Router,
)
from remotesvc.connect import chroot, docker, kubectl, lxc, podman
from tests.connect.pods import running_podman
from tests.integration.hosts import needs_program, write_program

COMMAND = ["sh", "-c", "exec true"]

# Reads options as far as it knows them, finds the place, and runs the rest.
STAND_IN = """\
#!{python}
import json, os, sys
words = sys.argv[1:]
with open({log!r}, "w") as file:
    json.dump(words, file)
place, command, status = {read}
if place != "web":
    print({missing!r}, file=sys.stderr)
    sys.exit(1)
if status:
    print(status, file=sys.stderr)
    sys.exit(1)
os.execvp(command[0], command)
"""

# Program, how the stand-in reads its words, what it says of a place that it does not know.
KINDS = [
    ("docker", "words[2], words[3:], ''", "Error: No such container: x"),
    (
        "kubectl",
        "words[words.index('--') - 1], words[words.index('--') + 1 :], ''",
        'Error from server (NotFound): pods "x" not found',
    ),
    ("incus", "words[1], words[words.index('--') + 1 :], ''", "Error: Instance not found"),
    ("lxc", "words[1], words[words.index('--') + 1 :], ''", "Error: Instance not found"),
    (
        "lxc-attach",
        "words[1], words[words.index('--') + 1 :], ''",
        "lxc-attach: x: ../src/lxc/tools/lxc_attach.c: main: container not found",
    ),
]


def opener(router: Router, program: str) -> Callable[..., Context]:
    name = "lxc" if program in ("incus", "lxc", "lxc-attach") else program
    found: Callable[..., Context] = getattr(router, name)
    return found


def stand_in(
    folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, read: str, missing: str
) -> Path:
    """Put a program on PATH, in front of whatever is there; return where it says what it heard."""
    log = folder / "heard"
    text = STAND_IN.format(python=sys.executable, log=str(log), read=read, missing=missing)
    write_program(folder / name, text)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return log


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (
            podman.argv(COMMAND, "web", "app", "/srv", "podman", ["--privileged"]),
            "podman exec -i -u app -w /srv --privileged web",
        ),
        (docker.argv(COMMAND, "web"), "docker exec -i web"),
        (kubectl.argv(COMMAND, "web"), "kubectl exec -i web --"),
        (
            kubectl.argv(COMMAND, "web", "shop", "app", "prod"),
            "kubectl exec -i --context prod -n shop -c app web --",
        ),
        (lxc.argv(COMMAND, "web", 1000, "/srv"), "incus exec web -T --user 1000 --cwd /srv --"),
        (lxc.argv(COMMAND, "web", None, None, "lxc"), "lxc exec web -T --"),
        (
            lxc.argv(COMMAND, "web", 1000, None, "/usr/bin/lxc-attach"),
            "/usr/bin/lxc-attach -n web -u 1000 --",
        ),
        (chroot.argv(COMMAND, "/srv/x", "app"), "chroot --userspec=app /srv/x"),
    ],
)
def test_program_is_called_with_what_was_asked_for(call: list[str], words: str) -> None:
    assert call == words.split() + COMMAND


@pytest.mark.parametrize(("name", "read", "missing"), KINDS)
def test_child_runs_where_the_program_puts_it(
    router: Router,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    read: str,
    missing: str,
) -> None:
    log = stand_in(tmp_path, monkeypatch, name, read, missing)
    program = {} if name in ("docker", "kubectl") else {"program": name}
    child = opener(router, name)("web", python_path=sys.executable, **program)
    assert child.name in (f"{name}:web", "lxc:web")
    assert child.call(os.getpid) == child.info.pid
    assert '"web"' in log.read_text()
    with pytest.raises(ResolveError, match=r"there is no|has no such") as caught:
        opener(router, name)("db", **program).call(os.getpid)
    assert "db" in str(caught.value) and "`" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "says", "kind", "text"),
    [
        ("docker", "Error: container 0ab is not running", ConnectError, "`docker start web`"),
        ("docker", "Cannot connect to the Docker daemon", ConnectError, "reach its engine"),
        ("docker", "unable to find user app: no", AuthenticationError, "has no user None"),
        ("docker", 'chdir to cwd ("/x") set in config.json', ConnectError, "no such workdir"),
        ("docker", 'exec: "sh": executable file not found', InterpreterError, "it has no sh"),
        ("kubectl", "error: container not found", ResolveError, "has no such container"),
        ("kubectl", "error: cannot exec into a completed pod", ConnectError, "does not run"),
        ("kubectl", "Unable to connect to the server: x", ConnectError, "reach the cluster"),
        ("incus", "Error: Instance is not running", ConnectError, "does not run: start it"),
        ("lxc-attach", "Failed to get init pid", ConnectError, "does not run: start it"),
    ],
)
def test_what_goes_wrong_there_is_told_with_what_to_do(
    router: Router,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    says: str,
    kind: type[Exception],
    text: str,
) -> None:
    stand_in(tmp_path, monkeypatch, name, f"'web', [], {says!r}", "")
    program = {} if name in ("docker", "kubectl") else {"program": name}
    with pytest.raises(kind, match=text) as caught:
        opener(router, name)("web", **program).call(os.getpid)
    assert says in str(caught.value)


@pytest.mark.parametrize("name", ["podman", "docker", "kubectl", "lxc", "nspawn"])
def test_engine_that_is_missing_is_named(
    router: Router, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(ConnectError, match=r"is not installed on .*program="):
        getattr(router, name)("web")


def test_engine_of_lxc_is_the_first_that_is_installed(
    router: Router, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, read, missing = KINDS[3]
    stand_in(tmp_path, monkeypatch, "lxc", read, missing)
    (tmp_path / "sh").symlink_to("/bin/sh")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert router.lxc("web", python_path=sys.executable).call(os.getpid)


# -- the real ones -------------------------------------------------------------------------------


def is_root() -> bool:
    return os.geteuid() == 0


@pytest.mark.skipif(not is_root(), reason="only root may change the root folder")
def test_child_runs_in_another_root_folder(router: Router, tmp_path: Path) -> None:
    needs_program("chroot")
    child = router.chroot("/", user="1:1", python_path=["/usr/bin/python3", "python3"])
    assert (child.name, child.call(os.getuid), child.call(os.getgid)) == ("chroot:/", 1, 1)
    with pytest.raises(ResolveError, match="there is no folder"):
        router.chroot("/nonexistent").call(os.getpid)
    with pytest.raises(InterpreterError, match="has no sh in it"):
        router.chroot(str(tmp_path)).call(os.getpid)


@pytest.fixture(scope="module")
def engine() -> Iterator[tuple[str, str]]:
    """A real podman with one container, whose programs are those of this machine."""
    with running_podman() as found:
        yield found


@pytest.mark.hosts  # a podman of its own: its store is not always free when it ends
def test_child_runs_in_a_container_of_podman(router: Router, engine: tuple[str, str]) -> None:
    program, name = engine
    child = router.podman(name, program=program)
    assert child.name == f"podman:{name}"
    assert child.call(os.uname)[1] != os.uname().nodename
    assert not child.call(os.path.exists, "/root")
    other = router.podman(name, program=program, user="app", workdir="/tmp")
    assert (other.call(os.getuid), other.call(os.getcwd)) == (1234, "/tmp")


@pytest.mark.hosts
def test_what_podman_says_is_told_with_what_to_do(router: Router, engine: tuple[str, str]) -> None:
    program, name = engine
    for where, opts, kind, text in (
        ("nowhere", {}, ResolveError, "there is no container nowhere"),
        (name, {"user": "nobody7"}, AuthenticationError, "has no user nobody7"),
        (name, {"workdir": "/nowhere"}, ConnectError, f"{name} has no such workdir"),
        (name, {"python_path": "python9"}, InterpreterError, "tried python9"),
    ):
        with pytest.raises(kind, match=text):
            router.podman(where, program=program, **opts).call(os.getpid)
