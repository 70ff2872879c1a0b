"""What every test may use, and what the run says about the machine before it begins."""

import gc
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.interpreters import find_interpreters, missing_interpreters

# The same examples on every run, and nothing remembered between runs.
settings.register_profile("remotesvc", derandomize=True, database=None, deadline=None)
settings.load_profile("remotesvc")

# CI sets this: what is skipped elsewhere for want of a program is a failure there.
IS_CI = os.environ.get("REMOTESVC_CI") == "1"

# Where the system's SSH server stands when PATH does not name its folder.
SSHD_PATHS = ("/usr/sbin/sshd", "/usr/local/sbin/sshd", "/usr/local/bin/sshd")

# Ends that were asked for are awaited this long: threads and processes take their time to go.
LEAK_DEADLINE = 10.0
LEAK_POLL = 0.01


def has_sshd() -> bool:
    """Whether the system's SSH server is here; the embedded one cannot show everything."""
    return any(map(os.path.exists, SSHD_PATHS))


def pytest_report_header() -> str:
    pythons = ", ".join(map(str, find_interpreters(include_python2=True)))
    return f"interpreters: {pythons or 'none'}; sshd: {'yes' if has_sshd() else 'no'}"


def pytest_sessionstart() -> None:
    if not IS_CI:
        return
    missing = [f"Python {version}" for version in missing_interpreters()]
    if not has_sshd():
        missing.append("sshd (make test-deps)")
    if missing:
        pytest.exit(f"REMOTESVC_CI=1, and this machine lacks {', '.join(missing)}", returncode=1)


@pytest.fixture
def empty_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home folder, and no SSH agent: nothing of the account reaches the test."""
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    return home


@pytest.fixture
def no_leaks() -> Iterator[None]:
    """Fail the test that leaves a descriptor, a thread or a child process behind.

    What was there before does not count. What is on its way out is awaited, up to a deadline.
    """
    gc.collect()
    before = _holdings()
    yield
    deadline = time.monotonic() + LEAK_DEADLINE
    while True:
        gc.collect()
        left = sorted(_holdings() - before)
        if not left or time.monotonic() > deadline:
            break
        time.sleep(LEAK_POLL)
    assert not left, "left behind: " + ", ".join(left)


def _holdings() -> set[str]:
    return _descriptors() | _threads() | _child_processes()


def _descriptors() -> set[str]:
    """Return the open descriptors, each with what it stands for; none where there is no /proc."""
    found = set()
    for fd in Path("/proc/self/fd").glob("*"):
        try:
            found.add(f"descriptor {fd.name} ({os.readlink(fd)})")
        except FileNotFoundError:
            continue  # the one that listed the folder
    return found


def _threads() -> set[str]:
    return {f"thread {thread.name} ({thread.ident})" for thread in threading.enumerate()}


def _child_processes() -> set[str]:
    """Return the child processes, ended ones that nobody waited for included."""
    found = set()
    for listing in Path("/proc/self/task").glob("*/children"):
        try:
            children = listing.read_text().split()
        except OSError:
            continue  # the thread has just ended
        found.update(f"process {pid}" for pid in children)
    return found
