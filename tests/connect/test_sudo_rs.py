"""Becoming root by sudo-rs: the one of this machine, and that of a Debian which has it.

The second is a folder with a system of its own, where its setuid program, its rules and an account
are; the sudo of this machine is left alone. `make test-hosts` makes it, with debootstrap.
"""

import os
import secrets
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from remotesvc import AuthenticationError, Router
from tests.connect.accounts import Account, account, as_user, needs_root, shared_python, sudoers
from tests.connect.become import Login, arguments_and_environments, everything_said, refused
from tests.connect.test_detached import (
    KEEP,
    assert_is_kept_with_what_it_started,
    has_terminal,
)
from tests.hosts.images import BUILD_FOLDER, base_archive
from tests.integration.hosts import needs_namespaces, needs_program, write_program
from tests.integration.targets import work
from tests.integration.waiting import wait_until
from tests.testing.client import wait_for_end

# The first Debian that has it; 0.2.5 there.
SUITE = "trixie"

PASSWORD = "{} ALL=(ALL:ALL) ALL"
NO_PASSWORD = "{} ALL=(ALL:ALL) NOPASSWD: ALL"

# Leads into the folder, with what the program wants: /proc, and a terminal.
ENTER = "cd {root} && mount -t proc proc proc && mount --rbind /dev dev && exec chroot . {{line}}"

ASKING_AS = """\
#!/bin/sh
exec setpriv --reuid {name} --regid {name} --clear-groups sudo-rs "$@"
"""


@dataclass(frozen=True)
class Place:
    """A system with sudo-rs, and somebody there; root is its folder, None for this machine."""

    who: Account
    root: Path | None

    @contextmanager
    def rule(self, text: str) -> Iterator[None]:
        """Let him do what a line of sudoers says."""
        line = text.format(self.who.name)
        if self.root is None:
            with sudoers(line):
                yield
            return
        path = self.root / "etc/sudoers.d/test"
        path.write_text(line + "\n")
        try:
            yield
        finally:
            path.unlink()

    def login(self, router: Router, folder: Path) -> Login:
        """Return how he logs in."""
        if self.root is None:
            program = as_user(folder, self.who, "sudo-rs")
            given = {"program": program, "python_path": shared_python()}
            return Login(router, self.who, "sudo", folder, given)
        line = ENTER.format(root=self.root)
        inside = router.exec(["unshare", "-m", "sh", "-c", line], python_path="/usr/bin/python3")
        inside.wait_until_ready()
        program = f"/usr/local/bin/as-{self.who.name}"
        write_program(self.root / program[1:], ASKING_AS.format(name=self.who.name))
        return Login(router, self.who, "sudo", folder, {"via": inside, "program": program})


@contextmanager
def here() -> Iterator[Place]:
    """This machine."""
    needs_root()
    needs_program("sudo-rs")
    with account() as who:
        yield Place(who, None)


@contextmanager
def debian() -> Iterator[Place]:
    """A Debian in a folder."""
    needs_root()
    needs_namespaces()
    archive = base_archive(SUITE, ["python3", "sudo-rs"])
    with tempfile.TemporaryDirectory(dir=BUILD_FOLDER) as folder:
        root = Path(folder)
        subprocess.run([needs_program("tar"), "-C", folder, "-xpf", str(archive)], check=True)
        (root / "etc/sudoers").write_text("@includedir /etc/sudoers.d\n")
        name, password = "demo", "pw " + secrets.token_hex(8) + " \\é$'\""
        inside = [needs_program("chroot"), folder]
        subprocess.run([*inside, "useradd", "--home-dir", "/", name], check=True)
        text = f"{name}:{password}\n".encode()
        subprocess.run([*inside, "chpasswd"], input=text, check=True)
        uid = subprocess.run([*inside, "id", "-u", name], check=True, capture_output=True).stdout
        yield Place(Account(name, int(uid), password), root)


PLACES = [
    pytest.param(here, id="here"),
    pytest.param(
        debian,
        id="debian",
        # The first time it fetches packages.
        marks=[pytest.mark.namespaces, pytest.mark.hosts, pytest.mark.timeout(1800)],
    ),
]


@pytest.fixture(scope="module", params=PLACES)
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    """Each system that has one."""
    with request.param() as found:
        yield found


