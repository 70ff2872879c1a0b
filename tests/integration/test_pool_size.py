"""`pool_size`: how many threads the services of a child have."""

from typing import Any

import pytest

import remotesvc
from tests.integration.targets import bundled


@pytest.mark.parametrize(("given", "size"), [(None, 16), (3, 3)])
def test_services_of_a_child_have_as_many_threads_as_asked_for(
    given: "int | None", size: int
) -> None:
    with remotesvc.Router() as router:
        child = router.local(pool_size=given)

        assert child.call_service(bundled.Adder, "add", a=1, b=1) == 2
        assert child.call(bundled.pool_size) == size


@pytest.mark.parametrize("wrong", [0, -1, True, "many"])
def test_pool_size_that_is_none_is_told_before_anything_is_started(wrong: Any) -> None:
    with remotesvc.Router() as router:
        with pytest.raises((TypeError, ValueError), match="pool_size: wanted is a number"):
            router.local(pool_size=wrong)

        assert router.contexts == []
