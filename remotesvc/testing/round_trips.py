"""Counts the round trips of one connection by what can have caused what, not by time.

Pure. The two rules, a logical clock of one number per piece of data:

- What a client sends belongs to the round after the highest one that was delivered to it.
- What a server sends belongs to the highest round that was delivered to it. At least 1: before
  a server can say anything, the client's last packet of the TCP handshake must have come.

The count is the highest round delivered to the client: the longest chain of "it could only send
this after it had seen that". How the data is cut into pieces does not matter: all that a side
says before the other can have answered it belongs to one round. So with a delay well above the
time that both ends take to answer, the count of an exchange is always the same, however busy the
machine is within that delay. With a delay near zero a burst may count as several rounds.
"""

__all__ = ["RoundTrips"]


class RoundTrips:
    """The rounds of one connection; the TCP handshake is not one of them."""

    def __init__(self) -> None:
        """Start with nothing delivered."""
        self._delivered_up = 0
        self._delivered_down = 0

    @property
    def count(self) -> int:
        """The number of completed round trips."""
        return self._delivered_down

    def of_client(self) -> int:
        """Return the round of what the client sends now."""
        return self._delivered_down + 1

    def of_server(self) -> int:
        """Return the round of what the server sends now."""
        return max(1, self._delivered_up)

    def reached_server(self, round_number: int) -> None:
        """Note that the server has got something of this round."""
        self._delivered_up = max(self._delivered_up, round_number)

    def reached_client(self, round_number: int) -> int:
        """Note that the client has got something of this round; return how many are new."""
        new = max(0, round_number - self._delivered_down)
        self._delivered_down += new
        return new
