"""Every rule of the table, for every handle and every kind of sender."""

import pytest

from remotesvc.core import authority
from remotesvc.core.authority import (
    FIRST_DYNAMIC,
    HANDLES,
    UNASKED_LIMIT,
    accepts_pickle,
    handle_name,
    is_commanded,
    refuse_delivery,
    refuse_reply,
    refuse_sending,
    refuse_size,
)

# The tree, seen from context 10: 0 is the controller, 1 the parent, 20 a child, 21 behind it.
OWN, PARENTS = 10, (1, 0)
SENDERS = {
    # who: (src, whether it came over the link of a child, the other end of that link)
    "parent": (1, False, 1),
    "controller": (0, False, 1),
    "self": (10, False, None),
    "child": (20, True, 20),
    "grandchild": (21, True, 20),
    "sibling": (11, False, 1),
    "stranger": (99, False, 1),
}

# By hand, not out of the code: who may send what.
COMMANDERS = {"parent", "controller", "self"}
EVERYONE = set(SENDERS)
ALLOWED = {
    "CONFIGURE": set(),
    "HELLO": set(),
    "PING": {"parent", "child"},
    "CALL_FUNCTION": COMMANDERS,
    "CALL_SERVICE": EVERYONE,
    "CANCEL": COMMANDERS,
    "SHUTDOWN": COMMANDERS,
    "GET_MODULE": {"self", "child", "grandchild"},
    "LOAD_MODULE": COMMANDERS,
    "GET_RESOURCE": {"self", "child", "grandchild"},
    "STDIO": {"self", "child", "grandchild"},
    "LOG": {"self", "child", "grandchild"},
    "ALLOCATE_ID": {"self", "child", "grandchild"},
    "ADD_ROUTE": {"parent", "child"},
    "DEL_ROUTE": {"parent", "child"},
    "OPEN_CHILD": COMMANDERS,
    "TEND_CHILD": COMMANDERS,
    "PASS_MODULES": COMMANDERS,
    "GIVE_IDS": COMMANDERS,
}
PARENTS_ONLY = {name for name, senders in ALLOWED.items() if senders is COMMANDERS}


def deliver(handle: int, who: str, auth: int | None = None) -> str | None:
    src, from_below, neighbour = SENDERS[who]
    return refuse_delivery(
        handle, src, src if auth is None else auth, OWN, PARENTS, from_below, neighbour
    )


def test_table_of_the_tests_has_every_handle() -> None:
    assert {name for name, _ in HANDLES.values()} == set(ALLOWED)
    assert all(getattr(authority, name) == number for number, (name, _) in HANDLES.items())
    assert all(0 < number < FIRST_DYNAMIC for number in HANDLES)


@pytest.mark.parametrize("who", SENDERS)
@pytest.mark.parametrize("name", ALLOWED)
def test_each_handle_takes_exactly_what_its_senders_may_send(name: str, who: str) -> None:
    refusal = deliver(getattr(authority, name), who)
    assert (refusal is None) == (who in ALLOWED[name]), refusal


@pytest.mark.parametrize("who", ["child", "grandchild", "sibling", "stranger"])
@pytest.mark.parametrize("name", sorted(PARENTS_ONLY))
def test_command_of_a_non_parent_is_refused_with_both_names(name: str, who: str) -> None:
    refusal = deliver(getattr(authority, name), who)
    assert refusal is not None
    assert name in refusal and str(SENDERS[who][0]) in refusal and str(OWN) in refusal


@pytest.mark.parametrize("auth", [20, 21, 11, 99])
@pytest.mark.parametrize("who", sorted(COMMANDERS))
@pytest.mark.parametrize("name", sorted(PARENTS_ONLY))
def test_parent_that_was_asked_by_a_non_parent_may_not_command(
    name: str, who: str, auth: int
) -> None:
    assert deliver(getattr(authority, name), who, auth) is not None


@pytest.mark.parametrize("auth", [0, 1, 10])
@pytest.mark.parametrize("src", [11, 20, 21, 99])
def test_claiming_the_authority_of_a_parent_does_not_make_a_sender_one(
    src: int, auth: int
) -> None:
    assert not is_commanded(src, auth, OWN, PARENTS)


