"""Seconds: the deadlines that users give, checked where they are given. Pure."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Optional

__all__ = ["check_seconds"]

# Nobody waits longer, and the system's clocks cannot.
FOR_EVER = 1e9


def check_seconds(name: "str", value: "Optional[float]") -> "Optional[float]":
    """Return a number of seconds that every wait takes: None for one without an end.

    Raises TypeError or ValueError for what is no number.
    """
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError("%s=%r: seconds as a number, or None" % (name, value))
    if value != value:
        raise ValueError("%s=%r is no number of seconds" % (name, value))
    return None if value > FOR_EVER else value
