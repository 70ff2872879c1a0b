"""Data of channels in sealed packets: the same bytes and the same state as paramiko's own way."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import paramiko
import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st
from paramiko.common import MSG_CHANNEL_DATA, cMSG_CHANNEL_DATA
from paramiko.packet import Packetizer

from remotesvc.controller.ssh import sealed
from remotesvc.controller.ssh.lean import LeanSocket
from remotesvc.controller.ssh.sealed import knows, open_data, seal_data

pytestmark = pytest.mark.skipif(
    not knows(Packetizer(None)), reason="this paramiko does all of it by itself"
)

KEY = bytes(range(32))
# Its counter is about to carry over.
IV = b"salt" + (0xFFFFFFFE).to_bytes(8, "big")

CHANNELS = st.integers(0, 2**32 - 1)


@contextmanager
def pair() -> Iterator[tuple[Packetizer, Packetizer, LeanSocket]]:
    """Two ends with a key: who sends, who receives, and the socket of that one."""
    near, far = socket.socketpair()
    with near, far:
        near.settimeout(30)
        far.settimeout(30)
        lean = LeanSocket(far)
        sender, receiver = Packetizer(near), Packetizer(lean)
        sender._initial_kex_done = receiver._initial_kex_done = True
        sender.set_outbound_cipher(AESGCM(KEY), 16, None, 16, None, aead=True, iv_out=IV)
        receiver.set_inbound_cipher(AESGCM(KEY), 16, None, 16, None, aead=True, iv_in=IV)
        yield sender, receiver, lean


def state_of(packetizer: Packetizer) -> dict[str, Any]:
    """Return what a packetizer knows, but for the engines and locks."""
    return {
        name: value
        for name, value in vars(packetizer).items()
        if isinstance(value, int | bytes | None)
    }


def message(channel_id: int, data: bytes, kind: bytes = cMSG_CHANNEL_DATA) -> paramiko.Message:
    """Return a message about a channel as paramiko makes it."""
    made = paramiko.Message()
    made.add_byte(kind)
    made.add_int(channel_id)
    made.add_string(data)
    return made


def send(sender: Packetizer, channel_id: int, data: bytes, is_short: bool) -> None:
    """Send data by one of both ways."""
    if is_short:
        assert seal_data(sender, channel_id, data)
    else:
        sender.send_message(message(channel_id, data))


def receive(receiver: Packetizer, lean: LeanSocket, is_short: bool) -> tuple[int, bytes]:
    """Take data by one of both ways."""
    if not is_short:
        kind, received = receiver.read_message()
        assert kind == MSG_CHANNEL_DATA
        return received.get_int(), received.get_binary()
    if not lean.ahead:
        assert lean.fill()
    opened = open_data(receiver, lean.ahead)
    assert opened is not None
    channel_id, data, size = opened
    lean.ahead = lean.ahead[size:]
    return channel_id, data


@given(st.lists(st.tuples(CHANNELS, st.binary(max_size=200), st.booleans(), st.booleans())))
def test_both_ways_may_take_turns_and_leave_the_same_state(
    packets: list[tuple[int, bytes, bool, bool]],
) -> None:
    with pair() as (sender, receiver, lean), pair() as (plain_sender, plain_receiver, plain_lean):
        for channel_id, data, is_sealed_short, is_opened_short in packets:
            send(sender, channel_id, data, is_sealed_short)
            send(plain_sender, channel_id, data, False)
            assert receive(receiver, lean, is_opened_short) == (channel_id, data)
            assert receive(plain_receiver, plain_lean, False) == (channel_id, data)
        for one, other in ((sender, plain_sender), (receiver, plain_receiver)):
            mine, theirs = state_of(one), state_of(other)
            assert {name for name in mine if mine[name] != theirs[name]} <= {KEEPALIVE}
            assert not lean.ahead


KEEPALIVE = "_Packetizer__keepalive_last"


@given(CHANNELS, st.binary(max_size=100), st.binary(max_size=40))
def test_what_is_no_data_changes_nothing_and_is_paramikos(
    channel_id: int, data: bytes, kind_and_more: bytes
) -> None:
    kind = bytes([len(kind_and_more) % 90 + 1])
    with pair() as (sender, receiver, lean):
        sender.send_message(message(channel_id, data, kind))
        assert lean.fill()
        before = state_of(receiver)
        assert open_data(receiver, lean.ahead) is None
        assert state_of(receiver) == before
        assert receiver.read_message()[0] == kind[0]


@given(st.data())
def test_packet_that_is_not_genuine_is_not_opened(data: st.DataObject) -> None:
    with pair() as (sender, receiver, lean):
        assert seal_data(sender, 1, b"some data")
        assert lean.fill()
        packet = bytearray(lean.ahead)
        place = data.draw(st.integers(sealed.LENGTH_SIZE, len(packet) - 1))
        packet[place] ^= data.draw(st.integers(1, 255))
        before = state_of(receiver)
        with pytest.raises(InvalidTag):
            open_data(receiver, memoryview(bytes(packet)))
        assert state_of(receiver) == before


def _seal(plain: bytes) -> memoryview:
    length = len(plain).to_bytes(4, "big")
    return memoryview(length + AESGCM(KEY).encrypt(IV, plain, length))


@given(st.binary(max_size=64), CHANNELS)
def test_lengths_that_lie_give_no_more_than_is_there(carried: bytes, claimed: int) -> None:
    plain = bytes([4, MSG_CHANNEL_DATA]) + bytes(4) + claimed.to_bytes(4, "big") + carried
    with pair() as (_, receiver, _):
        opened = open_data(receiver, _seal(plain))
        assert opened is not None
        expected = carried[: max(0, min(claimed, len(carried) - 4))]
        assert opened == (0, expected, len(plain) + 4 + sealed.TAG_SIZE)


@pytest.mark.parametrize("size", range(10))
def test_packet_too_short_for_data_is_paramikos(size: int) -> None:
    with pair() as (_, receiver, _):
        assert open_data(receiver, _seal(bytes(size))) is None


@pytest.mark.parametrize("reason", ["bytes", "packets", "asked", "compressed", "another cipher"])
def test_what_is_due_for_more_than_passing_is_paramikos(reason: str) -> None:
    with pair() as (sender, receiver, lean):
        assert seal_data(sender, 1, b"data")
        assert lean.fill()
        for one in (sender, receiver):
            if reason == "bytes":
                one.REKEY_BYTES = 40
            elif reason == "packets":
                one.REKEY_PACKETS = 1
            elif reason == "asked":
                one._trigger_rekey()
            elif reason == "compressed":
                one.set_outbound_compressor(bytes)
                one.set_inbound_compressor(bytes)
            else:
                one.set_outbound_cipher(None, 8, None, 0, b"")
                one.set_inbound_cipher(None, 8, None, 0, b"")
        states = state_of(sender), state_of(receiver)
        assert not seal_data(sender, 1, os.urandom(4))
        assert open_data(receiver, lean.ahead) is None
        assert (state_of(sender), state_of(receiver)) == states
