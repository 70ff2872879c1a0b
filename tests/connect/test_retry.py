"""Which failures are tried again, and after how long: the whole table, without a clock."""

import pytest

from remotesvc.connect.retry import AWAY, BUSY, FINAL, PAUSES, longest, next_try

PLENTY = 1000.0


@pytest.mark.parametrize("retries", [0, 7])
def test_what_is_final_is_never_tried_again(retries: int) -> None:
    assert next_try(FINAL, 1, 0, retries, PLENTY, 0.5) is None


@pytest.mark.parametrize("tries", [1, 2, 50, 100_000])
def test_a_busy_server_is_tried_again_without_being_asked_for(tries: int) -> None:
    again = next_try(BUSY, tries, 0, 0, PLENTY, 0.5)

    assert again is not None
    assert not again.is_counted


@pytest.mark.parametrize("tries", [1, 50])
def test_a_busy_server_is_tried_again_within_the_deadline_only(tries: int) -> None:
    assert next_try(BUSY, tries, 0, 0, 0.05, 0.5) is None
    assert next_try(BUSY, tries, 0, 0, 0.0, 0.0) is None


def test_at_the_deadline_of_a_busy_server_the_tries_asked_for_begin() -> None:
    again = next_try(BUSY, 9, 0, 1, 0.05, 0.5)

    assert again is not None
    assert again.is_counted
    assert next_try(BUSY, 9, 1, 1, 0.05, 0.5) is None


def test_a_host_that_is_away_is_tried_again_as_often_as_asked_for() -> None:
    assert next_try(AWAY, 1, 0, 0, PLENTY, 0.5) is None
    for counted in range(3):
        # Its deadline may have passed: the next one has the whole time again.
        again = next_try(AWAY, counted + 1, counted, 3, 0.0, 0.5)
        assert again is not None
        assert again.is_counted
    assert next_try(AWAY, 4, 3, 3, PLENTY, 0.5) is None


@pytest.mark.parametrize("failure", [BUSY, AWAY])
def test_pauses_double_up_to_a_limit(failure: str) -> None:
    first, most = PAUSES[failure]
    pauses = []
    for tries in range(1, 30):
        again = next_try(failure, tries, tries - 1, 100, PLENTY, 0.5)
        assert again is not None
        pauses.append(again.pause)

    assert pauses[:2] == [first, 2 * first]
    assert pauses == sorted(pauses)
    assert pauses[-1] == most


def test_chance_spreads_a_pause_from_a_half_to_one_and_a_half() -> None:
    pauses = [next_try(BUSY, 1, 0, 0, PLENTY, chance) for chance in (0.0, 0.5, 1.0)]

    assert [again and round(again.pause, 6) for again in pauses] == [0.1, 0.2, 0.3]


def test_no_attempt_takes_longer_than_is_said() -> None:
    assert longest(30, 0) == 30
    for retries in (1, 5, 50):
        pauses = [
            next_try(AWAY, count, count - 1, retries, 0, 1) for count in range(1, retries + 1)
        ]
        total = 30 * (retries + 1) + sum(again.pause for again in pauses if again)
        assert total <= longest(30, retries)
