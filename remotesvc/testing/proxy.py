"""A TCP proxy that makes 127.0.0.1 as far away as you like, and counts round trips.

For tests and benchmarks that depend on latency: the delay is real, yet what is counted does not
depend on the speed of the machine (see `round_trips.py` for what a round trip is, and
`tunnel.py` for the handshake). One thread, which ends with `close()`.
"""

import contextlib
import queue
import selectors
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from types import TracebackType

from remotesvc.testing.folder import HOST
from remotesvc.testing.tunnel import ProxyCounts, Tunnel

__all__ = ["DelayProxy", "ProxyCounts"]

BACKLOG = 128

# The thread answers within a millisecond; past this it is gone, and waiting would be for ever.
ANSWER_SECONDS = 10.0


class DelayProxy:
    """Listens on 127.0.0.1:port and carries each connection to the target; a context manager.

    Each piece of data is delivered `delay_seconds` after it arrived, in order, with any number
    of pieces under way. A new connection costs a round trip before any byte flows.
    """

    def __init__(
        self, target_port: int, delay_seconds: float = 0.0, target_host: str = HOST
    ) -> None:
        """Listen on a free port and start the thread."""
        self.host = HOST
        self.delay_seconds = delay_seconds
        self._target = (target_host, target_port)
        self._listener = socket.create_server((HOST, 0), backlog=BACKLOG)
        self._listener.setblocking(False)
        self.port: int = self._listener.getsockname()[1]
        self._selector = selectors.DefaultSelector()
        self._waker, self._wake = socket.socketpair()
        self._orders: queue.SimpleQueue[tuple[Callable[[], None], threading.Event]]
        self._orders = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._counts = ProxyCounts()
        self._tunnels: list[Tunnel] = []
        self._is_stalled = False
        self._is_closing = False
        self._thread = threading.Thread(target=self._run, name=f"delay:{self.port}", daemon=True)
        self._thread.start()

    def __enter__(self) -> "DelayProxy":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def counts(self) -> ProxyCounts:
        """Return what has passed so far, including all that a client can have seen."""
        with self._lock:
            return replace(self._counts)

    def stall(self) -> None:
        """Stop all traffic, as a dead network does: connections stay open, nothing moves."""
        self._order(partial(self._set_stalled, True))

    def resume(self) -> None:
        """Let the traffic go on; what became due meanwhile is delivered at once."""
        self._order(partial(self._set_stalled, False))

    def cut(self) -> None:
        """Reset all present connections at both ends; later ones are served as before."""
        self._order(self._cut)

    def close(self) -> None:
        """Close everything and end the thread; closing twice is fine."""
        if not self._is_closing:
            self._order(self._begin_close)
            self._thread.join()
            self._waker.close()
            self._wake.close()

    def _order(self, action: Callable[[], None]) -> None:
        """Run something on the thread, between two looks at the sockets; wait until it has."""
        if self._is_closing:
            raise ValueError("the proxy is closed; make a new one")
        done = threading.Event()
        self._orders.put((action, done))
        self._wake.send(b"!")
        if not done.wait(ANSWER_SECONDS):
            raise RuntimeError(f"the thread of the proxy on port {self.port} does not answer")

    def _set_stalled(self, is_stalled: bool) -> None:
        self._is_stalled = is_stalled

    def _begin_close(self) -> None:
        self._is_closing = True

    def _cut(self) -> None:
        for tunnel in self._tunnels:
            tunnel.cut()
        self._tunnels.clear()

    def _run(self) -> None:
        with self._selector as selector, self._listener:
            while not self._is_closing:
                self._watch(selector)
                ready = selector.select(self._patience())
                with self._lock:
                    now = time.monotonic()
                    for key, events in ready:
                        self._act(key.fileobj, key.data, events, now)
                    self._obey()
                    if not self._is_stalled:
                        self._tick(now)
        for tunnel in self._tunnels:
            tunnel.close()

    def _watch(self, selector: selectors.BaseSelector) -> None:
        """Register exactly what can go on; few enough connections to do it anew each time."""
        for key in list(selector.get_map().values()):
            selector.unregister(key.fileobj)
        selector.register(self._waker, selectors.EVENT_READ)
        if not self._is_stalled:
            selector.register(self._listener, selectors.EVENT_READ)
            for tunnel in self._tunnels:
                for sock, events in tunnel.interests().items():
                    selector.register(sock, events, tunnel)

    def _patience(self) -> float | None:
        if self._is_stalled:
            return None
        times = [due for tunnel in self._tunnels if (due := tunnel.next_time()) is not None]
        return max(0.0, min(times) - time.monotonic()) if times else None

    def _act(self, ready: object, tunnel: Tunnel | None, events: int, now: float) -> None:
        if ready is self._listener:
            self._accept(now)
        elif ready is self._waker:
            self._waker.recv(4096)
        elif tunnel is not None and isinstance(ready, socket.socket):
            tunnel.on_ready(ready, events, now, self._counts)

    def _accept(self, now: float) -> None:
        # The client may be gone already.
        with contextlib.suppress(OSError):
            client = self._listener.accept()[0]
            self._counts.connections += 1
            self._tunnels.append(Tunnel(client, self._target, self.delay_seconds, now))

    def _obey(self) -> None:
        while not self._orders.empty():
            action, done = self._orders.get()
            action()
            done.set()

    def _tick(self, now: float) -> None:
        for tunnel in self._tunnels:
            tunnel.tick(now, self._counts)
        self._tunnels = [tunnel for tunnel in self._tunnels if not tunnel.is_finished]
