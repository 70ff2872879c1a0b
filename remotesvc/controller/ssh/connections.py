"""Connections: the SSH connections of one router, each of which may carry several children.

Who asks for a host and login that are there already gets a place on that connection, as long as
it has one; who comes while it is being made waits for it. It lives until its last child has left.
No lock is held while anything is waited for.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ...connect.base import Attempt
from ...core.errors import ConnectError, ConnectTimeout, again
from .chain import Chain, Transport

__all__ = ["Connections", "SharedConnection"]

# OpenSSH's MaxSessions. A server that allows less says so at the first one too many; one that
# allows more costs us a login for each ten children.
CHANNELS_LIMIT = 10


class SharedConnection:
    """A chain and those who use it; whoever took it first opens it, or says that it failed."""

    def __init__(self, chain: Chain, patience: tuple[float, int]) -> None:
        self.chain = chain
        self.patience = patience
        self.users = 1
        self._lock = threading.Lock()
        self._transport: Transport | None = None
        self._error: BaseException | None = None
        self._waiting: list[Callable[[], None]] = []

    @property
    def is_alive(self) -> bool:
        """Whether it is open, and was not lost."""
        return self._transport is not None and bool(self._transport.is_active())

    @property
    def is_under_way(self) -> bool:
        """Whether it is still being made."""
        return self._transport is None and self._error is None

    def open(self, transport: Transport) -> None:
        """Let the others in: its first child is on its way."""
        self._settle(transport, None)

    def fail(self, error: BaseException) -> None:
        """Tell the others that it came to nothing."""
        self._settle(None, error)

    def _settle(self, transport: Transport | None, error: BaseException | None) -> None:
        with self._lock:
            self._transport, self._error = transport, error
            waiting, self._waiting = self._waiting, []
        for wake in waiting:
            wake()

    def wait(self, attempt: Attempt) -> Transport | None:
        """Return its transport, once there is one; None if it has to be tried anew.

        Its failure is that of all who waited: a login that was refused is not tried again by
        each of them. But who came late and has time left is not told of somebody else's deadline.
        """
        is_over = threading.Event()
        with self._lock:
            if self.is_under_way:
                self._waiting.append(is_over.set)
            else:
                is_over.set()
        attempt.cut_by(is_over.set)
        # Whoever makes it has a deadline, and came before us.
        is_over.wait()
        if self._transport is not None:
            return self._transport
        if attempt.is_cancelled:
            raise attempt.timed_out("tcp", "somebody else logs in")
        error = self._error
        is_theirs = isinstance(error, ConnectTimeout) and attempt.left > 0
        if isinstance(error, ConnectError) and not is_theirs:
            raise again(error) from error.__cause__
        return None


@dataclass
class _Group:
    """The connections of one host and login, and how many children each may have."""

    limit: int = CHANNELS_LIMIT
    members: list[SharedConnection] = field(default_factory=list)


class Connections:
    """A table that threads may share."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._groups: dict[Any, _Group] = {}

    def take(
        self, key: Any, patience: tuple[float, int], make: Callable[[], Chain]
    ) -> tuple[SharedConnection, bool]:
        """Return a connection with a place taken on it, and whether it is a new one.

        key: host and login; None for one that nobody shares. patience: its deadline and retries;
        only who has the same ones waits for a connection that is under way. A new one is to be
        opened, or to fail, by whoever took it.
        """
        with self._lock:
            group = _Group() if key is None else self._groups.setdefault(key, _Group())
            free = [one for one in group.members if one.users < group.limit]
            found = [one for one in free if one.is_alive] or [
                one for one in free if one.is_under_way and one.patience == patience
            ]
            if found:
                found[0].users += 1
                return found[0], False
            new = SharedConnection(make(), patience)
            group.members.append(new)
            return new, True

    def refuse(self, key: Any, connection: SharedConnection) -> None:
        """Note that the server wants no more children on it; who was refused still has to leave.

        What it wants may change: children that have just been closed count for the server, too.
        """
        with self._lock:
            group = self._groups.get(key)
            if group is not None:
                group.limit = max(1, min(group.limit, connection.users - 1))

    def leave(self, key: Any, connection: SharedConnection) -> bool:
        """Give a place back; tell whether nobody uses the connection any more: then close it."""
        with self._lock:
            connection.users -= 1
            group = self._groups.get(key)
            if connection.users == 0 and group is not None and connection in group.members:
                group.members.remove(connection)
                if not group.members:
                    del self._groups[key]
            return connection.users == 0
