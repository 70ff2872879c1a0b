"""The leak check sees what it is there to see."""

import os
import subprocess
import sys
import threading

import pytest

from tests.leaks import holdings, wait_for_release

pytestmark = pytest.mark.skipif(
    not os.path.exists("/proc/self/task"), reason="descriptors and children are read from /proc"
)


def test_open_descriptor_is_seen_until_it_is_closed() -> None:
    before = holdings()
    reader, writer = os.pipe()

    left = wait_for_release(before, deadline=0)
    os.close(reader)
    os.close(writer)

    assert [text.split()[1] for text in left] == sorted([str(reader), str(writer)])
    assert wait_for_release(before) == []


def test_running_thread_is_seen_until_it_returns() -> None:
    before = holdings()
    end = threading.Event()
    thread = threading.Thread(target=end.wait, name="left-behind")
    thread.start()

    left = wait_for_release(before, deadline=0)
    end.set()

    assert left == [f"thread left-behind ({thread.ident})"]
    assert wait_for_release(before) == []


def test_child_process_is_seen_until_it_is_waited_for() -> None:
    before = holdings()
    child = subprocess.Popen(
        [sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE
    )

    left = wait_for_release(before, deadline=0)
    child.communicate()

    assert f"process {child.pid}" in left
    assert wait_for_release(before) == []
