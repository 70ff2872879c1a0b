"""Tries: how often one attempt has tried to reach its host, and the pauses between."""

import os

from ..core.errors import ConnectTimeout
from .retry import next_try

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Optional

    from ..core.errors import ConnectError
    from .base import Attempt

__all__ = ["Tries"]


class Tries:
    """The tries of one attempt; its user allows `retries` more than one."""

    def __init__(self, attempt: "Attempt", retries: "int") -> "None":
        self.retries = retries
        self._attempt = attempt
        self._counted = 0

    @property
    def has_more(self) -> "bool":
        """Whether one that times out may be followed by another."""
        return self._counted < self.retries

    def decide(self, failure: "str") -> "Optional[float]":
        """Return after how many seconds the next try begins, None for not at all."""
        attempt = self._attempt
        if attempt.is_cancelled:
            return None
        chance = int.from_bytes(os.urandom(4), "big") / (1 << 32)
        again = next_try(failure, attempt.tries, self._counted, self.retries, attempt.left, chance)
        if again is None:
            return None
        attempt.tries += 1
        if again.is_counted:
            self._counted += 1
            attempt.renew(again.pause)
        return again.pause

    def wait(self, failure: "str", error: "ConnectError") -> "None":
        """Return when the next try may begin; raise the error if there is none."""
        pause = self.decide(failure)
        if pause is None:
            raise self.told(error)
        if not self._attempt.wait(pause):
            raise self._attempt.timed_out(error.phase, "waiting for another try")

    def told(self, error: "ConnectError") -> "ConnectError":
        """Return an error that says how many tries were made."""
        if not isinstance(error, ConnectTimeout):
            error.args = ("%s%s" % (error, self._attempt.tried),)  # that one knows it already
        return error
