"""Streams that nobody reads to their end: they take no thread, and end when they are dropped."""

import asyncio
import gc
from collections.abc import Iterator

import pytest

import remotesvc
from remotesvc.service import Pool
from tests.integration.targets import flowing
from tests.integration.waiting import wait_until

PATIENT = 20.0


@pytest.fixture(autouse=True)
def counted() -> None:
    flowing.Blocks.ended = 0


@pytest.fixture
def router() -> Iterator[remotesvc.Router]:
    with remotesvc.Router() as router:
        yield router


def test_streams_that_a_child_does_not_read_leave_the_pool_to_others(
    router: remotesvc.Router,
) -> None:
    greedy, other = router.local(), router.local()
    with Pool(router, services=(flowing.Blocks,), size=2):
        assert greedy.call(flowing.keep_streams, 20) == 20
        patient = router.myself.options(timeout=PATIENT)
        assert patient.call_service(flowing.Blocks, "ping") == "pong"
        assert other.options(timeout=PATIENT).call(flowing.read_all) == 20 * 300_000

        assert greedy.call(flowing.drop_streams) == 20
        wait_until(lambda: flowing.Blocks.ended == 21)


def test_stream_that_is_dropped_ends_its_method(router: remotesvc.Router) -> None:
    child = router.local(pool_size=2)
    for _ in range(8):
        for number in child.service(flowing.Blocks).follow():
            if number == 3:
                break
    gc.collect()

    assert child.options(timeout=PATIENT).call_service(flowing.Blocks, "ping") == "pong"
    wait_until(lambda: child.call(flowing.ended) == 8)


def test_catalog_answers_while_all_threads_are_taken(router: remotesvc.Router) -> None:
    child = router.local(pool_size=1)
    stream = child.service(flowing.Blocks).follow()
    assert next(stream) == 0
    names = [one["name"] for one in child.options(timeout=PATIENT).services()]
    assert names == [flowing.Blocks.name()]
    stream.close()  # type: ignore[attr-defined]


def test_slow_reader_gets_every_value_in_order(router: remotesvc.Router) -> None:
    child = router.local()
    sizes = [len(block) for block in child.service(flowing.Blocks).read(count=30)]
    assert sizes == [300_000] * 30
    assert child.call(flowing.ended) == 1


def test_pool_that_is_closed_ends_what_stands_still(router: remotesvc.Router) -> None:
    child = router.local()
    with Pool(router, services=(flowing.Blocks,)):
        assert child.call(flowing.keep_streams, 3) == 3
    assert flowing.Blocks.ended == 3


def test_stream_is_read_by_asyncio(router: remotesvc.Router) -> None:
    child = router.local()

    async def collect() -> list[int]:
        found = []
        async for number in child.service(flowing.Blocks).follow():  # type: ignore[attr-defined]
            found.append(number)
            if number == 4:
                return found
        return []

    assert asyncio.run(collect()) == [0, 1, 2, 3, 4]
