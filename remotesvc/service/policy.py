"""Policies: who may call a method of a service that is active."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .base import Service
    from .call import Call

__all__ = ["AllowAny", "AllowParents", "Policy"]


class Policy:
    """Decides whether one call may run; subclasses say how.

    A method has one or more, and each must authorize the call. They are asked on a thread of the
    pool, several at once, before the arguments are checked: `call.kwargs` is what the caller sent,
    of whatever types.
    """

    def is_authorized(self, service: "Service", call: "Call") -> "bool":
        """Return True where the call may run; whatever else is a refusal, an exception too.

        service: the object whose method was asked for. call: what was asked, and by whom: `src`
        is the context that sent it, `auth` the one on whose authority, which may be another
        where the call was handed on; both are as the router verified them.
        """
        raise NotImplementedError("%s does not say who is authorized" % type(self).__name__)

    def describe(self) -> "str":
        """Return a short text for refusals and for the list of services."""
        return type(self).__name__

    def __repr__(self) -> "str":
        return self.describe()


class AllowParents(Policy):
    """Parents, at the request of parents, and the context in which the service is."""

    def is_authorized(self, service: "Service", call: "Call") -> "bool":
        """Return whether the call is a command."""
        return call.is_commanded


class AllowAny(Policy):
    """Any context that can reach the service."""

    def is_authorized(self, service: "Service", call: "Call") -> "bool":
        """Return True."""
        return True
