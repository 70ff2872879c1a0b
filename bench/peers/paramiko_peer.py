"""Plain paramiko as a peer of the benchmarks: connect, exec_command, read; what it does by itself.

There is no child to call: one command per connection, and its output is the result.
"""

from collections.abc import Callable
from typing import Any

from bench.peers import tasks

COMMAND = "python3 -c 'import os; print(os.getpid())'"


class Paramiko:
    """Clients of a host."""

    def __init__(self) -> None:
        import paramiko

        self._library = paramiko

    def ssh(self, config: str) -> Any:
        host = self._library.SSHConfig.from_path(config).lookup(tasks.HOST)
        client = self._library.SSHClient()
        client.load_host_keys(host["userknownhostsfile"])
        client.connect(
            host["hostname"],
            int(host["port"]),
            host["user"],
            key_filename=host["identityfile"],
            allow_agent=False,
            look_for_keys=False,
        )
        return client

    def call(self, child: Any, function: Callable[[], int]) -> int:
        """Run the one command; it stands for `function`, which is os.getpid."""
        return int(child.exec_command(COMMAND)[1].read())

    def close(self, child: Any) -> None:
        child.close()

    def stop(self) -> None:
        """Nothing is kept."""


if __name__ == "__main__":
    tasks.main(Paramiko)
