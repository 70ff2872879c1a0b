"""What is believed of what comes from below: sources, relayed messages, claims of routes."""

import pytest

from remotesvc.core.reach import refuse_claims, refuse_relay, refuse_route, refuse_source

# Context 10, whose parents are 1 and 0.
OWN = 10
PARENTS = (1, 0)


@pytest.mark.parametrize(
    ("src", "auth", "reason"),
    [
        (20, 20, None),
        (21, 21, None),
        (20, 21, None),
        (21, 20, None),
        (0, 20, "src 0 "),
        (10, 20, "src 10 "),
        (11, 20, "src 11 "),
        (20, 0, "auth 0 "),
        (20, 10, "auth 10 "),
        (20, 11, "auth 11 "),
        (99, 99, "src 99 "),
    ],
)
def test_src_and_auth_have_to_lie_behind_the_link(src: int, auth: int, reason: str | None) -> None:
    refusal = refuse_source({20, 21}, src, auth)
    assert refusal is None if reason is None else reason in str(refusal)


@pytest.mark.parametrize(
    ("from_below", "to_below", "siblings", "is_allowed"),
    [
        (False, False, False, True),
        (False, True, False, True),
        (True, False, False, True),
        (True, True, False, False),
        (True, True, True, True),
    ],
)
def test_only_siblings_that_may_talk_are_relayed_to_each_other(
    from_below: bool, to_below: bool, siblings: bool, is_allowed: bool
) -> None:
    refusal = refuse_relay(from_below, to_below, siblings)
    assert (refusal is None) == is_allowed
    assert refusal is None or "siblings=True" in refusal


@pytest.mark.parametrize(
    ("claimed", "reason"),
    [
        (100, None),
        (109, None),
        (200, None),
        (10, "above it"),
        (1, "above it"),
        (0, "above it"),
        (99, "not given to it"),
        (110, "not given to it"),
        (11, "not given to it"),
        (2**32 - 1, "not given to it"),
        (105, "second claim"),
    ],
)
def test_route_claim_is_accepted_only_for_ids_given_to_that_child(
    claimed: int, reason: str | None
) -> None:
    refusal = refuse_route(claimed, OWN, PARENTS, [(100, 110), (200, 201)], {105, 11})
    assert refusal is None if reason is None else reason in str(refusal)


@pytest.mark.parametrize("above", [10, 1, 0])
def test_block_that_covers_a_parent_does_not_let_a_child_claim_it(above: int) -> None:
    assert "above it" in str(refuse_route(above, OWN, PARENTS, [(0, 2**32)], ()))


@pytest.mark.parametrize(
    ("count", "depth", "is_allowed"),
    [
        (0, 0, True),
        (65535, 0, True),
        (65536, 0, False),
        (16383, 1, True),
        (16384, 1, False),
        (63, 40, True),
        (64, 40, False),
    ],
)
def test_nobody_may_claim_all_that_his_parent_may(
    count: int, depth: int, is_allowed: bool
) -> None:
    assert (refuse_claims(count, depth) is None) == is_allowed
