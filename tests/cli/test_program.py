"""What the command left running is named when a test fails because of it."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli import program
from tests.cli.program import Program, assert_gone

# A program that a shell has just started may have no words yet.
UNTIL_IT_IS_THERE = "until grep -q ^sleep /proc/$!/cmdline; do :; done"

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@pytest.fixture
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not wait for what will not end."""
    monkeypatch.setattr(program, "RELEASE_SECONDS", 0.0)


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    """A process that does not end by itself."""
    with subprocess.Popen(["sleep", "10007"]) as process:
        while not Path(f"/proc/{process.pid}/cmdline").read_bytes():
            pass  # started, but it has no words yet
        yield process
        process.kill()


def test_process_that_a_command_left_is_named(impatience: None, tmp_path: Path) -> None:
    shell = Program(tmp_path, ("sh", "-c"))

    with pytest.raises(AssertionError) as caught:
        shell(f"echo going >&2; sleep 10007 >/dev/null 2>&1 & {UNTIL_IT_IS_THERE}")

    text = str(caught.value)
    found = re.search(r"left behind: (\d+) \(state \w\) .*sleep 10007", text)
    assert found, text
    os.kill(int(found[1]), signal.SIGKILL)
    assert text.endswith("it said: going\n")


def test_process_that_wrote_down_its_id_is_named(
    impatience: None, tmp_path: Path, sleeper: "subprocess.Popen[bytes]"
) -> None:
    with pytest.raises(AssertionError, match="no function wrote down"):
        assert_gone(tmp_path)
    (tmp_path / f"pid.{sleeper.pid}").touch()

    with pytest.raises(
        AssertionError, match=rf"still there: {sleeper.pid} \(state \w\) sleep 10007"
    ):
        assert_gone(tmp_path)
