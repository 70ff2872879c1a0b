"""Credit: a writer that keeps to it never exceeds what the reader allows, and never starves."""

from hypothesis import given
from hypothesis import strategies as st

from remotesvc.core.credit import Allowance, Window

WINDOW = 1000
SLACK = 300


def test_window_closes_when_it_is_spent_and_opens_again() -> None:
    window = Window(10)
    seen = []
    for change in (-9, -5, 4, 1):
        if change < 0:
            window.spend(-change)
        else:
            window.grant(change)
        seen.append(window.is_open)
    assert seen == [True, False, False, True]


def test_writer_that_ignores_its_credit_is_refused_and_the_rest_still_counts() -> None:
    allowance = Allowance(WINDOW, SLACK)
    assert allowance.take(WINDOW) and allowance.take(SLACK)
    assert not allowance.take(1)
    assert not allowance.take(10**9)
    # What was refused was never under way: reading what was taken makes room again.
    assert allowance.consume(WINDOW) == WINDOW
    assert allowance.take(WINDOW) and not allowance.take(1)


def test_grants_go_out_in_halves_of_the_window() -> None:
    allowance = Allowance(WINDOW, SLACK)
    assert allowance.take(WINDOW)
    assert [allowance.consume(100) for _ in range(10)] == [0, 0, 0, 0, 500] * 2


@given(
    st.lists(st.integers(1, SLACK), max_size=60),
    st.lists(st.integers(1, 3 * SLACK), max_size=60),
)
def test_honest_writer_is_never_refused_and_gets_everything_through(
    writes: list[int], reads: list[int]
) -> None:
    window, allowance = Window(WINDOW), Allowance(WINDOW, SLACK)
    unread: list[int] = []
    written = 0
    rounds = iter(reads)
    while written < len(writes) or unread:
        while written < len(writes) and window.is_open:
            window.spend(writes[written])
            assert allowance.take(writes[written])
            unread.append(writes[written])
            written += 1
        assert unread, "nothing is under way and the window is closed: it starves"
        for _ in range(min(len(unread), next(rounds, 1))):
            window.grant(allowance.consume(unread.pop(0)))
    assert sum(unread) == 0
