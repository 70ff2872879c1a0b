"""Sealed data: what channels carry, to and from packets of AES-GCM (RFC 5647), in few steps.

paramiko takes some thirty calls of Python for each small packet, and where a thread has just been
woken it is as slow as its code is long. This does the same for the one kind of packet that comes
by the thousand, MSG_CHANNEL_DATA (RFC 4254, 5.2). The state, keys and counters, stays paramiko's:
it goes on with any packet that is not for here, such as those that are to bring new keys. Where it
lacks a name that this takes, it does it all.
"""

import os
from typing import Any

from paramiko.common import MSG_CHANNEL_DATA

__all__ = ["LENGTH_SIZE", "TAG_SIZE", "knows", "open_data", "seal_data"]

# RFC 4253, 6: the length of a packet; RFC 5647, 7.1: what proves that it is genuine.
LENGTH_SIZE = 4
TAG_SIZE = 16

# RFC 4253, 6 and RFC 5647, 7.2: what is sealed is a multiple of this, with padding of 4 at least.
BLOCK_SIZE = 16
LEAST_PADDING = 4

# One byte each for the length of the padding and the kind; the channel; how much it carries.
HEAD_SIZE = 10

# Sequence numbers wrap.
COUNTED = 0xFFFFFFFF

NAMES = (
    *("_inc_iv_counter", "REKEY_BYTES", "REKEY_PACKETS"),
    *("_Packetizer__" + name for name in ("dump_packets", "need_rekey", "write_lock")),
    *(
        f"_Packetizer__{name}_{way}"
        for way in ("in", "out")
        for name in ("aead", "block_engine", "compress_engine", "iv", "sequence_number")
    ),
    *(
        f"_Packetizer__{way}_{what}"
        for way in ("received", "sent")
        for what in ("bytes", "packets")
    ),
)


def knows(packetizer: Any) -> bool:
    """Tell whether this paramiko has what is taken here."""
    return all(hasattr(packetizer, name) for name in NAMES)


def open_data(packetizer: Any, ahead: "memoryview[int]") -> tuple[int, bytes, int] | None:
    """Return channel, data and size of the packet, which is here in full; None: paramiko's.

    InvalidTag if it is not genuine. For None nothing was changed.
    """
    it = packetizer
    size = int.from_bytes(ahead[:LENGTH_SIZE], "big")
    whole = LENGTH_SIZE + size + TAG_SIZE
    received, packets = (
        it._Packetizer__received_bytes + whole,
        it._Packetizer__received_packets + 1,
    )
    if not it._Packetizer__aead_in or it._Packetizer__compress_engine_in is not None:
        return None
    if size < HEAD_SIZE or not _is_plain(it, received, packets):
        return None
    iv = it._Packetizer__iv_in
    sealed, length = ahead[LENGTH_SIZE:whole], ahead[:LENGTH_SIZE]
    packet: bytes = it._Packetizer__block_engine_in.decrypt(iv, sealed, length)
    if packet[1] != MSG_CHANNEL_DATA:
        return None
    it._Packetizer__iv_in = it._inc_iv_counter(iv)
    number = it._Packetizer__sequence_number_in + 1
    it._Packetizer__sequence_number_in = number & COUNTED
    it._Packetizer__received_bytes, it._Packetizer__received_packets = received, packets
    # What it says that it carries, but no more than is there.
    end = min(HEAD_SIZE + int.from_bytes(packet[6:HEAD_SIZE], "big"), size - packet[0])
    return int.from_bytes(packet[2:6], "big"), packet[HEAD_SIZE:end], whole


def seal_data(packetizer: Any, channel_id: int, data: bytes) -> bool:
    """Send data of a channel as one packet; False: paramiko has to, and nothing was changed.

    Raises what `Packetizer.write_all` does.
    """
    it = packetizer
    size = HEAD_SIZE + len(data)
    padding = LEAST_PADDING + -(size + LEAST_PADDING) % BLOCK_SIZE
    length = (size + padding).to_bytes(LENGTH_SIZE, "big")
    head = bytes((padding, MSG_CHANNEL_DATA)) + channel_id.to_bytes(4, "big")
    plain = b"".join((head, len(data).to_bytes(4, "big"), data, os.urandom(padding)))
    with it._Packetizer__write_lock:
        whole = LENGTH_SIZE + len(plain) + TAG_SIZE
        sent, packets = it._Packetizer__sent_bytes + whole, it._Packetizer__sent_packets + 1
        if not it._Packetizer__aead_out or it._Packetizer__compress_engine_out is not None:
            return False
        if not _is_plain(it, sent, packets):
            return False
        iv = it._Packetizer__iv_out
        sealed = it._Packetizer__block_engine_out.encrypt(iv, plain, length)
        it._Packetizer__iv_out = it._inc_iv_counter(iv)
        number = it._Packetizer__sequence_number_out + 1
        it._Packetizer__sequence_number_out = number & COUNTED
        it.write_all(length + sealed)
        it._Packetizer__sent_bytes, it._Packetizer__sent_packets = sent, packets
    return True


def _is_plain(packetizer: Any, size: int, packets: int) -> bool:
    """Tell whether with so much by one key nothing is due but to pass it."""
    it = packetizer
    is_fresh: bool = size < it.REKEY_BYTES and packets < it.REKEY_PACKETS
    return is_fresh and not (it._Packetizer__need_rekey or it._Packetizer__dump_packets)
