"""Whether a host that was not reached is tried again, and after how long: one table. Pure.

Only what failed before anything was sent that counts (a password, a key, a command) is ever tried
again. Time and chance come in as arguments.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Dict, Optional, Tuple

__all__ = ["AWAY", "BUSY", "FINAL", "Again", "longest", "next_try"]

# The server hung up before it said who it is: sshd does so to some when many log in at once
# (MaxStartups). It is there, and may have room the next moment.
BUSY = "busy"

# Nobody there, or not yet: refused, unreachable, silent, a name without an address.
AWAY = "away"

# Everything else: another try would end the same way, or send something a second time.
FINAL = "final"

# Seconds before the second try, which double from try to try, and at most. Logins take tenths of
# seconds; a host that boots takes minutes, and wants to be found soon after.
PAUSES: "Dict[str, Tuple[float, float]]" = {BUSY: (0.2, 4.0), AWAY: (1.0, 10.0)}

# A pause is half of that, up to one and a half: those who were turned away together do not come
# back together.
LEAST = 0.5

# Beyond, every pause is the longest anyway.
DOUBLINGS = 10


class Again:
    """The next try: after `pause` seconds; `is_counted` if it is one of those asked for."""

    __slots__ = ("is_counted", "pause")

    def __init__(self, pause: "float", is_counted: "bool") -> "None":
        self.pause = pause
        self.is_counted = is_counted


def next_try(
    failure: "str", tries: "int", counted: "int", retries: "int", left: "float", chance: "float"
) -> "Optional[Again]":
    """Return the next try after a failure (BUSY, AWAY or FINAL); None for no more.

    tries: how many were made, `counted` of them on account of the `retries` that the user allows.
    left: seconds until the deadline of this try, which an uncounted one has to keep; a counted
    one has the whole time again. chance: a number from 0 to 1.
    """
    if failure == FINAL:
        return None
    if failure == BUSY:
        pause = _pause(BUSY, tries, chance)
        if pause < left:
            return Again(pause, False)
    if counted < retries:
        return Again(_pause(AWAY, counted + 1, chance), True)
    return None


def longest(timeout: "float", retries: "int") -> "float":
    """Return the seconds that an attempt takes at most, all its tries and pauses."""
    return timeout + retries * (timeout + PAUSES[AWAY][1] * (LEAST + 1))


def _pause(failure: "str", tries: "int", chance: "float") -> "float":
    first, most = PAUSES[failure]
    return min(most, first * (1 << min(tries - 1, DOUBLINGS))) * (LEAST + chance)
