"""remotesvc as a peer of the benchmarks."""

import os
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from bench.peers import tasks, values


class Remotesvc:
    """A router and its children."""

    def __init__(self) -> None:
        import remotesvc

        self._router = remotesvc.Router()

    def local(self, python: str | None, **options: Any) -> Any:
        """Start a child here; one with a named interpreter compiles its library there."""
        if python:
            options["python_path"] = python
        return self._router.local(**options)

    def ssh(self, config: str, via: Any = None) -> Any:
        return self._router.ssh(tasks.HOST, config_file=config, via=via)

    def call(self, child: Any, function: Callable[[], int]) -> int:
        result: int = child.call(function)
        return result

    def echo(self, child: Any) -> Callable[[], int]:
        return partial(child.call, os.getpid)

    def returning(self, child: Any, function: Callable[[], Any]) -> Callable[[], Any]:
        return partial(child.call, function)

    def many(self, child: Any, count: int) -> None:
        """Send all, then take all replies."""
        for future in [child.submit(os.getpid) for _ in range(count)]:
            future.result()

    def stream(self, child: Any, count: int) -> Iterator[int]:
        """Take what the child sends by a Sender."""
        import remotesvc

        with remotesvc.Receiver(self._router) as receiver:
            sent = child.submit(values.send_numbers, receiver.sender, count)
            yield from receiver
            sent.result()

    def service(self, child: Any) -> Callable[[], Any]:
        from bench.peers.remotesvc_services import Nothing

        return partial(child.call_service, Nothing, "for_parents")

    def asked(self, child: Any, before: int, count: int) -> float:
        """Serve a child and return what a call takes there."""
        from bench.peers.remotesvc_services import Nothing, ask
        from remotesvc.service import Pool

        with Pool(self._router, services=[Nothing]):
            seconds: float = child.call(ask, before, count)
        return seconds

    def ask_together(self, child: Any, count: int) -> list[Callable[[], Any]]:
        """Send many calls that one run answers; return what waits for each."""
        from bench.peers.remotesvc_services import Once

        return [child.submit_service(Once, "run").result for _ in range(count)]

    def taken_threads(self, child: Any) -> int:
        from bench.peers import remotesvc_services, services

        result: int = child.call(services.look, *remotesvc_services.POOL)
        return result

    def close(self, child: Any) -> None:
        child.shutdown()

    def stop(self) -> None:
        self._router.close()


if __name__ == "__main__":
    tasks.main(Remotesvc)
