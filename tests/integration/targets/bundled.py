"""A module as users write them: services and functions beside each other."""

from collections.abc import Iterator

from remotesvc import Sender, current_router
from remotesvc.service import AllowParents, Service, expose


class Adder(Service):
    @expose(policy=AllowParents())
    def add(self, a: int, b: int) -> int:
        return a + b

    @expose(policy=AllowParents())
    def count(self, stop: int) -> "Iterator[int]":
        for number in range(stop):
            yield number

    @expose(policy=AllowParents())
    def fail(self) -> float:
        return 1 / 0


def name_of_adder() -> str:
    return Adder.name()


def echo(sender: Sender) -> None:
    sender.send(current_router().myself.id)
    sender.close()


def pool_size() -> int:
    pool = current_router().pool
    return 0 if pool is None else pool.size
