"""remotesvc: run your functions and services on hosts that have nothing but sshd and some Python.

The public names are imported when first used: this very file stands in every child too, where
`import remotesvc` must cost nothing.
"""

import sys

__all__ = [
    "AuthenticationError",
    "BootstrapError",
    "Busy",
    "CallTimeout",
    "Channel",
    "ConnectError",
    "ConnectTimeout",
    "Context",
    "DisconnectedError",
    "EndOfStream",
    "Error",
    "HostKeyError",
    "InterpreterError",
    "MessageTooLarge",
    "ModulePolicy",
    "PoolExhausted",
    "ProtocolError",
    "Receiver",
    "RefusedError",
    "RemoteError",
    "ResolveError",
    "Router",
    "Secret",
    "Select",
    "Sender",
    "ValueNotSupported",
    "current_call",
    "current_router",
    "main",
]

__version__ = "0.1.0"

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .channel.channel import Channel
    from .channel.receiver import EndOfStream, Receiver
    from .channel.select import Select
    from .channel.sender import Sender
    from .controller.modules.grants import ModulePolicy
    from .core.context import Context
    from .core.errors import (
        AuthenticationError,
        BootstrapError,
        Busy,
        CallTimeout,
        ConnectError,
        ConnectTimeout,
        DisconnectedError,
        Error,
        HostKeyError,
        InterpreterError,
        MessageTooLarge,
        PoolExhausted,
        ProtocolError,
        RefusedError,
        RemoteError,
        ResolveError,
        ValueNotSupported,
    )
    from .core.secret import Secret
    from .current import current_router
    from .program import main
    from .router import Router
    from .service.call import current_call


class _Lazy(type(sys)):  # type: ignore[misc]
    """A module whose public names are imported on first use (3.6 ignores module __getattr__)."""

    def __getattr__(self, name):  # type: ignore[no-untyped-def]
        if name[:1] == "_":
            raise AttributeError(name)
        from .homes import HOMES

        home = HOMES.get(name, "remotesvc.core.errors")
        __import__(home)
        value = getattr(sys.modules[home], name)  # its AttributeError names the module
        setattr(self, name, value)
        return value


sys.modules[__name__].__class__ = _Lazy
