"""When two sets of arguments are the same, and how many results are kept for them."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from remotesvc import Router
from remotesvc.service import AllowAny, DeduplicatingInvoker, Pool, Service, expose
from remotesvc.service.admission import SHARED_LIMIT
from remotesvc.service.invoker import OUTCOMES_LIMIT, _canonical

SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.binary(max_size=5)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(max_size=3), inner, max_size=3)
        | st.frozensets(SCALARS, max_size=3)
    ),
    max_leaves=8,
)


def shuffled(value: Any) -> Any:
    """Return an equal value whose dicts and sets were filled the other way round."""
    if isinstance(value, dict):
        return {key: shuffled(member) for key, member in reversed(list(value.items()))}
    if isinstance(value, frozenset):
        return frozenset(reversed(list(value)))
    if isinstance(value, (list, tuple)):
        return type(value)(map(shuffled, value))
    return value


@given(VALUES)
def test_order_of_dicts_and_sets_is_no_matter(value: Any) -> None:
    assert _canonical(shuffled(value)) == _canonical(value)


@given(VALUES, VALUES)
def test_values_that_differ_have_different_keys(one: Any, other: Any) -> None:
    if _canonical(one) == _canonical(other):
        assert one == other
        assert type(one) is type(other)


@given(st.dictionaries(st.text(max_size=3), SCALARS, min_size=1, max_size=3))
def test_containers_of_the_same_members_differ_by_their_kind(value: dict[str, Any]) -> None:
    items = list(value.items())
    kinds = [value, items, tuple(items), list(value), frozenset(value)]
    assert len({_canonical(kind) for kind in kinds}) == len(kinds)


class Numbers(Service):
    """Counts how often it ran."""

    invoker_class = DeduplicatingInvoker
    runs = 0

    @expose(policy=AllowAny())
    def run(self, key: int) -> int:
        """Count."""
        self.runs += 1
        return key

    @expose(policy=AllowAny())
    def take(self, key: bytes) -> bool:
        """Count, too."""
        self.runs += 1
        return True

    @expose(policy=AllowAny())
    def large(self, key: int) -> bytes:
        """Return 1 MB."""
        self.runs += 1
        return bytes(1_000_000)


def test_results_that_are_kept_are_limited_by_number_and_by_size(empty_home: object) -> None:
    with Router() as router, Pool(router, [Numbers]) as pool:
        proxy = router.myself.service(Numbers)
        invoker: Any = pool.invokers()[Numbers.name()]
        for key in range(OUTCOMES_LIMIT + 10):
            assert proxy.run(key) == key
        assert len(invoker._outcomes) == OUTCOMES_LIMIT
        assert proxy.run(OUTCOMES_LIMIT + 9) == OUTCOMES_LIMIT + 9
        assert pool.get_service(Numbers).runs == OUTCOMES_LIMIT + 10
        for key in range(80):
            proxy.large(key)
        assert invoker._size <= 64 * 1024 * 1024
        assert len(invoker._outcomes) < 80
        invoker.forget("large")
        assert invoker._outcomes == {}
        assert invoker._size == 0


def test_arguments_that_are_long_are_compared_with_no_others(empty_home: object) -> None:
    with Router() as router, Pool(router, [Numbers]) as pool:
        call = router.myself.call_service
        invoker: Any = pool.invokers()[Numbers.name()]
        for _ in range(2):
            assert call(Numbers, "take", key=bytes(SHARED_LIMIT))
        assert pool.get_service(Numbers).runs == 2
        assert (invoker._outcomes, invoker._pending) == ({}, {})
