"""Opens the session channel and asks for the command, without waiting for an answer.

paramiko's public `exec_command` waits one round trip for the reply, and OpenSSH's server lets
nothing be written before that reply, for the window of a session is 0 until its command runs. Both
waits are saved here: the request is sent by `Transport._send_user_message`, and the window that
is certain to come with the reply is used in advance. Where paramiko lacks that name, or the
server is another one, the ordinary way is taken.
"""

import paramiko

from ...connect.base import Attempt
from ...core.errors import ConnectError, InterpreterError
from ...core.visible import visible

__all__ = [
    "EarlyWindow",
    "is_openssh",
    "lost_after_login",
    "no_session",
    "open_session",
    "reason_of",
    "request_exec",
]

# Larger is slower: paramiko deletes from the front of an array of this size.
WINDOW = 2 * 1024 * 1024

# RFC 4254, 6.5
CHANNEL_REQUEST = b"b"

# sshd sets the window to 2 MiB while it handles the request, so it takes what lies behind that
# request in the stream; nothing that follows login is larger than this.
EARLY_WINDOW = 1024 * 1024
EARLY_SERVERS = ("SSH-2.0-OpenSSH",)


def open_session(transport: paramiko.Transport, attempt: Attempt) -> paramiko.Channel:
    """Open a session; InterpreterError when the server allows none."""
    try:
        return transport.open_session(window_size=WINDOW, timeout=attempt.left)
    except paramiko.ChannelException as error:
        raise no_session(attempt.where, reason_of(error)) from error
    except (paramiko.SSHException, EOFError, OSError) as error:
        raise lost_after_login(attempt, error) from error


def lost_after_login(attempt: Attempt, error: Exception) -> ConnectError:
    """Return the error for a connection that came to nothing while a session was asked for."""
    if attempt.left == 0:
        return attempt.timed_out("interpreter", "opening a session")
    text = f"{attempt.where}: the connection ended after the login: {reason_of(error)}"
    return ConnectError(text, "interpreter", attempt.elapsed)


def no_session(where: str, reason: str) -> InterpreterError:
    """Return the error for a server that opens no session."""
    text = f"{where}: the login worked, but the server opens no session: {reason}"
    return InterpreterError(text + ". Does its sshd_config allow one to this user (MaxSessions)?")


def is_openssh(transport: paramiko.Transport) -> bool:
    """Whether the server is OpenSSH's, by its own word: so it is known how it takes things."""
    return bool(transport.remote_version.startswith(EARLY_SERVERS))


def reason_of(error: Exception) -> str:
    """Return what an exception of paramiko's says, without its technicalities."""
    reason = getattr(error, "text", None) or getattr(error, "strerror", None) or str(error)
    return visible(str(reason)) or "the other side closed the connection"


def request_exec(channel: paramiko.Channel, command: str) -> None:
    """Ask for a command to be run, and do not wait: the end of the channel tells a refusal."""
    send = getattr(channel.get_transport(), "_send_user_message", None)
    remote_id = getattr(channel, "remote_chanid", None)
    if send is None or remote_id is None:
        channel.exec_command(command)
        return
    message = paramiko.Message()
    message.add_byte(CHANNEL_REQUEST)
    message.add_int(remote_id)
    message.add_string("exec")
    message.add_boolean(True)
    message.add_string(command)
    send(message)


class EarlyWindow:
    """The window that sshd will grant, lent to a channel until it has come."""

    def __init__(self, channel: paramiko.Channel) -> None:
        self._channel = channel
        self._lent = 0
        is_known = is_openssh(channel.get_transport())
        if getattr(channel, "out_window_size", None) == 0 and is_known:
            self._lent = channel.out_window_size = EARLY_WINDOW

    def give_back(self) -> None:
        """Take back what was lent, once the real window has come (on the writing thread)."""
        channel = self._channel
        if self._lent and channel.out_window_size > self._lent:
            with channel.lock:
                channel.out_window_size -= self._lent
            self._lent = 0
