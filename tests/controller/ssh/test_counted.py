"""Packets that say that they have more parts than they can hold."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import paramiko
import pytest
from paramiko.common import MSG_CHANNEL_DATA, MSG_EXT_INFO, MSG_USERAUTH_INFO_REQUEST
from paramiko.packet import Packetizer

from remotesvc.controller.ssh.counted import checked
from remotesvc.controller.ssh.packets import Packets


def body_of(*parts: int | bytes | bool) -> paramiko.Message:
    """Return what stands in a packet behind its kind."""
    message = paramiko.Message()
    for part in parts:
        if isinstance(part, bool):
            message.add_boolean(part)
        elif isinstance(part, int):
            message.add_int(part)
        else:
            message.add_string(part)
    message.rewind()
    return message


QUESTIONS = (b"title", b"please", b"")


@pytest.mark.parametrize(
    ("kind", "parts"),
    [
        (MSG_EXT_INFO, (0,)),
        (MSG_EXT_INFO, (1, b"", b"")),
        (MSG_EXT_INFO, (2, b"server-sig-algs", b"rsa-sha2-256", b"ping@openssh.com", b"0")),
        (MSG_USERAUTH_INFO_REQUEST, (*QUESTIONS, 0)),
        (MSG_USERAUTH_INFO_REQUEST, (*QUESTIONS, 1, b"", False)),
        (MSG_USERAUTH_INFO_REQUEST, (*QUESTIONS, 2, b"Name: ", True, b"Code: ", False)),
        (MSG_CHANNEL_DATA, (2**32 - 1,)),
    ],
)
def test_packets_are_handed_on_as_they_are(kind: int, parts: tuple[int | bytes, ...]) -> None:
    message = body_of(*parts)
    assert checked(kind, message) == (kind, message)
    assert message.get_remainder() == body_of(*parts).asbytes()


@pytest.mark.parametrize(
    ("kind", "parts"),
    [
        (MSG_EXT_INFO, (2**32 - 1,)),
        (MSG_EXT_INFO, (3, b"server-sig-algs")),
        (MSG_USERAUTH_INFO_REQUEST, (*QUESTIONS, 2**32 - 1, b"Password: ", False)),
        (MSG_USERAUTH_INFO_REQUEST, (*QUESTIONS, 1)),
    ],
)
def test_more_parts_than_there_is_room_for_are_an_error(
    kind: int, parts: tuple[int | bytes, ...]
) -> None:
    with pytest.raises(paramiko.SSHException, match=f"a packet of kind {kind} says that it has"):
        checked(kind, body_of(*parts))


@contextmanager
def wire() -> Iterator[tuple[Packetizer, Packets]]:
    """Give a server's end of a connection and ours, before any key is agreed on."""
    near, far = socket.socketpair()
    with near, far:
        yield Packetizer(far), Packets(near)


def test_what_a_server_sends_is_looked_at_before_paramiko_counts() -> None:
    with wire() as (server, ours):
        for count in (0, 2**31):
            message = paramiko.Message()
            message.add_byte(bytes([MSG_EXT_INFO]))
            message.add_int(count)
            server.send_message(message)
        assert ours.read_message()[0] == MSG_EXT_INFO
        with pytest.raises(paramiko.SSHException, match="2147483648 parts, in 0 bytes"):
            ours.read_message()
