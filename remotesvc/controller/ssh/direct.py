"""DirectSender: sends a small message on the caller's own thread, if that cannot wait.

paramiko's public `send` may wait: for the window, for the end of a key exchange, for a peer that
does not read. So writing has a thread of its own; but waking it takes a good part of the time of
a call. A message that has room in the window, between two key exchanges and on a socket that takes
it, goes out at once, by the very steps of `Channel.send`. Where paramiko lacks a name that this
takes, or somebody else is sending, the answer is no.
"""

import select
import threading
from collections.abc import Callable

import paramiko

__all__ = ["DirectSender"]

# A socket that is writable has room for this much: a third of the smallest send buffer (tcp(7)).
SIZE_LIMIT = 2048

TRANSPORT_NAMES = ("active", "clear_to_send", "clear_to_send_lock", "packetizer", "sock")
CHANNEL_NAMES = ("closed", "eof_sent", "lock", "out_window_size", "remote_chanid")


class DirectSender:
    """Sends for one channel; never on paramiko's thread, nor on one that `must_not_wait()`."""

    def __init__(self, channel: paramiko.Channel, must_not_wait: Callable[[], bool]) -> None:
        self._channel = channel
        self._transport = channel.get_transport()
        self._must_not_wait = must_not_wait
        self._poll = self._make_poll()

    def send(self, data: bytes) -> bool:
        """Send all of `data` now, or nothing; raises OSError or EOFError like `Channel.send`."""
        transport, poll = self._transport, self._poll
        if poll is None or len(data) > SIZE_LIMIT or self._must_not_wait():
            return False
        if threading.current_thread() is transport:
            return False
        # Held, it keeps a key exchange from beginning; taken, somebody else is sending.
        if not transport.clear_to_send_lock.acquire(blocking=False):
            return False
        try:
            if not (transport.active and transport.clear_to_send.is_set()):
                return False
            if not (_is_writable(poll) and self._take_window(len(data))):
                return False
            transport.packetizer.send_data(self._channel, data)
        finally:
            transport.clear_to_send_lock.release()
        return True

    def _make_poll(self) -> "select.poll | None":
        """Return what tells whether the socket takes data; None if there is no way to know."""
        known = ((self._transport, TRANSPORT_NAMES), (self._channel, CHANNEL_NAMES))
        if not all(hasattr(owner, name) for owner, names in known for name in names):
            return None
        try:
            poll = select.poll()
            poll.register(self._transport.sock.fileno(), select.POLLOUT)
        except (AttributeError, OSError, ValueError):
            return None  # what carries it is no socket, or is closed already
        return poll

    def _take_window(self, size: int) -> bool:
        channel = self._channel
        if not channel.lock.acquire(blocking=False):
            return False
        try:
            if channel.closed or channel.eof_sent or channel.out_window_size < size:
                return False
            channel.out_window_size -= size
            return True
        finally:
            channel.lock.release()


def _is_writable(poll: select.poll) -> bool:
    return [event for _, event in poll.poll(0)] == [select.POLLOUT]
