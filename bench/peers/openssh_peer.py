"""Plain `ssh host python3 -c …` as a peer of the benchmarks: what a shell script would do."""

import subprocess
from collections.abc import Callable

from bench.peers import tasks

COMMAND = "python3 -c 'import os; print(os.getpid())'"


class OpenSsh:
    """The client program."""

    def ssh(self, config: str) -> "subprocess.Popen[bytes]":
        argv = ["ssh", "-F", config, tasks.HOST, COMMAND]
        return subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)

    def call(self, child: "subprocess.Popen[bytes]", function: Callable[[], int]) -> int:
        """Read the output of the one command; it stands for `function`, which is os.getpid."""
        return int(child.stdout.readline()) if child.stdout else 0

    def close(self, child: "subprocess.Popen[bytes]") -> None:
        child.communicate()

    def stop(self) -> None:
        """Nothing is kept."""


if __name__ == "__main__":
    tasks.main(OpenSsh)
