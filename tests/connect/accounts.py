"""Accounts of this machine for tests that log in: made with a password, gone at the end.

Only root can make them, and only with programs that a minimal system may lack: a test that needs
what is not there is skipped, with what to install.
"""

import fcntl
import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.integration.hosts import SYSTEM_PATH, needs_program, write_program
from tests.interpreters import find_interpreters

__all__ = ["Account", "account", "as_user", "doas_conf", "needs_root", "shared_python", "sudoers"]

DOAS_CONF = Path("/etc/doas.conf")


@dataclass(frozen=True)
class Account:
    """A user of this machine, and what he types."""

    name: str
    uid: int
    password: str = field(repr=False)


def needs_root() -> None:
    """Skip the test of whom is not root."""
    if os.geteuid() != 0:
        pytest.skip("only root can make accounts")


def shared_python() -> str:
    """Return an interpreter that every account may start."""
    for path in _pythons():
        folders = Path(os.path.realpath(path)).parents
        if os.path.exists(path) and all(one.stat().st_mode & 0o001 for one in folders):
            return path
    pytest.skip("no Python here that another account may start (apt install python3)")


def _pythons() -> Iterator[str]:
    yield "/usr/bin/python3"
    for found in find_interpreters():  # it takes seconds the first time
        yield found.path


@contextmanager
def account() -> Iterator[Account]:
    """Make an account."""
    needs_root()
    for program in ("useradd", "chpasswd", "userdel"):
        needs_program(program)
    name, password = "rsvc" + secrets.token_hex(5), "pw " + secrets.token_hex(8) + " \\é$'\""
    _run("useradd", "--no-create-home", "--home-dir", "/", "--shell", "/bin/sh", name)
    try:
        _run("chpasswd", text=f"{name}:{password}\n")
        yield Account(name, int(_run("id", "-u", name)), password)
    finally:
        _run("userdel", "--force", name)  # even if something of his still runs


@contextmanager
def sudoers(*lines: str) -> Iterator[None]:
    """Add lines to the rules of sudo."""
    needs_program("sudo")
    folder = Path("/etc/sudoers.d")
    if not folder.is_dir():
        pytest.skip("sudo reads no /etc/sudoers.d here")
    with tempfile.NamedTemporaryFile("w") as draft:
        draft.write("\n".join(lines) + "\n")
        draft.flush()
        _run("visudo", "-cqf", draft.name)
        path = folder / ("remotesvc-test-" + secrets.token_hex(8))
        _run("install", "-m", "0440", draft.name, str(path))
    try:
        yield
    finally:
        path.unlink()


@contextmanager
def doas_conf(*lines: str) -> Iterator[None]:
    """Give doas its rules: for one test at a time, and never in the place of the machine's own."""
    needs_program("doas")
    with open(Path(tempfile.gettempdir()) / "remotesvc-test-doas.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if DOAS_CONF.exists():
            pytest.skip(f"{DOAS_CONF} is there already: it is not replaced")
        DOAS_CONF.touch(0o600)
        try:
            DOAS_CONF.write_text("\n".join(lines) + "\n")
            yield
        finally:
            DOAS_CONF.unlink()


def as_user(folder: Path, who: Account, program: str) -> str:
    """Return a program that is `program`, started by that account."""
    setpriv = needs_program("setpriv")
    group = _run("id", "-g", who.name)
    text = f"#!/bin/sh\nexec {setpriv} --reuid {who.uid} --regid {group} --clear-groups "
    text += f'{needs_program(program)} "$@"\n'
    return write_program(folder / f"{program}-as-{who.name}", text)


def _run(program: str, *args: str, text: str | None = None) -> str:
    path = shutil.which(program, path=SYSTEM_PATH) or program
    done = subprocess.run([path, *args], input=text, text=True, capture_output=True, check=False)
    assert done.returncode == 0, f"{program} {args}: {done.stderr}"
    return done.stdout.strip()
