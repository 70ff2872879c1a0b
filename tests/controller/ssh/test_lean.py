"""The socket below paramiko: every byte in order, the timeout and the end as of a plain one."""

import contextlib
import fcntl
import os
import queue
import socket
import sys
import termios
import threading
from collections.abc import Iterator

import pytest

from remotesvc.controller.ssh.lean import READ_SIZE, LeanSocket
from remotesvc.core.loop import Loop

Pair = tuple[LeanSocket, socket.socket]


@pytest.fixture
def pair(no_leaks: None) -> Iterator[Pair]:
    """A lean socket with a timeout, and the plain one at its other end."""
    near, far = socket.socketpair()
    near.settimeout(30)
    with near, far:
        yield LeanSocket(near), far


def test_pieces_are_cut_from_what_has_arrived_and_the_end_is_told(pair: Pair) -> None:
    lean, far = pair
    sent = bytes(range(256)) * 100
    far.sendall(sent)
    far.shutdown(socket.SHUT_WR)
    pieces = [lean.recv(1), lean.recv(4), lean.recv(1000)]
    while piece := lean.recv(7000):
        pieces.append(piece)
    assert b"".join(pieces) == sent
    assert [len(piece) for piece in pieces[:3]] == [1, 4, 1000]
    assert lean.recv(1) == b""


def test_what_arrived_before_is_read_without_asking_the_socket(pair: Pair) -> None:
    lean, far = pair
    far.sendall(b"head and body")
    assert lean.recv(4) == b"head"
    lean.close()
    assert lean.recv(100) == b" and body"


def test_read_times_out_as_the_socket_does(pair: Pair) -> None:
    lean, _ = pair
    lean.settimeout(0.01)
    with pytest.raises(TimeoutError):
        lean.recv(1)


def test_write_waits_for_room_and_times_out_as_the_socket_does(pair: Pair) -> None:
    lean, far = pair
    lean.settimeout(0.01)
    with pytest.raises(TimeoutError):
        while True:
            lean.send(bytes(READ_SIZE))
    lean.settimeout(30)

    def drain() -> None:
        with contextlib.suppress(OSError):
            while far.recv(READ_SIZE):
                continue

    reader = threading.Thread(target=drain)
    reader.start()
    assert lean.send(b"more") == 4
    lean.shutdown(socket.SHUT_WR)
    reader.join()


def test_write_that_a_close_meets_goes_to_nobody_who_got_the_number(no_leaks: None) -> None:
    near, far = socket.socketpair()
    pipes: list[int] = []

    class Met(socket.socket):
        """Is closed by another thread as soon as its number is known."""

        def fileno(self) -> int:
            number = super().fileno()
            if threading.current_thread() is threading.main_thread() and not pipes:
                closer.start()
                closer.join(0.1)  # it is to wait for the end of the write
                pipes.extend(os.pipe() + os.pipe())
            return number

    lean = LeanSocket(Met(fileno=near.detach()))
    lean.settimeout(30)
    closer = threading.Thread(target=lean.close)
    with far:
        assert lean.send(b"to the far end") == 14
        closer.join()
        assert far.recv(100) == b"to the far end"
    for fd in pipes:
        os.close(fd)
    assert lean.fileno() == -1


def test_closed_socket_is_written_to_by_nobody(pair: Pair) -> None:
    lean, _ = pair
    lean.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        lean.send(b"to whoever has that number now")


def test_what_a_loop_watches_is_read_without_waiting_and_closed_by_the_loop(pair: Pair) -> None:
    lean, far = pair
    loop = Loop()
    thread = threading.Thread(target=loop.run)
    thread.start()
    lean.loop = loop
    heard: queue.SimpleQueue[bytes] = queue.SimpleQueue()

    def read() -> None:
        try:
            assert lean.fill() and not lean.fill()
        except EOFError:
            lean.watch(None)
            heard.put(b"end")
        else:
            heard.put(bytes(lean.ahead))

    loop.call_soon(lambda: lean.watch(read))
    far.sendall(b"one")
    assert heard.get(timeout=30) == b"one"
    assert lean.recv(2) == b"on"
    far.sendall(b" two")
    assert heard.get(timeout=30) == b"e two"
    far.shutdown(socket.SHUT_WR)
    assert heard.get(timeout=30) == b"end"
    lean.close()
    lean.close()
    assert far.recv(1) == b""
    loop.stop()
    thread.join()
    assert lean.fileno() == -1
    lean.watch(read)  # is nothing to watch any more


# -- acknowledged at once ------------------------------------------------------------------------


def unacknowledged(sock: socket.socket) -> int:
    """Return how many bytes the other end has not said to have (tcp(7), SIOCOUTQ)."""
    return int.from_bytes(fcntl.ioctl(sock, termios.TIOCOUTQ, bytes(4)), sys.byteorder)


@pytest.mark.skipif(not hasattr(socket, "TCP_QUICKACK"), reason="acknowledges as it likes")
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_what_came_during_a_login_is_acknowledged_at_once(no_leaks: None, host: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as listener:
        near = socket.create_connection(listener.getsockname()[:2])
        far, _ = listener.accept()
    far.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with near, far:
        lean = LeanSocket(near)
        for _ in range(20):  # so it looks like a talk, in which Linux lets an answer carry that
            lean.send(b"question")
            far.recv(100)
            far.send(b"answer")
            assert lean.recv(100) == b"answer"
            assert unacknowledged(far) == 0
