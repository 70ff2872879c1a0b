"""Packets: paramiko's packets, which the loop takes from the socket once the login is done.

paramiko reads on a thread of its own, and so each message would wake two threads here: that one,
and the one that waits for the message. From `hand_over()` on the loop reads (core/loop.py), or
whoever the loop is lent to, and what is data of a channel, or room in one, goes to it at once. At
anything else, be it an exit status or a new key, it stops, and the packet is given to paramiko's
thread; that one hands the turn back when it asks for the next packet.

So is it done for ciphers that leave the length of a packet readable and prove the rest (AEAD,
RFC 5647): of others nobody knows whether a packet is here in full. Where paramiko lacks a name
that this takes, or another socket carries it, its thread reads on.
"""

import queue
from typing import TYPE_CHECKING, Any

import paramiko
from cryptography.exceptions import InvalidTag
from paramiko.common import MSG_CHANNEL_DATA, MSG_CHANNEL_WINDOW_ADJUST, cMSG_CHANNEL_DATA
from paramiko.packet import NeedRekeyException, Packetizer

from .counted import checked
from .lean import LeanSocket
from .sealed import LENGTH_SIZE, TAG_SIZE, knows, open_data, seal_data

if TYPE_CHECKING:
    from ...core.loop import Loop

__all__ = ["Packets", "is_whole"]

# What a channel takes without waiting for anything.
FOR_CHANNELS = {MSG_CHANNEL_DATA, MSG_CHANNEL_WINDOW_ADJUST}

NAMES = ("_channels", "_channel_handler_table", "channels_seen", "in_kex")

# OpenSSH's. RFC 4253, 6.1 asks for 35,000.
PACKET_LIMIT = 256 * 1024


def is_whole(ahead: "memoryview[int] | bytes") -> bool:
    """Tell whether a packet is here in full; SSHException if it is to be larger than any. Pure."""
    if len(ahead) < LENGTH_SIZE:
        return False
    size = int.from_bytes(ahead[:LENGTH_SIZE], "big")
    if size > PACKET_LIMIT:
        raise paramiko.SSHException(f"a packet of {size} bytes; the limit is {PACKET_LIMIT}")
    return len(ahead) >= LENGTH_SIZE + size + TAG_SIZE


class Packets(Packetizer):  # type: ignore[misc]  # paramiko has no types
    """What comes from one server; either paramiko's thread has the turn to read it or the loop."""

    def __init__(self, sock: Any) -> None:
        super().__init__(sock)
        self.is_on_loop = False
        self._lean = sock
        self._loop: Loop | None = None
        self._transport: Any = None
        self._is_sealed = False
        self._is_known = knows(self)
        # Of paramiko's thread: what the loop gives it, and whether it may read.
        self._given: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._has_turn = True

    def hand_over(self, loop: "Loop", transport: paramiko.Transport) -> None:
        """Have the loop read from the next packet on, if that can be."""
        if isinstance(self._lean, LeanSocket) and all(hasattr(transport, name) for name in NAMES):
            self._transport = transport
            self._lean.loop = self._loop = loop

    def send_data(self, channel: paramiko.Channel, data: bytes) -> None:
        """Send data of a channel, as `send_message` does (any thread)."""
        if self._is_known and seal_data(self, channel.remote_chanid, data):
            return
        message = paramiko.Message()
        message.add_byte(cMSG_CHANNEL_DATA)
        message.add_int(channel.remote_chanid)
        message.add_string(data)
        self.send_message(message)

    # -- on paramiko's thread --------------------------------------------------------------------

    def set_inbound_cipher(self, *args: Any, **options: Any) -> None:
        """Take a new key (paramiko)."""
        super().set_inbound_cipher(*args, **options)
        self._is_sealed = bool(options.get("aead"))

    def read_message(self) -> Any:
        """Return the next packet, of those that are left once the loop reads (paramiko)."""
        if self._has_turn:
            self.is_on_loop = self._loop is not None and self._is_sealed
            if self._loop is None or not self._is_sealed:
                return checked(*super().read_message())
            self._has_turn = False
            self._loop.call_soon(self._resume)
        given = self._wait()
        if isinstance(given, BaseException):
            raise given
        self._has_turn = True
        return checked(*given)

    def _wait(self) -> Any:
        while True:
            try:
                return self._given.get(timeout=self._lean.gettimeout())
            except queue.Empty:
                if self.closed:
                    raise EOFError from None
                self._check_keepalive()

    def close(self) -> None:
        """Close the socket (paramiko, any thread)."""
        super().close()
        self._given.put(EOFError())

    def _trigger_rekey(self) -> None:
        super()._trigger_rekey()
        self._given.put(NeedRekeyException())

    # -- on the loop's thread --------------------------------------------------------------------

    def _resume(self) -> None:
        self._lean.watch(self._read)
        self._take()

    def _read(self) -> None:
        try:
            is_more = self._lean.fill()
        except (OSError, EOFError) as error:
            self._give(EOFError() if self.closed else error)
            return
        if is_more:
            self._take()

    def _take(self) -> None:
        """Hand on what is here, up to what is for paramiko's thread."""
        try:
            while is_whole(self._lean.ahead):
                if self._pass_data():
                    continue
                packet = super().read_message()
                if not self._hand_on(*packet):
                    self._give(packet)
                    return
        except InvalidTag:
            self._give(paramiko.SSHException("what came is not what was sent: its proof is wrong"))
        except Exception as error:  # noqa: BLE001 it ends the connection, as on paramiko's thread
            self._give(error)

    def _pass_data(self) -> bool:
        """Take a packet that is data of a channel the short way; tell whether it was one."""
        lean, transport = self._lean, self._transport
        if transport.in_kex or not self._is_known:
            return False
        opened = open_data(self, lean.ahead)
        if opened is None:
            return False
        channel_id, data, size = opened
        lean.ahead = lean.ahead[size:]
        channel = transport._channels.get(channel_id)
        if channel is not None:
            transport._channel_handler_table[MSG_CHANNEL_DATA](channel, data)
        elif channel_id not in transport.channels_seen:  # else it was closed
            raise paramiko.SSHException(f"data for channel {channel_id}, which was never opened")
        return True

    def _hand_on(self, kind: int, message: paramiko.Message) -> bool:
        """Give a packet to its channel; tell whether it was one of those, and in order."""
        transport = self._transport
        if kind not in FOR_CHANNELS or transport.in_kex:
            return False
        channel = transport._channels.get(message.get_int())
        if channel is None:
            message.rewind()
            return False
        transport._channel_handler_table[kind](channel, message)
        return True

    def _give(self, given: Any) -> None:
        self._lean.watch(None)
        self._given.put(given)
