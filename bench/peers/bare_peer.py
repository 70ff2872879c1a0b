"""A bare interpreter as a peer of the benchmarks: what a child cannot be smaller than."""

import subprocess
import sys
from collections.abc import Callable

from bench.peers import tasks

# It says who it is, and stays until its stdin ends.
PROGRAM = "import os, sys; os.write(1, b'%d\\n' % os.getpid()); os.read(0, 1)"


class Bare:
    """Interpreters that do nothing."""

    def local(self, python: str | None) -> "subprocess.Popen[bytes]":
        argv = [python or sys.executable, "-c", PROGRAM]
        return subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def call(self, child: "subprocess.Popen[bytes]", function: Callable[[], int]) -> int:
        """Read what it says; it stands for `function`, which is os.getpid."""
        return int(child.stdout.readline()) if child.stdout else 0

    def close(self, child: "subprocess.Popen[bytes]") -> None:
        child.communicate()

    def stop(self) -> None:
        """Nothing is kept."""


if __name__ == "__main__":
    tasks.main(Bare)
