"""execnet as a peer of the benchmarks: it runs source text, so a first call is a line of it.

Its warm call is an echo over an open channel: no function, no arguments, no exceptions.
"""

import inspect
import sys
from collections.abc import Callable, Iterator
from typing import Any

from bench.peers import tasks

FIRST_CALL = "import os; channel.send(os.getpid())"
ECHO = "for item in channel: channel.send(item)"
NUMBERS = "for number in range(%d): channel.send(number)"


class Execnet:
    """A group and its gateways."""

    def __init__(self) -> None:
        import execnet

        self._group = execnet.Group()
        self._channel: Any = None

    def local(self, python: str | None) -> Any:
        return self._group.makegateway(f"popen//python={python or sys.executable}")

    def ssh(self, config: str) -> Any:
        return self._group.makegateway(f"ssh={tasks.HOST}//ssh_config={config}//python=python3")

    def call(self, child: Any, function: Callable[[], int]) -> int:
        """Run the one line; it stands for `function`, which is os.getpid."""
        result: int = child.remote_exec(FIRST_CALL).receive()
        return result

    def echo(self, child: Any) -> Callable[[], int]:
        self._channel = channel = child.remote_exec(ECHO)

        def call() -> int:
            channel.send(1)
            result: int = channel.receive()
            return result

        return call

    def returning(self, child: Any, function: Callable[[], Any]) -> Callable[[], Any]:
        """Have the source of the function there, and a channel that answers with its result."""
        source = inspect.getsource(inspect.getmodule(function))
        loop = f"for item in channel: channel.send({function.__name__}())"
        channel = child.remote_exec(f"{source}\n{loop}")

        def call() -> Any:
            channel.send(None)
            return channel.receive()

        return call

    def many(self, child: Any, count: int) -> None:
        """Send all, then take all replies."""
        for number in range(count):
            self._channel.send(number)
        for _ in range(count):
            self._channel.receive()

    def stream(self, child: Any, count: int) -> Iterator[int]:
        """Take what the child sends by its channel."""
        yield from child.remote_exec(NUMBERS % count)

    def close(self, child: Any) -> None:
        child.exit()
        child.join()

    def stop(self) -> None:
        self._group.terminate(timeout=5)


if __name__ == "__main__":
    tasks.main(Execnet)
