"""`pool_size`: how many threads the services of a child have."""

import functools
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import remotesvc
from tests.integration.targets import bundled
from tests.integration.targets.services import Plain

DEADLINE = 30.0


@pytest.mark.parametrize(("given", "size"), [(None, 16), (3, 3)])
def test_services_of_a_child_have_as_many_threads_as_asked_for(
    given: "int | None", size: int
) -> None:
    with remotesvc.Router() as router:
        child = router.local(pool_size=given)

        assert child.call_service(bundled.Adder, "add", a=1, b=1) == 2
        assert child.call(bundled.pool_size) == size


def test_first_calls_of_many_threads_start_no_more_than_that() -> None:
    with remotesvc.Router() as router, ThreadPoolExecutor(8) as threads:
        child = router.local(pool_size=2)
        submit = functools.partial(child.submit_service, Plain, "thread")
        futures = list(threads.map(lambda _: submit(), range(200)))

        names = {one.result(DEADLINE) for one in futures}

    assert names <= {"remotesvc-service-1", "remotesvc-service-2"}


@pytest.mark.parametrize("wrong", [0, -1, True, "many"])
def test_pool_size_that_is_none_is_told_before_anything_is_started(wrong: Any) -> None:
    with remotesvc.Router() as router:
        with pytest.raises((TypeError, ValueError), match="pool_size: wanted is a number"):
            router.local(pool_size=wrong)

        assert router.contexts == []
