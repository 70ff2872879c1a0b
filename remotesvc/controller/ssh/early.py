"""EarlyChannel: a session used before the server has said yes to it, which saves a round trip.

What follows the request for a session names the number that the server gives it. sshd takes the
lowest one that is free, so that of the first session is known; a command and what it is to read
are sent right behind. A server that says no then meets requests for a session that is not there,
and hangs up; its no comes first, and is what the user is told.

RFC 4254, 5.1 has the shape of the request. Where paramiko lacks a name that this takes, or another
server is there, the answer is waited for (session.py).
"""

import threading

import paramiko
from paramiko.common import cMSG_CHANNEL_OPEN

from .session import WINDOW, is_openssh, reason_of

__all__ = ["EarlyChannel", "open_early"]

FIRST_NUMBER = 0

# Everybody has to take packets of this size (RFC 4253, 6.1).
PACKET_SIZE = 32768

TRANSPORT_NAMES = ("_channels", "_next_channel", "_send_user_message", "channel_events", "lock")
CHANNEL_NAMES = ("_set_remote_channel", "_set_transport", "_set_window", "_unlink")


class EarlyChannel(paramiko.Channel):  # type: ignore[misc]  # paramiko has no types
    """A session that sshd will have opened by the time that it reads what is sent there.

    `refusal` says why it did not, "" if it did or nothing is known yet.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.refusal = ""
        self._is_open = False

    def begin(self) -> None:
        """Send from now on, as if the answer were here; there is no window yet."""
        super()._set_remote_channel(FIRST_NUMBER, 0, PACKET_SIZE)

    def _set_remote_channel(self, number: int, window: int, packet_size: int) -> None:
        """Take the server's yes (paramiko's thread); what was sent counts already."""
        if number != FIRST_NUMBER:
            text = f"the server numbers sessions in a way of its own, the first one {number}"
            raise paramiko.SSHException(text + ': use transport="openssh"')
        with self.lock:
            self.out_window_size += window
            self.out_buffer_cv.notify_all()  # what was lent may be used up
        self._is_open = True

    def learn(self) -> None:
        """Take the news that the answer is here, or that none will come."""
        if not self._is_open:
            error = self.get_transport().saved_exception
            if isinstance(error, paramiko.ChannelException):
                self.refusal = reason_of(error)
            self._unlink()


class _Answer(threading.Event):
    """What paramiko sets when there is an answer, or the connection has ended."""

    def __init__(self, channel: EarlyChannel) -> None:
        super().__init__()
        self._channel = channel

    def set(self) -> None:
        """Have the channel look."""
        super().set()
        self._channel.learn()


def open_early(transport: paramiko.Transport) -> EarlyChannel | None:
    """Ask for the first session of a connection and wait for nothing; None if that cannot be."""
    if not is_openssh(transport) or transport.channels_seen:
        return None
    known = ((transport, TRANSPORT_NAMES), (paramiko.Channel, CHANNEL_NAMES))
    if not all(hasattr(owner, name) for owner, names in known for name in names):
        return None
    with transport.lock:
        number = transport._next_channel()
        channel = EarlyChannel(number)
        channel._set_transport(transport)
        channel._set_window(WINDOW, PACKET_SIZE)
        channel.begin()
        transport.channels_seen[number] = True
        transport.channel_events[number] = _Answer(channel)
        transport._channels.put(number, channel)
    request = paramiko.Message()
    request.add_byte(cMSG_CHANNEL_OPEN)
    request.add_string("session")
    for number_sent in (number, WINDOW, PACKET_SIZE):
        request.add_int(number_sent)
    transport._send_user_message(request)
    if not transport.is_active():
        channel.learn()  # its end may have come before there was anybody to tell
    return channel
