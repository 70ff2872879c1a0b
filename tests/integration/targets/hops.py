"""What the tests of hops run over there: functions that open contexts, and some that do not.

Python 3.6.
"""

import logging
import os
import time

from remotesvc import Context, current_router
from remotesvc.service import AllowAny, Service, expose

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Tuple

__all__ = [
    "Desk",
    "add",
    "ask_controller",
    "ask_desk",
    "ask_module",
    "bytes_below",
    "call_in",
    "fail",
    "give_back",
    "in_child",
    "names_here",
    "open_chain",
    "open_chain_that_fails",
    "open_local",
    "open_many",
    "open_via",
    "open_with",
    "peak_kb",
    "pid",
    "questions",
    "read_resource",
    "routes",
    "same",
    "say",
    "sleep_long",
    "write_at_end",
]


def pid() -> "int":
    """Return whose process this is."""
    return os.getpid()


def add(one: "int", other: "int") -> "int":
    """Return a sum."""
    return one + other


def same(value: "Any") -> "Any":
    """Return what came."""
    return value


def fail() -> "None":
    """Fail as functions do."""
    raise FileNotFoundError(2, "No such file", "somewhere")


def sleep_long() -> "None":
    """Do not return before somebody cancels."""
    time.sleep(600)


def say(text: "str") -> "None":
    """Print and log a text."""
    print(text)
    logging.getLogger("app").warning("%s, logged", text)


# -- children that open contexts by themselves ---------------------------------------------------


def open_local(**opts: "Any") -> "Context":
    """Open a child of this one and return it."""
    return current_router().local(**opts)


def open_chain(spec: "str") -> "List[str]":
    """Open a chain, and then a longer one; return the names of all that is open then."""
    router = current_router()
    router.connect(spec)
    router.connect(spec + "/local").call(pid)
    return [context.name for context in router.contexts]


def open_chain_that_fails(spec: "str") -> "str":
    """Open a chain, and return what its last context says."""
    try:
        return str(current_router().connect(spec).call(pid))
    except Exception as error:
        return str(error)


def names_here() -> "List[str]":
    """Return the names of the contexts that are open here."""
    return [context.name for context in current_router().contexts if context.connected]


def open_via() -> "Tuple[str, int, str]":
    """Open a context in a child of this one: its name, what it returns, what streams call it."""
    router = current_router()
    below = router.local(via=router.local())
    return below.name, below.call(add, 2, 3), router.name_of(below.id)


def open_with(kind: "str", **opts: "Any") -> "str":
    """Return what comes of opening a context here."""
    try:
        opened = current_router().open(kind, **opts)
        return "opened, %d" % opened.call(add, 1, 1)
    except Exception as error:
        return "%s: %s" % (type(error).__name__, error)


def in_child(name: "str", *args: "Any") -> "Any":
    """Open a child here, and have it call a function of this module."""
    with_it = current_router().local()
    return with_it.call(globals()[name], *args)


def open_many(count: "int") -> "List[int]":
    """Open and close children here, and return their ids."""
    ids = []
    for _ in range(count):
        context = current_router().local()
        context.call(pid)
        context.shutdown()
        ids.append(context.id)
    return ids


# -- contexts that are handed around -------------------------------------------------------------


class Desk(Service):
    """A service that everybody may call."""

    @expose(policy=AllowAny())
    def where(self) -> "int":
        """Return whose process this is."""
        return os.getpid()

    @expose(policy=AllowAny())
    def wait(self) -> "None":
        """Return when somebody cancels."""
        time.sleep(600)


def ask_desk(context: "Context", method: "str" = "where") -> "Any":
    """Call the service in another context; return the result or the error in words."""
    try:
        return context.call_service(Desk, method)
    except Exception as error:
        return "%s: %s" % (type(error).__name__, error)


def call_in(context: "Context", name: "str") -> "Any":
    """Call a function of this module in another context; likewise."""
    try:
        return context.call(globals()[name])
    except Exception as error:
        return "%s: %s" % (type(error).__name__, error)


def ask_controller(service: "str", number: "int") -> "Any":
    """Call a service of the controller."""
    return current_router().controller.call_service(service, "double", number=number)


def give_back(context: "Context") -> "Context":
    """Return what came."""
    return context


def write_at_end(path: "str") -> "None":
    """Write to a file when this is interrupted."""
    try:
        print("busy")
        time.sleep(600)
    finally:
        with open(path, "w") as file:
            file.write("ended")


def bytes_below() -> "int":
    """Return how much was sent from here to children."""
    links = set(current_router().switch.routes.values())
    return sum(link.bytes_sent for link in links)


def routes() -> "Dict[int, int]":
    """Return by which child each context below is reached."""
    return {one: link.peer_id for one, link in current_router().switch.routes.items()}


def peak_kb(is_reset: "bool" = False) -> "int":
    """Return the most memory that this process had, since it was told to begin anew.

    Not what getrusage() says: that counts what the process was before it became another program.
    """
    if is_reset:
        with open("/proc/self/clear_refs", "w") as control:
            control.write("5")
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))


def read_resource(package: "str", path: "str") -> "bytes":
    """Return what the parent gives for a file of a package."""
    from remotesvc.bootstrap import seed

    return seed._read(seed._own_finder(), package, path)


def ask_module(name: "str") -> "str":
    """Ask the parent for a module; return what kind of answer came."""
    from remotesvc.bootstrap import seed

    return str(seed._own_finder().request(name)[0])


def questions() -> "int":
    """Return how many questions of those behind this one wait for an answer from above."""
    from remotesvc.bootstrap import seed
    from remotesvc.core.hops import hops_of

    return sum(hops_of(seed._own_finder().child).depot.clerk._counts.values())
