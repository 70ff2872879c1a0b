"""One connection through the delay proxy: two sockets and what is under way between them.

Runs on the proxy's thread, never waits. The client's connect() returns at once here, which over
a long line it would not, so the cost of the handshake is added where it would have been: what
the client sends counts as sent one round trip after its connect, and the server sees the
connection when the last packet of the handshake would have come, a half more.
"""

import errno
import selectors
import socket
import struct
from dataclasses import dataclass

from remotesvc.testing.delay_line import DelayLine
from remotesvc.testing.round_trips import RoundTrips

__all__ = ["ProxyCounts", "Tunnel", "reset"]

CHUNK_BYTES = 65536

# In one-way delays: SYN, SYN-ACK, and the ACK that makes the server's accept return.
HANDSHAKE_OF_CLIENT = 2
HANDSHAKE_OF_SERVER = 3


@dataclass
class ProxyCounts:
    """What has passed so far; the difference of two says what passed in between.

    connections: accepted ones; each cost one round trip for its handshake, on top of
        round_trips: the sum over all connections of what `RoundTrips` counts.
    bytes_up: taken from clients. bytes_down: taken from servers.
    """

    connections: int = 0
    round_trips: int = 0
    bytes_up: int = 0
    bytes_down: int = 0

    def __sub__(self, earlier: "ProxyCounts") -> "ProxyCounts":
        return ProxyCounts(
            self.connections - earlier.connections,
            self.round_trips - earlier.round_trips,
            self.bytes_up - earlier.bytes_up,
            self.bytes_down - earlier.bytes_down,
        )


@dataclass
class _Flow:
    """One direction: where it comes from, where it goes, and how far it is."""

    source: socket.socket
    sink: socket.socket
    line: DelayLine
    is_read_to_end: bool = False
    is_blocked: bool = False
    is_over: bool = False

    @property
    def wants_read(self) -> bool:
        return not self.is_read_to_end and not self.line.is_full

    def next_due(self) -> float | None:
        return None if self.is_blocked or self.is_over else self.line.next_due()


class Tunnel:
    """Carries one client's bytes; both sockets are closed when it is finished."""

    def __init__(
        self, client: socket.socket, address: tuple[str, int], delay: float, now: float
    ) -> None:
        """Take over an accepted client; `address` is that of the server."""
        self._client = _prepared(client)
        self._server = _prepared(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
        self._address = address
        opens_at = now + HANDSHAKE_OF_CLIENT * delay
        self._up = _Flow(self._client, self._server, DelayLine(delay, opens_at))
        self._down = _Flow(self._server, self._client, DelayLine(delay, opens_at))
        self._connect_at: float | None = now + HANDSHAKE_OF_SERVER * delay
        self._is_connected = False
        self._rounds = RoundTrips()
        self.is_finished = False

    def interests(self) -> dict[socket.socket, int]:
        """Return the events that would let this tunnel go on."""
        read, write = selectors.EVENT_READ, selectors.EVENT_WRITE
        client = (self._up.wants_read and read) | (self._down.is_blocked and write)
        wanted = {self._client: int(client)}
        if self._is_connected:
            server = (self._down.wants_read and read) | (self._up.is_blocked and write)
            wanted[self._server] = int(server)
        elif self._connect_at is None:
            wanted[self._server] = write
        return {sock: events for sock, events in wanted.items() if events}

    def next_time(self) -> float | None:
        """Return when there is something to do without any event."""
        if not self._is_connected:
            return self._connect_at
        times = [due for flow in (self._up, self._down) if (due := flow.next_due()) is not None]
        return min(times, default=None)

    def on_ready(self, sock: socket.socket, events: int, now: float, counts: ProxyCounts) -> None:
        """Act on one event of one socket."""
        if self.is_finished:
            return
        if events & selectors.EVENT_WRITE:
            if sock is self._server and not self._is_connected:
                self._connected(sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
                return
            flow = self._up if sock is self._server else self._down
            flow.is_blocked = False
        if events & selectors.EVENT_READ:
            self._read(self._up if sock is self._client else self._down, now, counts)

    def tick(self, now: float, counts: ProxyCounts) -> None:
        """Do what is due."""
        if self._connect_at is not None and self._connect_at <= now:
            self._connect_at = None
            self._connected(self._server.connect_ex(self._address))
        if self._is_connected:
            for flow in (self._up, self._down):
                if not self.is_finished:
                    self._deliver(flow, now, counts)
            if self._up.is_over and self._down.is_over:
                self.close()

    def close(self) -> None:
        """Close both sockets."""
        self.is_finished = True
        self._client.close()
        self._server.close()

    def cut(self) -> None:
        """Reset both connections; what is under way is lost."""
        self.is_finished = True
        reset(self._client)
        reset(self._server)

    def _connected(self, error: int) -> None:
        if error in (0, errno.EISCONN):
            self._is_connected = True
        elif error != errno.EINPROGRESS:
            self.cut()

    def _read(self, flow: _Flow, now: float, counts: ProxyCounts) -> None:
        is_up = flow is self._up
        round_number = self._rounds.of_client() if is_up else self._rounds.of_server()
        try:
            data = flow.source.recv(CHUNK_BYTES)
        except BlockingIOError:
            return
        except OSError:
            flow.is_read_to_end = True
            flow.line.put(now, round_number, b"", "reset")
            return
        if is_up:
            counts.bytes_up += len(data)
        else:
            counts.bytes_down += len(data)
        flow.is_read_to_end = not data
        flow.line.put(now, round_number, data, "" if data else "end")

    def _deliver(self, flow: _Flow, now: float, counts: ProxyCounts) -> None:
        while not flow.is_blocked and (piece := flow.line.peek(now)) is not None:
            if piece.ending == "reset":
                self.cut()
                return
            try:
                if piece.ending == "end":
                    flow.sink.shutdown(socket.SHUT_WR)
                sent = flow.sink.send(piece.data) if piece.data else 0
            except BlockingIOError:
                flow.is_blocked = True
                return
            except OSError:
                self._lost(flow, now)
                return
            flow.is_over = piece.ending == "end"
            if sent:
                self._delivered(flow, piece.round, counts)
            flow.line.delivered(sent)

    def _delivered(self, flow: _Flow, round_number: int, counts: ProxyCounts) -> None:
        if flow is self._up:
            self._rounds.reached_server(round_number)
        else:
            counts.round_trips += self._rounds.reached_client(round_number)

    def _lost(self, flow: _Flow, now: float) -> None:
        """The sink does not exist any more: its reset travels back behind what it has sent."""
        flow.is_read_to_end = flow.is_over = True
        back = self._down if flow is self._up else self._up
        if not back.is_read_to_end:
            back.is_read_to_end = True
            back.line.put(now, self._rounds.of_server(), b"", "reset")


def reset(sock: socket.socket) -> None:
    """Close a connection so that its peer sees a reset."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def _prepared(sock: socket.socket) -> socket.socket:
    sock.setblocking(False)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock
