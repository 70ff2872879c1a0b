"""A small TCP server for the tests of the proxy."""

import contextlib
import queue
import socket
import threading
from types import TracebackType

DEADLINE_SECONDS = 30


class EchoServer:
    """Greets each client, sends back what it gets, and notes how each connection ended."""

    def __init__(self, greeting: bytes = b"") -> None:
        self._greeting = greeting
        self._endings: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._serve)]
        self._threads[0].start()

    def __enter__(self) -> "EchoServer":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def ending(self) -> str:
        """Wait for the next connection to end; return "end" or "reset"."""
        return self._endings.get(timeout=DEADLINE_SECONDS)

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection = self._listener.accept()[0]
                thread = threading.Thread(target=self._echo, args=(connection,))
                self._threads.append(thread)
                thread.start()

    def _echo(self, connection: socket.socket) -> None:
        with connection:
            try:
                connection.sendall(self._greeting)
                while data := connection.recv(65536):
                    connection.sendall(data)
            except (ConnectionResetError, BrokenPipeError):
                self._endings.put("reset")
            else:
                self._endings.put("end")
