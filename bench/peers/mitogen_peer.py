"""mitogen as a peer of the benchmarks, with its own defaults."""

import os
import sys
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from bench.peers import tasks, values


class Mitogen:
    """A broker, a router and its children."""

    def __init__(self) -> None:
        import mitogen.master

        self._broker = mitogen.master.Broker()
        self._router = mitogen.master.Router(self._broker)

    def local(self, python: str | None, via: Any = None) -> Any:
        return self._router.local(python_path=python or sys.executable, via=via)

    def ssh(self, config: str, via: Any = None) -> Any:
        return self._router.ssh(
            hostname=tasks.HOST, ssh_args=["-F", config], python_path="python3", via=via
        )

    def call(self, child: Any, function: Callable[[], int]) -> int:
        result: int = child.call(function)
        return result

    def echo(self, child: Any) -> Callable[[], int]:
        return partial(child.call, os.getpid)

    def returning(self, child: Any, function: Callable[[], Any]) -> Callable[[], Any]:
        return partial(child.call, function)

    def many(self, child: Any, count: int) -> None:
        """Send all, then take all replies."""
        for receiver in [child.call_async(os.getpid) for _ in range(count)]:
            receiver.get().unpickle()

    def stream(self, child: Any, count: int) -> Iterator[int]:
        """Take what the child sends by a Sender."""
        import mitogen.core

        receiver = mitogen.core.Receiver(self._router)
        sent = child.call_async(values.send_numbers, receiver.to_sender(), count)
        for message in receiver:
            yield message.unpickle()
        sent.get().unpickle()

    def service(self, child: Any) -> Callable[[], Any]:
        from bench.peers.mitogen_services import Nothing

        return partial(child.call_service, Nothing, "for_parents")

    def asked(self, child: Any, before: int, count: int) -> float:
        """Serve a child and return what a call takes there."""
        import mitogen.service

        from bench.peers.mitogen_services import Nothing, ask

        pool = mitogen.service.Pool(self._router, services=[Nothing(self._router)])
        seconds: float = child.call(ask, before, count)
        pool.stop()
        return seconds

    def ask_together(self, child: Any, count: int) -> list[Callable[[], Any]]:
        """Send many calls that one run answers; return what waits for each."""
        from bench.peers.mitogen_services import Once

        receivers = [child.call_service_async(Once, "run") for _ in range(count)]
        return [lambda one=receiver: one.get().unpickle() for receiver in receivers]

    def taken_threads(self, child: Any) -> int:
        from bench.peers import mitogen_services, services

        result: int = child.call(services.look, *mitogen_services.POOL)
        return result

    def close(self, child: Any) -> None:
        child.shutdown(wait=True)

    def stop(self) -> None:
        self._broker.shutdown()
        self._broker.join()


if __name__ == "__main__":
    tasks.main(Mitogen)
