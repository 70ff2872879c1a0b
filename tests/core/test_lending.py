"""References in messages: whom they may name, and whose authority they lend."""

import pytest

from remotesvc.core.lending import (
    lent_authority,
    refuse_channel,
    refuse_handing_on,
    refuse_reader,
    refuse_reference,
)

OWN, PARENTS = 5, (1, 0)


@pytest.mark.parametrize(
    ("named", "src", "is_refused"),
    [
        pytest.param(7, 7, False, id="a child names itself"),
        pytest.param(5, 7, False, id="a child names us"),
        pytest.param(8, 7, True, id="a child names its sibling"),
        pytest.param(1, 7, True, id="a child names our parent"),
        pytest.param(0, 7, True, id="a child names the controller"),
        pytest.param(8, 1, False, id="our parent names whom it likes"),
        pytest.param(8, 0, False, id="the controller names whom it likes"),
        pytest.param(8, 5, False, id="we ourselves name whom we like"),
    ],
)
def test_who_may_name_whom(named: int, src: int, is_refused: bool) -> None:
    refusal = refuse_reference(named, src, OWN, PARENTS)

    assert (refusal is not None) == is_refused
    assert refusal is None or f"context {named}, which is not context {src}'s" in refusal


@pytest.mark.parametrize(
    ("auth", "lent"),
    [
        pytest.param(0, 5, id="of the controller's message: our own"),
        pytest.param(1, 5, id="of our parent's message: our own"),
        pytest.param(5, 5, id="of a message to ourselves: our own"),
        pytest.param(7, 7, id="of a child's message: the child's"),
        pytest.param(9, 9, id="of a grandchild's message: the grandchild's"),
    ],
)
def test_what_is_sent_through_a_reference_carries_the_authority_of_its_message(
    auth: int, lent: int
) -> None:
    assert lent_authority(auth, OWN, PARENTS) == lent


@pytest.mark.parametrize(
    ("auth", "home", "is_below", "lent"),
    [
        pytest.param(8, 8, False, 5, id="back to a sibling: our own"),
        pytest.param(7, 7, True, 7, id="back to a child: the child's"),
        pytest.param(8, 5, False, 8, id="a sibling's, to ourselves: the sibling's"),
        pytest.param(9, 8, False, 9, id="that of who is behind a sibling"),
    ],
)
def test_what_goes_back_across_goes_on_our_own_authority(
    auth: int, home: int, is_below: bool, lent: int
) -> None:
    assert lent_authority(auth, OWN, PARENTS, home, is_below) == lent


@pytest.mark.parametrize(
    ("is_below", "is_apart", "siblings", "refusal"),
    [
        pytest.param(True, True, True, None, id="children that may talk"),
        pytest.param(True, False, False, None, id="one behind the other"),
        pytest.param(True, True, False, r"siblings=True", id="children that may not talk"),
        pytest.param(False, False, True, "return it", id="a parent's, to a sibling"),
        pytest.param(False, False, False, "return it", id="a sibling's, to a parent"),
    ],
)
def test_who_may_hand_on_what_leads_to_a_third_one(
    is_below: bool, is_apart: bool, siblings: bool, refusal: str | None
) -> None:
    told = refuse_handing_on("web1", "web2", is_below, is_apart, siblings)

    assert (told is None) == (refusal is None)
    assert told is None or (refusal or "") in told
    assert told is None or ("web1" in told and "web2" in told)


@pytest.mark.parametrize(
    ("named", "src", "is_refused"),
    [
        pytest.param(7, 7, False, id="a child's own"),
        pytest.param(1, 1, False, id="our parent's own"),
        pytest.param(5, 5, False, id="ours, in a message to ourselves"),
        pytest.param(0, 5, False, id="of a pickle, which a parent sent"),
        pytest.param(5, 7, True, id="a child names us"),
        pytest.param(8, 7, True, id="a child names its sibling"),
        pytest.param(7, 1, True, id="our parent names a child"),
    ],
)
def test_other_end_of_a_channel_is_who_sent_it(named: int, src: int, is_refused: bool) -> None:
    refusal = refuse_channel(named, src, OWN)

    assert (refusal is not None) == is_refused
    assert refusal is None or f"in context {named}, and not in context {src}" in refusal


@pytest.mark.parametrize(("home", "is_refused"), [(7, False), (5, True), (1, True), (8, True)])
def test_who_asked_for_a_stream_reads_it(home: int, is_refused: bool) -> None:
    refusal = refuse_reader(home, 7)

    assert (refusal is not None) == is_refused
    assert refusal is None or f"context 7, who called, and not to context {home}" in refusal
