"""A child of another user that was detached lives on, however its program let us in."""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest

from remotesvc import Context, RefusedError, Router
from tests.connect.accounts import Account, account, doas_conf, shared_python, sudoers
from tests.connect.become import Login
from tests.integration.hosts import write_program
from tests.integration.targets import work
from tests.integration.waiting import wait_until
from tests.testing.client import wait_for_end

KEEP = 120.0

# What lets everybody in who types a line at its stderr's prompt, and leaves no process of its own.
LEAVES_NOTHING = """\
#!/bin/sh
while [ "$1" != -- ]; do
  [ "$1" = -p ] && printf %s "$2" >&2
  shift
done
shift
read -r line
exec "$@"
"""


@pytest.fixture(scope="module")
def other() -> Iterator[Account]:
    with account() as made:
        yield made


def rule(who: Account, tag: str = "") -> AbstractContextManager[None]:
    never_kept = f"Defaults:{who.name} timestamp_timeout=0"
    return sudoers(f"{who.name} ALL=(ALL) {tag}ALL", never_kept)


def leave_a_note_and_detach(child: Context) -> tuple[int, str]:
    """Detach a child that has something to remember; return its process and its name."""
    child.call(work.note, "kept")
    return child.info.pid, child.detach(keep=KEEP)


def has_terminal(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[4] != "0"


def assert_is_kept_with_what_it_started(child: Context) -> None:
    """A child that has started a process in its terminal is not detached, and is as it was."""
    group = child.call(os.getpgrp)
    started = child.call(os.spawnlp, os.P_NOWAIT, "sleep", "sleep", "600")
    with pytest.raises(RefusedError, match=r"processes that it started run there.*tty=False"):
        child.detach(keep=KEEP)
    assert child.call(os.getpgrp) == group
    assert child.call(os.kill, started, 0) is None
    assert has_terminal(child.info.pid)
    child.shutdown()
    wait_for_end(started)


def open_child(
    kind: str, router: Router, who: Account, other: Account, folder: Path, stack: ExitStack
) -> Context:
    """Become another user by one of the ways."""
    program, _, way = kind.partition(" ")
    login = Login(router, who, program, folder)
    if kind == "sudo that lets go":
        return router.sudo(
            program=write_program(folder / "sudo", LEAVES_NOTHING), password="any line"
        )
    if program == "sudo":
        stack.enter_context(rule(who, "NOPASSWD: " if way == "without a password" else ""))
    if way == "behind a relay":
        relay = router.sudo(who.name, python_path=shared_python())
        given = {"via": relay, "python_path": shared_python()}
        return Login(router, who, "sudo", folder, given)(password=who.password)
    if program == "doas":
        stack.enter_context(doas_conf(f"permit {who.name}"))
    opts: dict[str, Any] = {"password": who.password}
    if program == "su":
        opts = {"username": other.name, "password": other.password, "tty": True}
    elif way == "without a password":
        opts = {}
    elif way == "without a terminal":
        opts["tty"] = False
    return login(**opts)


@pytest.mark.parametrize(
    "kind",
    [
        "sudo without a password",
        "sudo without a terminal",
        "sudo with a password",
        "sudo behind a relay",
        "sudo that lets go",
        "su with a password",
        "doas with a password",
    ],
)
def test_it_outlives_the_program_that_let_us_in(
    kind: str, no_leaks: None, empty_home: Path, who: Account, other: Account, open_path: Path
) -> None:
    with ExitStack() as stack:
        with Router() as router:
            child = open_child(kind, router, who, other, open_path, stack)
            pid, name = leave_a_note_and_detach(child)
        wait_until(lambda: not has_terminal(pid))
        for _ in range(2):
            with Router() as router:
                relay = router.su(other.name) if kind.startswith("su ") else None
                assert name in router.detached(via=relay)
                kept = router.attach(name, via=relay)
                assert (kept.call(os.getpid), kept.call(work.notes)) == (pid, ["kept"])
                started = kept.call(os.spawnlp, os.P_NOWAIT, "sleep", "sleep", "600")
        with Router() as router:
            relay = router.su(other.name) if kind.startswith("su ") else None
            router.attach(name, via=relay).shutdown()
        for one in (pid, started):
            wait_for_end(one)
        with suppress(ChildProcessError):
            os.waitpid(pid, 0)


def test_what_it_started_in_its_terminal_would_be_lost(
    router: Router, who: Account, open_path: Path
) -> None:
    with rule(who):
        assert_is_kept_with_what_it_started(
            Login(router, who, "sudo", open_path)(password=who.password)
        )
