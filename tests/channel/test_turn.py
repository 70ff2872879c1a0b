"""Turn: one after the other, in time or not at all, and never left taken."""

import threading
from typing import Any

import pytest

from remotesvc.channel.turn import Turn


class Late(Exception):
    """It was not our turn in time."""


class Interrupted:
    """A lock that is taken, and then an interrupt comes before anybody knows."""

    def __init__(self) -> None:
        self.lock = threading.RLock()

    def acquire(self, timeout: float) -> bool:
        self.lock.acquire(timeout=timeout)
        raise KeyboardInterrupt

    def release(self) -> None:
        self.lock.release()

    def _is_owned(self) -> bool:
        lock: Any = self.lock
        return bool(lock._is_owned())


def test_turn_is_taken_and_given_back() -> None:
    lock = threading.RLock()
    for _ in range(2):
        with Turn(lock, 0, Late):
            assert is_taken(lock)
        assert not is_taken(lock)


def test_deadline_that_passes_is_told() -> None:
    lock = threading.RLock()
    told: list[type[Exception]] = []

    def try_it() -> None:
        try:
            with Turn(lock, 0, Late):
                told.append(Exception)
        except Late:
            told.append(Late)

    with Turn(lock, None, Late):
        thread = threading.Thread(target=try_it)
        thread.start()
        thread.join(30)
    assert told == [Late]
    assert not is_taken(lock)


def test_interrupt_leaves_nothing_taken() -> None:
    lock = Interrupted()
    with pytest.raises(KeyboardInterrupt), Turn(lock, 1, Late):  # type: ignore[arg-type]
        pass
    assert not is_taken(lock.lock)


def is_taken(lock: Any) -> bool:
    """Tell whether another thread could not have it."""
    got: list[bool] = []

    def try_it() -> None:
        got.append(lock.acquire(timeout=0))
        if got[0]:
            lock.release()

    thread = threading.Thread(target=try_it)
    thread.start()
    thread.join(30)
    return not got[0]
