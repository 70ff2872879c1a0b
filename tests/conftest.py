"""What every test may use, and what the run says about the machine before it begins."""

import gc
import os
import shutil
import signal
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from tests.interpreters import (
    find_interpreters,
    hand_on_interpreters,
    missing_interpreters,
)
from tests.leaks import holdings, wait_for_release

# The same examples on every run, and nothing remembered between runs.
settings.register_profile(
    "remotesvc", derandomize=True, database=None, deadline=None, max_examples=60
)
settings.load_profile("remotesvc")

# CI sets this: what is skipped elsewhere for want of a program is a failure there.
IS_CI = os.environ.get("REMOTESVC_CI") == "1"

# Where the system's SSH server stands when PATH does not name its folder.
SSHD_PATHS = ("/usr/sbin/sshd", "/usr/local/sbin/sshd", "/usr/local/bin/sshd")


def has_sshd() -> bool:
    """Whether the system's SSH server is here; the embedded one cannot show everything."""
    return any(map(os.path.exists, SSHD_PATHS))


def pytest_configure() -> None:
    # What a shell starts in the background ignores Ctrl-C, and so would all that the tests start.
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # To ask some twenty programs for their version takes seconds, in each process of pytest-xdist.
    hand_on_interpreters()


def pytest_collection_finish() -> None:
    # Thousands of tests stay until the end. A collection that looks at them takes 0.1 s.
    gc.collect()
    gc.freeze()


def pytest_report_header() -> str:
    pythons = ", ".join(map(str, find_interpreters(include_python2=True)))
    return f"interpreters: {pythons or 'none'}; sshd: {'yes' if has_sshd() else 'no'}"


def pytest_sessionstart() -> None:
    if not IS_CI:
        return
    missing = [f"Python {version}" for version in missing_interpreters()]
    if not has_sshd():
        missing.append("sshd (make test-deps)")
    if shutil.which("ssh") is None:
        missing.append("ssh (make test-deps)")
    if shutil.which("ip", path=os.defpath + ":/usr/sbin:/sbin") is None:
        missing.append("ip (make test-deps)")
    if missing:
        pytest.exit(f"REMOTESVC_CI=1, and this machine lacks {', '.join(missing)}", returncode=1)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
    """Have CI fail where `make test-hosts` skips: who runs that there has what it needs."""
    report = yield
    is_skipped = report.skipped and not hasattr(report, "wasxfail")
    if IS_CI and is_skipped and item.get_closest_marker("hosts"):
        report.outcome = "failed"
        report.longrepr = f"REMOTESVC_CI=1, and this was skipped: {report.longrepr[2]}"
    return report


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
    """Fail the test that leaves a descriptor, a thread or a child process behind."""
    before = holdings()
    yield
    left = wait_for_release(before)
    assert not left, "left behind: " + ", ".join(left)
