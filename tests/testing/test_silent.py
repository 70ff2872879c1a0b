"""The silent server accepts and says nothing."""

import socket

import pytest

from remotesvc.testing.silent import SilentServer


def test_a_client_is_accepted_and_hears_nothing_but_the_reset_at_the_end() -> None:
    with SilentServer() as server:
        client = socket.create_connection((server.host, server.port))
        client.sendall(b"SSH-2.0-hello\r\n")
    server.close()

    with client, pytest.raises(ConnectionResetError):
        client.recv(1)


def test_nobody_listens_after_close() -> None:
    with SilentServer() as server:
        pass

    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((server.host, server.port))
