"""The service of the trust table, and who asks for it from over there. Python 3.6."""

from remotesvc import current_router
from remotesvc.core.authority import CALL_SERVICE
from remotesvc.core.pending import Pending
from remotesvc.core.values import decode
from remotesvc.core.wire import DEAD, PLAIN, Message
from remotesvc.service import AllowAny, AllowParents, Service, expose
from remotesvc.service.verbs import ServiceVerbs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, List, Tuple

__all__ = ["Guarded", "activate", "ask", "ask_by_hand", "ask_own", "forge", "nothing", "read"]

NAME = "tests.integration.targets.services_guarded.Guarded"

DEADLINE = 30.0


class Guarded(Service):
    """One method for parents, one for anybody."""

    @expose(policy=AllowParents())
    def parents(self) -> "str":
        """Tell that it ran."""
        return "ran"

    @expose(policy=AllowAny())
    def anybody(self) -> "str":
        """Tell that it ran."""
        return "ran"


def nothing() -> "None":
    """Do nothing: when this returns, what was logged before has arrived."""


def ask(context: "Any", method: "str") -> "str":
    """Call a method in some context; return what it returned, or what was said instead."""
    try:
        result: "str" = context.call_service(NAME, method)
    except Exception as error:
        return str(error)
    return result


def ask_own(which: "str", method: "str") -> "str":
    """Call it in this very context, in its parent, or in the controller."""
    return ask(getattr(current_router(), which), method)


def ask_by_hand(router: "Any", context_id: "int", payload: "bytes") -> "str":
    """Send a frame as this context; return what came of it."""
    switch = (router or current_router()).switch
    pending = Pending(context_id)
    switch.send(context_id, CALL_SERVICE, PLAIN, payload, switch.listen(pending))
    return read(pending)


def read(pending: "Any") -> "str":
    """Return what was answered."""
    reply = pending.wait(DEADLINE)
    told: "Any" = decode(reply.payload)
    return str(told[1] if reply.encoding == DEAD else told)


def forge(
    dst: "int", payload: "bytes", reply_to: "int", origins: "List[Tuple[int, int]]"
) -> "None":
    """Send frames in the names of others, past the switch of this context."""
    switch: "Any" = current_router().switch
    link = switch.routes.get(dst, switch.upstream)
    for src, auth in origins:
        link.send(Message(dst, src, auth, CALL_SERVICE, reply_to, PLAIN, payload))


def activate(context: "Any") -> "str":
    """Ask for activation by name; return what was said."""
    try:
        ServiceVerbs(context).activate(NAME)
    except Exception as error:
        return "%s: %s" % (type(error).__name__, error)
    return "activated"
