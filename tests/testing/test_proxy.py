"""The delay proxy over real sockets: bytes, order, counts and endings; no times."""

import contextlib
import socket
from collections.abc import Iterator

import pytest

from remotesvc.testing.proxy import DelayProxy, ProxyCounts
from tests.testing.client import Holdings
from tests.testing.echo import EchoServer

# Far above what both ends need to answer, so that the count of round trips is exact.
DELAY = 0.05


@pytest.fixture
def echo() -> Iterator[EchoServer]:
    with EchoServer() as server:
        yield server


@contextlib.contextmanager
def connected(proxy: DelayProxy) -> Iterator[socket.socket]:
    with socket.create_connection((proxy.host, proxy.port), timeout=30) as client:
        yield client


def read(client: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size and (chunk := client.recv(65536)):
        data += chunk
    return data


def test_bytes_arrive_whole_and_in_order(echo: EchoServer) -> None:
    data = bytes(range(256)) * 2_000

    with DelayProxy(echo.port, 0.002) as proxy, connected(proxy) as client:
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)

        assert read(client, len(data) + 1) == data
        assert proxy.counts().bytes_up == proxy.counts().bytes_down == len(data)


@pytest.mark.parametrize("exchanges", [1, 4])
def test_each_exchange_is_one_round_trip(echo: EchoServer, exchanges: int) -> None:
    with DelayProxy(echo.port, DELAY) as proxy, connected(proxy) as client:
        for _ in range(exchanges):
            client.sendall(b"ping")
            assert read(client, 4) == b"ping"

        assert proxy.counts() == ProxyCounts(1, exchanges, 4 * exchanges, 4 * exchanges)


def test_what_does_not_wait_is_one_round_trip_together(echo: EchoServer) -> None:
    # Whoever sends twenty times may be interrupted, on a machine that does other things as well.
    with DelayProxy(echo.port, 10 * DELAY) as proxy, connected(proxy) as client:
        for _ in range(20):
            client.sendall(b"ping")
        assert read(client, 80) == b"ping" * 20

        assert proxy.counts().round_trips == 1


def test_a_greeting_takes_one_round_trip_and_an_answer_to_it_another() -> None:
    with (
        EchoServer(b"hello") as server,
        DelayProxy(server.port, DELAY) as proxy,
        connected(proxy) as client,
    ):
        assert read(client, 5) == b"hello"
        greeted = proxy.counts()
        client.sendall(b"thanks")
        assert read(client, 6) == b"thanks"

        assert greeted == ProxyCounts(1, 1, 0, 5)
        assert proxy.counts() - greeted == ProxyCounts(0, 1, 6, 6)


def test_round_trips_of_all_connections_are_added(echo: EchoServer) -> None:
    with DelayProxy(echo.port, DELAY) as proxy:
        for _ in range(2):
            with connected(proxy) as client:
                client.sendall(b"x")
                assert read(client, 1) == b"x"

        assert proxy.counts() == ProxyCounts(2, 2, 2, 2)


def test_without_a_delay_it_is_a_plain_proxy(echo: EchoServer) -> None:
    with DelayProxy(echo.port) as proxy, connected(proxy) as client:
        client.sendall(b"ping")
        assert read(client, 4) == b"ping"


def test_the_end_of_the_client_reaches_the_server_behind_its_data(echo: EchoServer) -> None:
    with DelayProxy(echo.port, 0.001) as proxy, connected(proxy) as client:
        client.sendall(b"last words")
        client.shutdown(socket.SHUT_WR)

        assert read(client, 100) == b"last words"
        assert echo.ending() == "end"


def test_a_reset_of_the_client_reaches_the_server(echo: EchoServer) -> None:
    with DelayProxy(echo.port, 0.001) as proxy:
        with connected(proxy) as client:
            client.sendall(b"x")
            read(client, 1)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

        assert echo.ending() == "reset"


def test_a_target_that_refuses_resets_the_client() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        free = listener.getsockname()[1]

    with (
        DelayProxy(free, 0.001) as proxy,
        connected(proxy) as client,
        pytest.raises(ConnectionResetError),
    ):
        client.recv(1)


def test_cut_resets_both_ends_and_later_clients_are_served(echo: EchoServer) -> None:
    with DelayProxy(echo.port, 0.001) as proxy:
        with connected(proxy) as client:
            client.sendall(b"x")
            read(client, 1)
            proxy.cut()
            with pytest.raises(ConnectionResetError):
                client.recv(1)
        assert echo.ending() == "reset"
        with connected(proxy) as client:
            client.sendall(b"y")
            assert read(client, 1) == b"y"


def test_nothing_moves_while_it_is_stalled(echo: EchoServer) -> None:
    with DelayProxy(echo.port) as proxy, connected(proxy) as client:
        client.sendall(b"x")
        read(client, 1)
        proxy.stall()
        client.sendall(b"later")
        # A second order is obeyed after the thread has looked at its sockets once more.
        proxy.stall()

        assert proxy.counts().bytes_up == 1
        proxy.resume()
        assert read(client, 5) == b"later"


def test_a_client_that_does_not_read_does_not_stop_others() -> None:
    size = 20_000_000
    with (
        EchoServer(bytes(size)) as flood,
        DelayProxy(flood.port) as proxy,
        connected(proxy) as lazy,
        connected(proxy) as eager,
    ):
        # Fixed, else the kernel lets the buffer grow and takes in much by itself.
        lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        assert len(read(eager, size)) == size
        assert proxy.counts().bytes_down < 2 * size
        assert len(read(lazy, size)) == size


def test_nothing_is_left_after_close() -> None:
    before = Holdings.now()

    with EchoServer() as echo:
        with DelayProxy(echo.port, 0.001) as proxy, connected(proxy) as client:
            client.sendall(b"x")
            read(client, 1)
            proxy.close()
            assert client.recv(1) == b""
        proxy.close()

    assert Holdings.now().new_since(before) == []


def test_a_closed_proxy_takes_no_orders(echo: EchoServer) -> None:
    with DelayProxy(echo.port) as proxy:
        pass

    with pytest.raises(ValueError, match="closed"):
        proxy.cut()