@pytest.mark.parametrize("who", SENDERS)
@pytest.mark.parametrize("handle", [0, max(HANDLES) + 1, FIRST_DYNAMIC - 1])
def test_handle_that_is_not_in_the_table_is_refused(handle: int, who: str) -> None:
    assert f"no reserved handle {handle}" in str(deliver(handle, who))


def test_route_news_count_only_from_the_other_end_of_the_very_link() -> None:
    # A grandchild's DEL_ROUTE, passed on by the child, would unroute its cousins.
    assert deliver(authority.DEL_ROUTE, "grandchild") is not None
    assert deliver(authority.DEL_ROUTE, "controller") is not None


def test_handle_name_is_that_of_the_table_or_a_number() -> None:
    assert handle_name(4) == "CALL_FUNCTION" and handle_name(300) == "a reply"


# -- pickle --------------------------------------------------------------------------------------


@pytest.mark.parametrize("src", [0, 1, 10, 11, 20, 21, 99])
@pytest.mark.parametrize("auth", [0, 1, 10, 11, 20, 21, 99])
def test_pickle_is_looked_at_only_from_parents_at_the_request_of_parents(
    src: int, auth: int
) -> None:
    assert accepts_pickle(src, auth, PARENTS) == (src in {0, 1} and auth in {0, 1})


def test_controller_accepts_no_pickle_of_anyone() -> None:
    assert not any(accepts_pickle(src, src, ()) for src in range(30))


# -- sending -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ALLOWED)
def test_sender_refuses_a_command_that_goes_anywhere_but_down(name: str) -> None:
    handle = getattr(authority, name)
    assert refuse_sending(handle, True, False) is None
    assert refuse_sending(handle, False, True) is None
    refusal = refuse_sending(handle, False, False)
    assert (refusal is not None) == (name in PARENTS_ONLY)
    assert refusal is None or name in refusal


def test_sender_may_answer_anyone() -> None:
    assert refuse_sending(FIRST_DYNAMIC, False, False) is None


# -- replies -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("src", "is_dead", "is_allowed"),
    [
        (20, False, True),
        (20, True, True),
        (1, False, False),
        (1, True, True),
        (21, False, False),
        (21, True, False),
        (99, False, False),
        (99, True, False),
    ],
)
def test_reply_comes_from_who_was_called_or_dead_from_a_parent(
    src: int, is_dead: bool, is_allowed: bool
) -> None:
    above = (1, 0) if is_dead else ()
    assert (refuse_reply(src, src, 20, above) is None) == is_allowed


def test_reply_on_the_authority_of_somebody_else_is_refused() -> None:
    assert refuse_reply(20, 21, 20, ()) == "a reply of context 20 on the authority of context 21"


def test_stream_hears_whoever_knows_its_handle() -> None:
    assert refuse_reply(21, 33, None, ()) is None


def test_refused_reply_names_both_contexts() -> None:
    assert refuse_reply(21, 21, 20, ()) == "context 21 answers a call that was made to context 20"


# -- sizes ---------------------------------------------------------------------------------------

BIG = 8 * UNASKED_LIMIT


@pytest.mark.parametrize(
    ("size", "is_asked", "is_from_parents", "is_allowed"),
    [
        (UNASKED_LIMIT, False, False, True),
        (UNASKED_LIMIT + 1, False, False, False),
        (UNASKED_LIMIT + 1, True, False, True),
        (UNASKED_LIMIT + 1, False, True, True),
        (BIG, True, False, True),
        (BIG + 1, True, False, False),
        (BIG + 1, False, True, False),
        (BIG + 1, True, True, False),
    ],
)
def test_size_is_limited_more_for_what_nobody_asked_for(
    size: int, is_asked: bool, is_from_parents: bool, is_allowed: bool
) -> None:
    refusal = refuse_size(size, is_asked, is_from_parents, BIG)
    assert (refusal is None) == is_allowed
    assert refusal is None or str(size) in refusal
