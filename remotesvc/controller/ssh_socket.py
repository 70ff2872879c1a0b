"""The bytes below SSH: a name resolved, a TCP connection, or a ProxyCommand's socket.

Each step is bounded by the attempt's deadline and fails with the error of its own phase. A name
lookup cannot be interrupted: it runs on a daemon thread, and there are never more than a few.
"""

import os
import signal
import socket
import subprocess
import threading
from dataclasses import dataclass
from typing import Any

from ..connect.base import Attempt
from ..core.errors import ConnectError, ResolveError

__all__ = ["Wire", "connect_tcp", "start_proxy_command"]

# Lookups that hang at one time, in this process; one more fails at once instead of piling up.
LOOKUPS_LIMIT = 64

FAMILIES = {"any": socket.AF_UNSPEC, "inet": socket.AF_INET, "inet6": socket.AF_INET6}

_lookups = threading.BoundedSemaphore(LOOKUPS_LIMIT)


@dataclass(frozen=True)
class Wire:
    """A connected socket, and the proxy process behind it if there is one."""

    socket: socket.socket
    proxy: "subprocess.Popen[bytes] | None" = None

    def cut(self) -> None:
        """End both directions now: whatever thread waits on the socket wakes up."""
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # it was not connected any more

    def close(self) -> None:
        """Close the socket and end the proxy."""
        self.socket.close()
        if self.proxy is not None:
            try:
                os.killpg(self.proxy.pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                self.proxy.kill()
            self.proxy.wait()


def connect_tcp(
    attempt: Attempt, host: str, port: int, family: str = "any", bind_address: str | None = None
) -> Wire:
    """Connect to the first address of a host that answers; TCP_NODELAY is on."""
    last: OSError | None = None
    for kind, address in _resolve(attempt, host, port, family):
        sock = socket.socket(kind, socket.SOCK_STREAM)
        try:
            sock.settimeout(max(0.001, attempt.left))
            if bind_address:
                sock.bind((bind_address, 0))
            sock.connect(address)
            # 44 ms per small exchange without it: Nagle here waits for the delayed ACK there.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.settimeout(None)
            return Wire(sock)
        except OSError as error:
            sock.close()
            last = error
            if attempt.left == 0:
                raise attempt.timed_out("tcp", f"connecting to {host} port {port}") from error
    reason = last.strerror or str(last) if last is not None else "no address"
    raise ConnectError(
        f"{attempt.where}: cannot connect to {host} port {port}: {reason}. "
        "Is sshd running there, and is the port right?",
        "tcp",
        attempt.elapsed,
    )


def start_proxy_command(attempt: Attempt, command: str) -> Wire:
    """Start a ProxyCommand, with one end of a socket pair as its stdin and stdout."""
    ours, theirs = socket.socketpair()
    try:
        proxy = subprocess.Popen(
            ["/bin/sh", "-c", "exec " + command],
            stdin=theirs,
            stdout=theirs,
            start_new_session=True,
        )
    except OSError as error:
        ours.close()
        text = f"{attempt.where}: ProxyCommand {command!r} could not be started: {error}"
        raise ConnectError(text, "tcp", attempt.elapsed) from error
    finally:
        theirs.close()
    return Wire(ours, proxy)


def _resolve(attempt: Attempt, host: str, port: int, family: str) -> list[tuple[int, Any]]:
    """Return (family, address) of a name, or raise ResolveError."""
    if not _lookups.acquire(blocking=False):
        text = f"{attempt.where}: {LOOKUPS_LIMIT} name lookups hang already; is the resolver up?"
        raise ResolveError(text, None, attempt.elapsed)
    found: list[list[Any]] = []
    failed: list[OSError] = []

    def look_up() -> None:
        try:
            found.append(socket.getaddrinfo(host, port, FAMILIES[family], socket.SOCK_STREAM))
        except OSError as error:
            failed.append(error)
        except UnicodeError as error:
            failed.append(OSError(0, f"not a host name ({error})"))
        finally:
            _lookups.release()

    thread = threading.Thread(target=look_up, name="remotesvc-lookup", daemon=True)
    thread.start()
    thread.join(attempt.left)
    if found:
        return [(entry[0], entry[4]) for entry in found[0]]
    if not failed:
        raise attempt.timed_out("resolve", f"looking up {host}")
    raise ResolveError(
        f"{attempt.where}: the name {host!r} cannot be resolved: {failed[0].strerror}. "
        "Check the spelling, ssh_config and the resolver",
        None,
        attempt.elapsed,
    )
