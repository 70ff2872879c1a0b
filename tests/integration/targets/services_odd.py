"""Services that go wrong while they are constructed, and names that lead to none. Python 3.6."""

import threading
import time

from remotesvc import current_router
from remotesvc.service import (
    Activator,
    AllowParents,
    Invoker,
    Policy,
    Pool,
    Service,
    expose,
)
from tests.integration.targets.work import note

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Type

    from remotesvc.service import Call

__all__ = ["Slow", "function", "make_pool", "make_pools_late", "use_activator"]

# What the first constructor of Flaky does; the next ones work.
_tries: "list[int]" = []


class Slow(Service):
    """Waits for a pipe in its constructor."""

    path = ""

    def __init__(self, router: "Any") -> "None":
        Service.__init__(self, router)
        note("constructed")
        print("busy")
        with open(Slow.path) as pipe:
            pipe.read()

    @expose(policy=AllowParents())
    def number(self, value: "int") -> "int":
        """Return what came."""
        return value


class Flaky(Service):
    """Fails in its constructor, the first time."""

    def __init__(self, router: "Any") -> "None":
        Service.__init__(self, router)
        _tries.append(1)
        print("busy")
        if len(_tries) == 1:
            with open(Slow.path) as pipe:
                pipe.read()
            raise LookupError("not the first time")

    @expose(policy=AllowParents())
    def tries(self) -> "int":
        """Return the number of constructions."""
        return len(_tries)


class Helped(Service):
    """Calls another service in its constructor."""

    def __init__(self, router: "Any") -> "None":
        Service.__init__(self, router)
        self.sum = router.myself.call_service(
            "tests.integration.targets.services.Plain", "add", left=3
        )

    @expose(policy=AllowParents())
    def result(self) -> "Any":
        """Return what that returned."""
        return self.sum


class Selfish(Service):
    """Calls itself in its constructor."""

    def __init__(self, router: "Any") -> "None":
        Service.__init__(self, router)
        router.myself.service(Selfish).nothing()

    @expose(policy=AllowParents())
    def nothing(self) -> "None":
        """Do nothing."""


class Left(Service):
    """Needs the right one in its constructor."""

    def __init__(self, router: "Any") -> "None":
        Service.__init__(self, router)
        router.pool.get_service(Right)

    @expose(policy=AllowParents())
    def nothing(self) -> "None":
        """Do nothing."""


class Right(Service):
    """Needs the left one in its constructor."""

    def __init__(self, router: "Any") -> "None":
        Service.__init__(self, router)
        router.pool.get_service(Left)


class CallsRight(Service):
    """Calls, in its constructor, what calls it."""

    def __init__(self, router: "Any") -> "None":
        Service.__init__(self, router)
        router.myself.service(CallsLeft).nothing()

    @expose(policy=AllowParents())
    def nothing(self) -> "None":
        """Do nothing."""


class CallsLeft(Service):
    """Calls what is being constructed."""

    @expose(policy=AllowParents())
    def nothing(self) -> "None":
        """Call it."""
        current_router().myself.service(CallsRight).nothing()


class Base(Service):
    """Exposes a method."""

    @expose(policy=AllowParents())
    def answer(self) -> "int":
        """Return a number."""
        return 42


class Overriding(Base):
    """Overrides it, and does not expose it."""

    def answer(self) -> "int":
        """Return another number."""
        return 43


class Raising(Policy):
    """Raises instead of judging, and not even an Exception."""

    def is_authorized(self, service: "Service", call: "Call") -> "bool":
        """Raise."""
        raise SystemExit("no verdict")


class Truthy(Policy):
    """Returns what is true, but not True."""

    def is_authorized(self, service: "Service", call: "Call") -> "Any":
        """Return a number."""
        return 1


class Judged(Service):
    """Has odd policies."""

    @expose(policy=Raising())
    def raising(self) -> "None":
        """Be reached by nobody."""

    @expose(policy=Truthy())
    def truthy(self) -> "None":
        """Be reached by nobody."""

    @expose(policy=AllowParents())
    @expose(policy=Raising())
    def stacked(self) -> "None":
        """Be reached by nobody."""


class Broken(Invoker):
    """Raises where it should schedule."""

    def schedule(self, job: "Any", *args: "Any") -> "None":
        """Raise."""
        raise RuntimeError("no schedule today")


class Unscheduled(Service):
    """Is scheduled by that."""

    invoker_class = Broken

    @expose(policy=AllowParents())
    def nothing(self) -> "None":
        """Do nothing."""


class Counting(Invoker):
    """Does something around each call."""

    def invoke(self, method: "Any", call: "Call") -> "Any":
        """Tell what it did."""
        return [method.name, Invoker.invoke(self, method, call)]


class Counted(Service):
    """Is invoked by that."""

    invoker_class = Counting

    @expose(policy=AllowParents())
    def nothing(self) -> "None":
        """Do nothing."""


class Short(Activator):
    """Knows `files`, and refuses a whole package."""

    def locate(self, name: "str") -> "Type[Service]":
        """Return the class behind a short name."""
        return Base if name == "files" else Activator.locate(self, name)

    def is_permitted(self, name: "str", call: "Call") -> "bool":
        """Refuse all of this package."""
        return call.is_commanded and not name.startswith("tests.")


class NoService:
    """A class, but no service."""


def function() -> "None":
    """Be no service."""


def set_path(path: "str") -> "None":
    """Say where constructors wait."""
    Slow.path = path


def make_pool(size: "int") -> "int":
    """Make the pool by hand, before the first call does; return its size."""
    return Pool(current_router(), size=size).size


def make_pools_late() -> "None":
    """Have who makes a pool go on only after a call has come, if any can come meanwhile."""
    make = Pool.__init__

    def make_late(self: "Any", *args: "Any", **kwargs: "Any") -> "None":
        make(self, *args, **kwargs)
        while not (self.router.loop.is_current() or self._desk._calls):
            time.sleep(0.001)

    Pool.__init__ = make_late  # type: ignore[method-assign]


def use_activator() -> "None":
    """Make the pool by hand, with an activator of one's own."""
    Pool(current_router(), activator=Short())


def close_pool() -> "bool":
    """Close the pool of this process."""
    pool = current_router().pool
    assert pool is not None
    pool.close()
    return threading.active_count() > 0
