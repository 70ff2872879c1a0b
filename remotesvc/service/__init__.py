"""Services: classes with exposed methods that parents activate in a child, and call by name.

    class LogService(Service):
        @expose(policy=AllowParents())
        def tail(self, path: str, lines: int = 10) -> list: ...

    web1.service(LogService).tail("/var/log/syslog", lines=50)

docs/services.md is the guide; docs/security.md has the table of who may activate and call what.
"""

from .activator import Activator
from .base import Service
from .call import Call
from .expose import arg_spec, expose, no_reply
from .invoker import DeduplicatingInvoker, Invoker, SerializedInvoker
from .policy import AllowAny, AllowParents, Policy
from .pool import Pool
from .verbs import call

__all__ = [
    "Activator",
    "AllowAny",
    "AllowParents",
    "Call",
    "DeduplicatingInvoker",
    "Invoker",
    "Policy",
    "Pool",
    "SerializedInvoker",
    "Service",
    "arg_spec",
    "call",
    "expose",
    "no_reply",
]
