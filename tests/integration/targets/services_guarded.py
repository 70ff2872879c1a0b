"""The service of the trust table, and who asks for it from over there. Python 3.6."""

from remotesvc import current_router
from remotesvc.service import AllowAny, AllowParents, Service, expose
from remotesvc.service.verbs import ServiceVerbs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["Guarded", "activate", "ask", "ask_here", "ask_parent"]


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


def ask(context: "Any", method: "str") -> "str":
    """Call a method in some context; return what it returned, or what was said instead."""
    try:
        result: "str" = context.call_service(
            "tests.integration.targets.services_guarded.Guarded", method
        )
    except Exception as error:
        return str(error)
    return result


def ask_here(method: "str") -> "str":
    """Call it in this very context."""
    return ask(current_router().myself, method)


def ask_parent(method: "str") -> "str":
    """Call it in the parent."""
    return ask(current_router().parent, method)


def activate(context: "Any") -> "str":
    """Ask for activation by name; return what was said."""
    try:
        ServiceVerbs(context).activate("tests.integration.targets.services_guarded.Guarded")
    except Exception as error:
        return "%s: %s" % (type(error).__name__, error)
    return "activated"
