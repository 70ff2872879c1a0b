"""Admission: who may have a service activated, how much of it, and who is told what. Pure.

    is_commanded   the call comes from parents at the request of parents, or from this very context
    is_asked       the call asks for activation

Policies judge calls of services that are active; they are in policy.py.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Optional

__all__ = [
    "BYTES_LIMIT",
    "CALLS_LIMIT",
    "SHARED_LIMIT",
    "may_run",
    "may_share",
    "name_here",
    "refuse_activation",
    "refuse_asking",
    "refuse_key",
    "refuse_waiting",
]

# Calls and bytes that may be here for one context that is no parent.
CALLS_LIMIT = 1024
BYTES_LIMIT = 16 * 1024 * 1024

# Arguments that are longer are compared with no others.
SHARED_LIMIT = 64 * 1024


def refuse_asking(service: "str", is_below: "bool", is_self: "bool") -> "Optional[str]":
    """Judge, before anything is sent, whether we may ask somebody to activate a service."""
    if is_below or is_self:
        return None
    return (
        "service %s can be activated by a parent only: call it where it is active, or have it "
        "activated there" % service
    )


def name_here(own_id: "int") -> "str":
    """Return what others call this context."""
    return "context %d" % own_id if own_id else "the controller"


def refuse_activation(
    service: "str", is_asked: "bool", is_commanded: "bool", own_id: "int"
) -> "Optional[str]":
    """Judge a call of a service that is not active here."""
    if not is_commanded:
        return "service %s is not active in %s, and only a parent may activate it" % (
            service,
            name_here(own_id),
        )
    if not is_asked:
        return "service %s is not active in %s, and the call did not ask for that" % (
            service,
            name_here(own_id),
        )
    return None


def refuse_waiting(is_commanded: "bool", calls: "int", size: "int") -> "Optional[str]":
    """Judge a call by how many of its sender's wait already, and their bytes with its own."""
    if is_commanded or (calls < CALLS_LIMIT and size <= BYTES_LIMIT):
        return None
    return "%d calls of yours with %d bytes wait here: at most %d with %d may" % (
        calls,
        size,
        CALLS_LIMIT,
        BYTES_LIMIT,
    )


def refuse_key(is_open: "bool", handle: "int") -> "Optional[str]":
    """Judge the reply handle of a call: whether another one, that is not over, has the same."""
    return (
        "another call of yours with the reply handle %d is not over" % handle if is_open else None
    )


def may_run(is_commanded: "bool", running: "int", size: "int") -> "bool":
    """Judge whether a call may take a thread of `size`, when so many of its sender's have one."""
    return is_commanded or running < max(1, size // 4)


def may_share(size: "int") -> "bool":
    """Judge whether a call with so many bytes of arguments is compared with others."""
    return size <= SHARED_LIMIT
