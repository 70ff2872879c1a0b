"""The TCP connection below SSH: a name resolved, the first address that answers.

Each step is bounded by the attempt's deadline and fails with the error of its own phase. A name
lookup cannot be interrupted: it runs on a daemon thread, and there are never more than a few.
"""

import socket
import threading
from typing import Any, Protocol

from ...connect.base import Attempt
from ...core.errors import ConnectError, ResolveError

__all__ = ["TcpWire", "Wire", "connect_tcp", "shut_down"]

# Lookups at one time in this process, whose threads they are: a resolver that hangs may not use
# them all up. One more waits for its turn.
LOOKUPS_LIMIT = 64

# As OpenSSH does: between one round over all addresses and the next (ConnectionAttempts).
PAUSE = 1.0

FAMILIES = {"any": socket.AF_UNSPEC, "inet": socket.AF_INET, "inet6": socket.AF_INET6}

_lookups = threading.BoundedSemaphore(LOOKUPS_LIMIT)


class Wire(Protocol):
    """What carries the bytes of the first SSH connection."""

    socket: Any

    def cut(self) -> None:
        """End both directions now, without closing: whoever waits on the socket wakes up."""

    def close(self) -> None:
        """Give everything back; closing twice is fine."""

    def last_words(self, patience: float) -> str:
        """Return what is known of its end, as a sentence without full stop, or ""; ends it."""

    @property
    def has_failed(self) -> bool:
        """Whether, once it said its last words, it is known to be at fault itself."""


class TcpWire:
    """A connected socket."""

    def __init__(self, connected: socket.socket) -> None:
        self.socket: Any = connected

    def cut(self) -> None:
        """End both directions now."""
        shut_down(self.socket)

    def close(self) -> None:
        """Close the socket."""
        self.socket.close()

    def last_words(self, patience: float) -> str:
        """Return nothing: the error of the socket says it all."""
        return ""

    @property
    def has_failed(self) -> bool:
        """Never: it only carries."""
        return False


def shut_down(sock: socket.socket) -> None:
    """End both directions of a socket that may have ended already."""
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        return


def connect_tcp(
    attempt: Attempt,
    host: str,
    port: int,
    family: str = "any",
    bind_address: str | None = None,
    rounds: int = 1,
) -> TcpWire:
    """Connect to the first address of a host that answers; TCP_NODELAY is on.

    All of them are tried in each of so many rounds, as long as the attempt has time.
    """
    addresses = _resolve(attempt, host, port, family)
    named = dict.fromkeys(str(address[0]) for _, address in addresses)
    attempt.note("resolve", f"{host} is {', '.join(named)}")
    reason = "it has no address"
    for index in range(len(addresses) * rounds):
        kind, address = addresses[index % len(addresses)]
        if index and not index % len(addresses):
            attempt.wait(min(PAUSE, attempt.left))
        # A dead first address, say of a broken IPv6, leaves the others their share of the time.
        share = attempt.left / (len(addresses) * rounds - index)
        try:
            wire = TcpWire(_connect(attempt, kind, address, max(0.001, share), bind_address))
        except OSError as error:
            reason = error.strerror or str(error)
            attempt.note("tcp", f"{address[0]} port {port}: {reason}")
        else:
            attempt.note("tcp", f"connected to {address[0]} port {port}")
            return wire
        if attempt.left == 0:
            raise attempt.timed_out("tcp", f"connecting to {host} port {port}")
    tried = f" (tried {rounds} times)" if rounds > 1 else ""
    text = (
        f"{attempt.where}: cannot connect to {host} port {port}: {reason}{tried}. "
        "Is sshd running there, and is the port right?"
    )
    raise ConnectError(text, "tcp", attempt.elapsed)


def _connect(
    attempt: Attempt, kind: int, address: Any, timeout: float, bind_address: str | None
) -> socket.socket:
    sock = socket.socket(kind, socket.SOCK_STREAM)
    attempt.cut_by(lambda: shut_down(sock))
    try:
        # 44 ms per small exchange without it: Nagle here waits for the delayed ACK there.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        sock.settimeout(timeout)
        if bind_address:
            sock.bind((bind_address, 0))
        sock.connect(address)
    except BaseException:
        sock.close()
        raise
    return sock


def _resolve(attempt: Attempt, host: str, port: int, family: str) -> list[tuple[int, Any]]:
    """Return (family, address) of a name, or raise ResolveError."""
    if not _lookups.acquire(timeout=attempt.left):
        doing = f"{LOOKUPS_LIMIT} other name lookups hang: is the resolver up?"
        raise attempt.timed_out("resolve", doing)
    found: list[tuple[int, Any]] = []
    reasons: list[str] = []
    # A cancel ends the wait, too.
    is_over = threading.Event()
    attempt.cut_by(is_over.set)

    def look_up() -> None:
        try:
            entries = socket.getaddrinfo(host, port, FAMILIES[family], socket.SOCK_STREAM)
            found.extend((entry[0], entry[4]) for entry in entries)
        except OSError as error:
            reasons.append(error.strerror or str(error))
        except UnicodeError as error:
            reasons.append(f"it is no host name ({error})")
        finally:
            _lookups.release()
            is_over.set()

    thread = threading.Thread(target=look_up, name="remotesvc-lookup", daemon=True)
    try:
        thread.start()
    except RuntimeError:
        _lookups.release()
        raise
    is_over.wait(attempt.left)
    if found:
        return found
    if not reasons:
        raise attempt.timed_out("resolve", f"looking up {host}")
    text = (
        f"{attempt.where}: the name {host!r} cannot be resolved: {reasons[0]}. "
        "Check the spelling, ssh_config and the resolver"
    )
    raise ResolveError(text, None, attempt.elapsed)
