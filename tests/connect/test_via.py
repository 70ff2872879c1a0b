"""Every connector but paramiko runs inside any child, with the programs and accounts there."""

import os
import sys
from collections.abc import Iterator, Sequence

import pytest

from remotesvc import AuthenticationError, ConnectError, Context, ResolveError, Router, Secret
from tests.connect.accounts import Account, doas_conf, needs_root, shared_python, sudoers
from tests.connect.test_containers import KINDS, STAND_IN
from tests.controller.ssh.hosts import start_bare
from tests.integration.hosts import needs_program, write_program

Question = tuple[str, bool]


@pytest.fixture(scope="module")
def relay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Context]:
    """A child on whose PATH a stand-in for each engine lies; nothing of it lies on ours."""
    folder = tmp_path_factory.mktemp("engines")
    for name, read, missing in KINDS:
        log = str(folder / f"{name}-heard")
        text = STAND_IN.format(python=sys.executable, log=log, read=read, missing=missing)
        write_program(folder / name, text)
    path = f"{folder}{os.pathsep}{os.environ['PATH']}"
    with Router() as router:
        yield router.local(name="relay", env={"PATH": path})


def of(relay: Context) -> Router:
    """Return its router."""
    router = relay.router
    assert isinstance(router, Router)
    return router


@pytest.mark.parametrize("program", [name for name, _, _ in KINDS])
def test_engines_are_those_of_the_host_that_it_runs_on(relay: Context, program: str) -> None:
    kind = "lxc" if program in ("incus", "lxc", "lxc-attach") else program
    options = {"program": program} if kind == "lxc" else {}
    child = of(relay).open(kind, **_target(kind), via=relay, **options)
    assert child.name.startswith(f"relay/{kind}:web")
    assert child.call(os.getppid) == relay.info.pid
    missing = of(relay).open(kind, **_target(kind, "db"), via=relay, **options)
    with pytest.raises(ResolveError, match="db"):
        missing.call(os.getpid)
    child.shutdown()


def _target(kind: str, name: str = "web") -> dict[str, str]:
    return {{"lxc": "instance", "kubectl": "pod"}.get(kind, "container"): name}


def test_engine_that_only_this_host_lacks_is_told_as_lacking_there(relay: Context) -> None:
    with pytest.raises(
        ConnectError, match=r"relay/podman:web: podman-of-nowhere is not installed on"
    ):
        of(relay).podman("web", via=relay, program="podman-of-nowhere").call(os.getpid)


def test_exec_and_chroot_run_there(relay: Context) -> None:
    nice = of(relay).exec(["nice", "-n", "5"], via=relay, python_path=sys.executable)
    assert nice.call(os.nice, 0) == relay.call(os.nice, 0) + 5
    needs_root()
    inside = of(relay).chroot("/", via=relay, python_path=sys.executable)
    assert inside.call(os.getppid) == relay.info.pid


def test_password_of_another_user_is_typed_there(relay: Context, who: Account) -> None:
    needs_root()
    needs_program("su")
    python = shared_python()
    # Root is never asked, so it is not root that asks to become somebody.
    user = of(relay).su(who.name, via=relay, python_path=python)
    options = {"via": user, "tty": True, "python_path": python}
    for password in (who.password, Secret(who.password)):
        child = of(relay).su(who.name, password=password, **options)
        assert child.call(os.getuid) == who.uid
        child.shutdown()
    wrong = of(relay).su(who.name, password="wrong", **options)
    with pytest.raises(AuthenticationError, match="did not let us in with that password"):
        wrong.call(os.getuid)


def test_doas_becomes_root_there(relay: Context, who: Account) -> None:
    needs_root()
    python = shared_python()
    with doas_conf(f"permit {who.name}"):
        user = of(relay).su(who.name, via=relay, python_path=python)
        root = of(relay).doas(via=user, password=who.password, python_path=python)
        assert root.name == f"{user.name}/doas:root"
        assert root.call(os.getuid) == 0
        root.shutdown()
        wrong = of(relay).doas(via=user, password="wrong", python_path=python)
        with pytest.raises(AuthenticationError, match="did not let us in with that password"):
            wrong.call(os.getuid)


def test_machine_of_that_host_is_entered_there(relay: Context, leader: int) -> None:
    inside = of(relay).nspawn(str(leader), via=relay, python_path=sys.executable)
    assert inside.name == f"relay/nspawn:{leader}"
    assert inside.call(os.uname)[1] == "machine-of-test"
    inside.shutdown()
    nobody = of(relay).nspawn("machine-of-nobody", via=relay)
    with pytest.raises(ConnectError, match="relay/nspawn:machine-of-nobody: "):
        nobody.call(os.getpid)


def test_question_that_is_asked_there_is_answered_here(relay: Context, who: Account) -> None:
    needs_root()
    needs_program("sudo")
    asked: list[str] = []

    def answer(title: str, instructions: str, questions: Sequence[Question]) -> list[str]:
        asked.append(questions[0][0])
        return [who.password]

    python = shared_python()
    with sudoers(f"{who.name} ALL=(root) ALL"):
        user = of(relay).su(who.name, via=relay, python_path=python)
        root = of(relay).sudo(via=user, prompts=answer, python_path=python)
        assert root.call(os.getuid) == 0
        assert root.name == f"{user.name}/sudo:root" != user.name
    assert asked == ["password of sudo: "]


def test_login_of_another_host_happens_there(relay: Context) -> None:
    needs_program("ssh")
    with start_bare() as server:
        config = str(server.config_file)
        inner = of(relay).ssh("demo", via=relay, config_file=config)
        assert inner.call(os.getppid) != relay.info.pid
        assert inner.name == "relay/demo"
        nobody = of(relay).ssh("nowhere.invalid", via=relay, config_file=config)
        with pytest.raises(ConnectError, match=r"relay/nowhere\.invalid: "):
            nobody.call(os.getpid)
        inner.shutdown()
    with pytest.raises(ValueError, match="'openssh'"):
        of(relay).ssh("demo", via=relay, transport="paramiko")