@pytest.fixture
def login(place: Place, router: Router, open_path: Path) -> Login:
    """How to become root there."""
    return place.login(router, open_path)


@pytest.mark.parametrize("tty", [None, False])
def test_password_lets_us_in(place: Place, login: Login, tty: bool | None) -> None:
    with place.rule(PASSWORD):
        child = login(password=place.who.password, tty=tty)
        assert child.call(os.getuid) == 0
        assert child.call(bytes, bytes(1 << 20)) == bytes(1 << 20)
        secret = place.who.password.encode()
        assert not any(secret in text for text in arguments_and_environments())


def test_prompts_give_the_password_when_none_was_given(place: Place, login: Login) -> None:
    asked = []

    def prompts(title: str, instructions: str, questions: list[tuple[str, bool]]) -> list[str]:
        asked.extend(questions)
        return [place.who.password]

    with place.rule(PASSWORD):
        assert login(prompts=prompts).call(os.getuid) == 0
    ((question, is_shown),) = asked
    assert question.endswith("password of sudo: ") and not is_shown


def test_wrong_password_is_told_at_once_and_sent_once(place: Place, login: Login) -> None:
    with place.rule(PASSWORD):
        error = refused(login, password="wrong-" + place.who.name)
    assert str(error).endswith("sudo:root: the password of sudo was not accepted")
    assert "remotesvc-" not in error.stderr
    assert "wrong-" not in everything_said(error)


def test_password_that_was_not_given_is_asked_for(place: Place, login: Login) -> None:
    with place.rule(PASSWORD):
        assert "If it wants a password, give password=" in str(refused(login))


def test_who_may_not_is_told_what_sudo_says(place: Place, login: Login) -> None:
    error = refused(login, password=place.who.password)
    assert error.stderr.startswith("sudo")  # what it says has changed from one to the next
    assert "give password=" not in str(error)


def test_place_without_terminals_is_told_from_one_where_all_are_taken(
    place: Place, router: Router
) -> None:
    if place.root is None:
        pytest.skip("this machine has terminals")
    bare = router.exec(["chroot", str(place.root), "sh", "-c", "{line}"])
    bare.wait_until_ready()
    with pytest.raises(AuthenticationError, match="Mount a devpts at /dev/pts"):
        router.sudo(via=bare, password="any").call(os.getuid)


@pytest.mark.parametrize("tty", [None, False])
def test_child_that_was_detached_outlives_it(
    place: Place, router: Router, login: Login, tty: bool | None
) -> None:
    with place.rule(PASSWORD):
        child = login(password=place.who.password, tty=tty)
        child.call(work.note, "kept")
        pid, above = child.info.pid, programs_above(child.info.pid)
        # On a terminal it has a monitor, too, which waits for the child.
        assert (has_terminal(pid), len(above)) == ((True, 2) if tty is None else (False, 1))
        group = child.call(os.getpgrp)
        name = child.detach(keep=KEEP)
    wait_for_end(above[-1])
    wait_until(lambda: not has_terminal(pid))
    relay = login.given.get("via")
    assert name in router.detached(via=relay)
    kept = router.attach(name, via=relay)
    assert (kept.call(os.getpid), kept.call(work.notes)) == (pid, ["kept"])
    # The group that it was in is killed 2 s later.
    assert (kept.call(os.getpgrp) != group) == (tty is None)
    kept.shutdown()
    for one in (pid, *above):
        wait_for_end(one)


def test_what_it_started_in_its_terminal_would_be_lost(place: Place, login: Login) -> None:
    with place.rule(PASSWORD):
        assert_is_kept_with_what_it_started(login(password=place.who.password))


def programs_above(pid: int) -> list[int]:
    """Return the processes of sudo-rs that a child runs below, the nearest first."""
    found: list[int] = []
    while True:
        status = Path(f"/proc/{pid}/status").read_text()
        (pid,) = (int(line.split()[1]) for line in status.splitlines() if line.startswith("PPid:"))
        if Path(f"/proc/{pid}/comm").read_text() != "sudo-rs\n":
            return found
        found.append(pid)


@pytest.mark.parametrize("password", [None, "not needed"])
def test_password_that_is_not_needed_goes_nowhere(
    place: Place, login: Login, password: str | None
) -> None:
    with place.rule(NO_PASSWORD):
        assert login(password=password).call(os.getuid) == 0
