"""Every exception that remotesvc raises, drawn once, then defined in the same order.

    Error
    +-- ConnectError              a context could not be opened; says in which phase
    |   +-- ResolveError              the name has no address
    |   +-- HostKeyError              the host is not who it should be
    |   +-- AuthenticationError       the host does not accept who we are
    |   +-- InterpreterError          no usable Python over there
    |   +-- BootstrapError            Python started, the child router did not
    |   +-- ConnectTimeout            the one deadline passed (also TimeoutError)
    +-- RemoteError               the user's function raised over there
    +-- CallTimeout               the caller's own deadline passed (also TimeoutError)
    +-- DisconnectedError         the context is gone; says why
    +-- RefusedError              authority, policy or grants say no
    +-- Busy                      the context is still inside an abandoned call
    +-- PoolExhausted             a service called into its own full pool
    +-- ValueNotSupported         a value that does not travel (also TypeError)
    +-- MessageTooLarge           over the router's max_message_size
    +-- ProtocolError             the peer broke the protocol

EndOfStream, for a Receiver whose writers are all done, is drawn in channel/receiver.py.

An error says what happened, where, and what to do next; it never holds a live object of the peer.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Optional, Tuple

__all__ = [
    "AuthenticationError",
    "BootstrapError",
    "Busy",
    "CallTimeout",
    "ConnectError",
    "ConnectTimeout",
    "DisconnectedError",
    "Error",
    "HostKeyError",
    "InterpreterError",
    "MessageTooLarge",
    "PoolExhausted",
    "ProtocolError",
    "RefusedError",
    "RemoteError",
    "ResolveError",
    "ValueNotSupported",
    "again",
]


class Error(Exception):
    """Base of all errors of remotesvc: `except remotesvc.Error` catches every one."""


class ConnectError(Error):
    """A context could not be opened; nothing of the attempt is left running.

    `phase` is one of resolve, tcp, host key, auth, interpreter, bootstrap; `elapsed` is in
    seconds since the attempt began; `exit_status` and `stderr` are those of the remote
    command, None and "" where it never ran.
    """

    phase = "tcp"

    def __init__(
        self,
        text: "str",
        phase: "Optional[str]" = None,
        elapsed: "Optional[float]" = None,
        exit_status: "Optional[int]" = None,
        stderr: "str" = "",
    ) -> "None":
        Error.__init__(self, text)
        if phase is not None:
            self.phase = phase
        self.elapsed = elapsed
        self.exit_status = exit_status
        self.stderr = stderr


class ResolveError(ConnectError):
    """The host name has no address here: a typing error, or the resolver is out of reach."""

    phase = "resolve"


class HostKeyError(ConnectError):
    """The host's key is unknown, changed or revoked; nothing was sent to it."""

    phase = "host key"


class AuthenticationError(ConnectError):
    """The host accepted none of the credentials that it was offered."""

    phase = "auth"


class InterpreterError(ConnectError):
    """The login worked, but no Python of at least 3.6 could be started."""

    phase = "interpreter"


class BootstrapError(ConnectError):
    """A Python started over there, but the child router in it did not."""

    phase = "bootstrap"


class ConnectTimeout(ConnectError, TimeoutError):
    """`connect_timeout` passed; `phase` says how far the attempt had come."""


class RemoteError(Error):
    """The called function raised; also an instance of the nearest builtin exception type.

    `type_name` is the qualified name of the type over there, `message` its text, `traceback`
    the remote traceback as text, `notes` its notes; `remote_cause`, `remote_context` and
    `members` are RemoteErrors of their own. Only these facts travelled: no class was imported.
    """

    type_name = ""
    message = ""
    traceback = ""
    context_name = ""
    notes: "Tuple[str, ...]" = ()
    members: "Tuple[RemoteError, ...]" = ()
    remote_cause: "Optional[RemoteError]" = None
    remote_context: "Optional[RemoteError]" = None

    def __str__(self) -> "str":
        if not self.type_name:
            return Error.__str__(self)
        return "%s: %s" % (self.type_name, self.message) if self.message else self.type_name


class CallTimeout(Error, TimeoutError):
    """The caller's deadline passed; the call was cancelled, its reply is dropped."""


class DisconnectedError(Error):
    """The context is gone. `reason` says why; what it was doing may or may not have finished."""

    def __init__(self, text: "str", reason: "Optional[str]" = None) -> "None":
        Error.__init__(self, text)
        self.reason = text if reason is None else reason


class RefusedError(Error):
    """The other side may not be asked that by us: authority, policy, grants or a full queue."""


class Busy(Error):
    """The context is still inside a call that was abandoned; `kill()` it or wait.

    `call` is the name of that function, `since` how many seconds ago it was cancelled.
    """

    call = ""
    since = 0.0


class PoolExhausted(Error):
    """A service method called into its own pool while every thread of it was taken."""


class ValueNotSupported(Error, TypeError):
    """A value cannot travel; the text names the path to it. Nothing was sent."""


class MessageTooLarge(Error):
    """A message exceeds `max_message_size`; refused at the sender, nothing was sent."""


class ProtocolError(Error):
    """The peer sent what no correct peer sends; the link to it was closed."""


def again(error: "Exception") -> "Exception":
    """Return a copy of an error, so that each waiter raises one with a traceback of its own."""
    copy = type(error)(*error.args)
    copy.__dict__.update(error.__dict__)
    copy.__cause__ = error.__cause__
    return copy
