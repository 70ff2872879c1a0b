"""The tries of one attempt: their pauses, their deadlines, what the error says of them."""

import threading

import pytest

from remotesvc.connect.base import Attempt
from remotesvc.connect.retry import AWAY, BUSY, FINAL, PAUSES
from remotesvc.connect.tries import Tries
from remotesvc.core.errors import ConnectError, ConnectTimeout


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    for failure in (BUSY, AWAY):
        monkeypatch.setitem(PAUSES, failure, (0.001, 0.001))


def error_of(tries: Tries, failure: str) -> ConnectError:
    with pytest.raises(ConnectError) as caught:
        tries.wait(failure, ConnectError("web1: nobody there", "tcp", 0.0))
    return caught.value


def test_an_only_try_is_not_counted_in_the_error() -> None:
    tries = Tries(Attempt("web1", 30), 5)

    assert str(error_of(tries, FINAL)) == "web1: nobody there"


def test_the_error_says_how_many_tries_were_made() -> None:
    tries = Tries(Attempt("web1", 30), 2)
    tries.wait(AWAY, ConnectError("one"))
    tries.wait(AWAY, ConnectError("two"))

    assert not tries.has_more
    assert str(error_of(tries, AWAY)) == "web1: nobody there (tried 3 times in 0 s)"


def test_a_try_that_was_asked_for_has_the_whole_time() -> None:
    attempt = Attempt("web1", 30)
    attempt.renew(-40)
    assert attempt.left == 0

    assert Tries(attempt, 1).decide(AWAY) is not None

    assert attempt.left > 20


def test_a_try_that_was_not_asked_for_keeps_the_deadline() -> None:
    attempt = Attempt("web1", 30)
    attempt.renew(-10)
    tries = Tries(attempt, 0)

    assert tries.decide(BUSY) is not None
    assert attempt.left < 21


def test_a_cancel_ends_the_waiting_at_once_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PAUSES, AWAY, (1000.0, 1000.0))
    attempt = Attempt("web1", 30)
    errors: list[ConnectError] = []
    waiting = threading.Thread(
        target=lambda: errors.append(error_of(Tries(attempt, 1), AWAY)), daemon=True
    )
    waiting.start()

    attempt.cancel()
    waiting.join(30)

    assert "web1: the router was closed while it connected" in str(errors[0])
    assert not isinstance(errors[0], ConnectTimeout)


def test_a_cancelled_attempt_tries_nothing_more() -> None:
    attempt = Attempt("web1", 30)
    attempt.cancel()

    assert Tries(attempt, 5).decide(BUSY) is None
    assert Tries(attempt, 5).decide(AWAY) is None
