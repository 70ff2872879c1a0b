"""Files that a relay keeps: bounded, the latest ones; and whether they are the same."""

from hypothesis import given
from hypothesis import strategies as st

from remotesvc.core.shelf import FILE_COST, SAME, File, Shelf
from remotesvc.core.values import encode
from remotesvc.core.wire import PLAIN, RAW

PLACES = st.tuples(st.just("app"), st.sampled_from("abcdef"))
USES = st.lists(
    st.tuples(PLACES, st.one_of(st.none(), st.integers(0, 3 * FILE_COST))), max_size=60
)


@given(USES)
def test_what_is_kept_are_the_last_ones_that_fit(
    uses: list[tuple[tuple[str, str], int | None]],
) -> None:
    limit = 4 * FILE_COST
    shelf = Shelf(limit)
    expected: dict[tuple[str, str], bytes] = {}
    for place, size in uses:
        if size is None:
            file = shelf.get(place)
            assert (None if file is None else file.payload) == expected.get(place)
            if place in expected:
                expected[place] = expected.pop(place)
            continue
        shelf.keep(place, File(RAW, bytes(size)))
        expected.pop(place, None)
        if size + FILE_COST <= limit:
            expected[place] = bytes(size)
        while sum(len(one) + FILE_COST for one in expected.values()) > limit:
            del expected[next(iter(expected))]
    assert {place: file.payload for place, file in shelf._files.items()} == expected
    assert shelf._size == sum(len(one) + FILE_COST for one in expected.values()) <= limit


def test_file_that_is_too_large_is_not_kept_and_drops_no_other() -> None:
    shelf = Shelf(2 * FILE_COST)
    shelf.keep(("app", "small"), File(RAW, b"small"))
    shelf.keep(("app", "large"), File(RAW, bytes(FILE_COST + 1)))
    assert shelf.get(("app", "large")) is None and shelf.get(("app", "small")) is not None
    # What was smaller once does not stay as it was.
    shelf.keep(("app", "small"), File(RAW, bytes(FILE_COST + 1)))
    assert shelf.get(("app", "small")) is None


@given(st.binary(max_size=40), st.binary(max_size=40))
def test_only_who_has_the_very_same_is_told_so(had: bytes, now: bytes) -> None:
    told = File(RAW, now).answer_to(File(RAW, had).stamp)
    assert told == ((PLAIN, SAME) if had == now != b"" else (RAW, now))


@given(st.binary(max_size=40), st.integers())
def test_any_number_is_a_stamp_and_gives_the_answer_or_the_word(
    payload: bytes, stamp: int
) -> None:
    assert File(RAW, payload).answer_to(stamp) in ((RAW, payload), (PLAIN, SAME))
    assert File(RAW, payload).answer_to(0) == (RAW, payload)


def test_no_listing_is_the_word() -> None:
    for listing in ([], [("same", False)]):
        assert encode(listing) != SAME
