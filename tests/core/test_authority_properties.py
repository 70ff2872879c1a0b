"""remotesvc.core.authority and reach: what holds for every message, not for some examples."""

from hypothesis import given
from hypothesis import strategies as st

from remotesvc.core import authority, reach
from remotesvc.core.authority import HANDLES, PARENTS

IDS = st.integers(0, 12)
UINTS = st.integers(0, 2**32 - 1)
HANDLE_NUMBERS = st.one_of(st.sampled_from(sorted(HANDLES)), st.integers(0, 255))
FAMILIES = st.sets(IDS, max_size=4).map(tuple)


@given(HANDLE_NUMBERS, UINTS | IDS, UINTS | IDS, IDS, FAMILIES, st.booleans(), st.none() | IDS)
def test_only_parents_command_whatever_else_is_true(
    handle: int,
    src: int,
    auth: int,
    own_id: int,
    parents: tuple[int, ...],
    from_below: bool,
    neighbour: int | None,
) -> None:
    refusal = authority.refuse_delivery(handle, src, auth, own_id, parents, from_below, neighbour)
    if refusal is None and HANDLES[handle][1] == PARENTS:
        assert {src, auth} <= {own_id, *parents}
    if handle not in HANDLES:
        assert refusal is not None


@given(UINTS | IDS, UINTS | IDS, FAMILIES)
def test_pickle_is_looked_at_only_when_sent_and_caused_by_parents(
    src: int, auth: int, parents: tuple[int, ...]
) -> None:
    if authority.accepts_pickle(src, auth, parents):
        assert src in parents and auth in parents


@given(IDS, IDS, IDS, FAMILIES)
def test_reply_is_taken_only_from_who_was_asked_or_from_those_above(
    src: int, auth: int, respondent: int, above: tuple[int, ...]
) -> None:
    if authority.refuse_reply(src, auth, respondent, above) is None:
        assert auth == src
        assert src == respondent or src in above


@given(st.sets(IDS), UINTS | IDS, UINTS | IDS)
def test_origin_is_believed_only_if_all_of_it_lies_behind_the_link(
    behind: set[int], src: int, auth: int
) -> None:
    refusal = reach.refuse_source(behind, src, auth)
    assert (refusal is None) == (src in behind and auth in behind)


@given(UINTS | IDS, IDS, FAMILIES, st.lists(st.tuples(IDS, IDS), max_size=3), st.sets(IDS))
def test_route_is_given_only_inside_the_block_and_only_once(
    claimed: int,
    own_id: int,
    parents: tuple[int, ...],
    blocks: list[tuple[int, int]],
    routed: set[int],
) -> None:
    if reach.refuse_route(claimed, own_id, parents, blocks, routed) is None:
        assert claimed not in {own_id, *parents, *routed}
        assert any(start <= claimed < stop for start, stop in blocks)


@given(UINTS, st.booleans(), st.booleans(), st.integers(1, 2**32 - 1))
def test_nothing_unasked_of_a_stranger_is_larger_than_a_request(
    size: int, is_asked: bool, is_from_parents: bool, limit: int
) -> None:
    if authority.refuse_size(size, is_asked, is_from_parents, limit) is None:
        assert size <= (limit if is_asked or is_from_parents else authority.UNASKED_LIMIT)


@given(st.integers(0, 255), st.booleans(), st.lists(st.booleans(), max_size=4))
def test_pickled_result_is_opened_only_if_all_asked_for_it(
    encoding: int, is_asked: bool, opened_with: list[bool]
) -> None:
    if reach.refuse_pickled_result(encoding, is_asked, opened_with) is None:
        assert is_asked and opened_with and all(opened_with)
