"""Opening: how a child gets its channel: on a connection that is there, or on one of its own."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import paramiko

from ...connect.base import Attempt
from ...connect.tries import Tries
from .chain import Chain, Transport
from .channel import ChannelStream
from .connections import Connections, SharedConnection
from .early import open_early
from .errand import run_errand
from .login import Login
from .session import WINDOW, lost_after_login, open_session, request_exec
from .transport import open_chain

__all__ = ["Opening"]


@dataclass(frozen=True)
class Opening:
    """What one child wants: `key` stands for host and login, None to share with nobody."""

    connections: Connections
    key: Any
    make: Callable[[], Chain]
    attempt: Attempt
    tries: Tries
    login: Login
    jumps: tuple[str, ...] | None
    get_command: Callable[[], str]
    must_not_wait: Callable[[], bool]

    def open(self) -> ChannelStream:
        """Return the stream of the command, which was asked for and has not answered yet."""
        patience = (self.attempt.timeout, self.tries.retries)
        while True:
            connection, is_new = self.connections.take(self.key, patience, self.make)
            stream = None
            try:
                stream = self._open_first(connection) if is_new else self._open_next(connection)
            finally:
                if stream is None:
                    self._leave(connection)
            if stream is not None:
                return stream

    def _open_first(self, connection: SharedConnection) -> ChannelStream:
        """Make the connection; others are let in when its own child is on its way."""
        chain = connection.chain
        try:
            transport = open_chain(chain, self.attempt, self.login, self.jumps, self.tries)
            stream = self._begin(connection, transport)
        except BaseException as error:
            chain.close()
            connection.fail(error)
            raise
        # From here on its end is not ours to decide alone.
        chain.free()
        connection.open(transport)
        return stream

    def _begin(self, connection: SharedConnection, transport: Transport) -> ChannelStream:
        """Start the command in the first session, which may not have been answered yet."""
        try:
            channel = open_early(transport) or open_session(transport, self.attempt)
            return self._start(connection, channel)
        except (paramiko.SSHException, EOFError, OSError) as error:
            # Who writes only sees that it is closed; paramiko's thread knows why.
            raise lost_after_login(self.attempt, transport.why_it_ended() or error) from error

    def _open_next(self, connection: SharedConnection) -> ChannelStream | None:
        """Open a channel beside others; None if that cannot be, and another way is to be found."""
        attempt = self.attempt
        transport = connection.wait(attempt)
        if transport is None:
            return None
        attempt.note("auth", "another child of this program shares its connection")
        if self.tries.retries:
            attempt.renew()  # whoever made it may have waited for the host for long
        try:
            key = transport.get_remote_server_key()
        except paramiko.SSHException:
            return None  # it was lost meanwhile
        self.login.host_keys.check(key, attempt)

        def start() -> ChannelStream | None:
            with suppress(paramiko.SSHException, EOFError, OSError):
                channel = transport.open_session(window_size=WINDOW)
                return self._start(connection, channel)
            return None  # it opens no other one, or is lost

        stream = run_errand(attempt, start, _forget, "opening a session on a connection in use")
        if stream is None and transport.is_active():
            self.connections.refuse(self.key, connection)
        return stream

    def _start(self, connection: SharedConnection, channel: paramiko.Channel) -> ChannelStream:
        # It takes what the channel receives from the first byte on.
        leave = partial(self._leave, connection, channel)
        stream = ChannelStream(channel, leave, self.must_not_wait)
        request_exec(channel, self.get_command())
        return stream

    def _leave(
        self, connection: SharedConnection, channel: paramiko.Channel | None = None
    ) -> None:
        """Close the channel, or the whole connection if nobody else is on it."""
        if self.connections.leave(self.key, connection):
            connection.chain.close()
        elif channel is not None:
            _close(channel)


def _forget(stream: ChannelStream | None) -> None:
    """Close the channel of a stream that came too late."""
    if stream is not None:
        _close(stream.channel)


def _close(channel: paramiko.Channel) -> None:
    # Its connection may be lost, or be closed by those who leave after us.
    with suppress(paramiko.SSHException, EOFError, OSError):
        channel.close()
