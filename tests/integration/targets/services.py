"""Services that the tests have activated over there. Python 3.6, and light imports only.

What waits says "busy" first, on stdout, and goes on when its pipe is written.
"""

import os
import sys
import threading
import time

from remotesvc import current_call, current_router
from remotesvc.service import (
    AllowAny,
    AllowParents,
    Call,
    DeduplicatingInvoker,
    SerializedInvoker,
    Service,
    arg_spec,
    expose,
    no_reply,
)
from tests.integration.targets.work import later, note, notes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Generator, Iterator, List, Optional, Tuple

__all__ = [
    "Annotated",
    "Calling",
    "Ending",
    "Gated",
    "Once",
    "OneByOne",
    "Plain",
    "Yielding",
    "askers",
    "call_there",
    "code_of",
    "guess_stream",
    "read_for_ever",
    "service_of_parent",
    "sum_sizes",
]


class Plain(Service):
    """Does a bit of everything, for parents."""

    @expose(policy=AllowParents())
    def echo(self, value: "Any") -> "Any":
        """Return what came."""
        return value

    @expose(policy=AllowParents())
    def add(self, left: "int", right: "int" = 2) -> "int":
        """Add up; one of them may be left out."""
        return left + right

    @expose(policy=AllowParents())
    def fail(self, text: "str") -> "None":
        """Raise."""
        raise LookupError(text)

    @expose(policy=AllowParents())
    def shadow(self, value: "str") -> "str":
        """Use names that other frameworks look for."""
        msg = value.upper()
        call = msg + "!"
        return call

    @expose(policy=AllowParents())
    def take(self, msg: "str", call: "int") -> "Tuple[str, int]":
        """Take arguments with such names."""
        return msg, call

    @expose(policy=AllowParents())
    def who(self, call: "Call") -> "Dict[str, Any]":
        """Tell of the call."""
        assert current_call() is call
        return {
            "service": call.service,
            "method": call.method,
            "src": call.src,
            "auth": call.auth,
            "is_commanded": call.is_commanded,
            "thread": threading.current_thread() is threading.main_thread(),
        }

    @expose(policy=AllowParents())
    @no_reply
    def tell(self, value: "Any") -> "None":
        """Note, or fail, and answer nothing."""
        if value == "fail":
            raise LookupError("nobody hears this")
        note(value)

    @expose(policy=AllowParents())
    def notes(self) -> "List[Any]":
        """Return what was noted in this process."""
        return notes()

    @expose(policy=AllowParents())
    def leave(self) -> "None":
        """End, as a program would."""
        sys.exit(3)

    @expose(policy=AllowParents())
    def later(self) -> "Any":
        """Return what nobody awaits."""
        return later()

    @expose(policy=AllowParents())
    def lock(self) -> "Any":
        """Return what cannot travel."""
        return [threading.Lock()]

    @expose(policy=AllowParents())
    def size(self, size: "int") -> "bytes":
        """Return so many bytes."""
        return bytes(size)

    @expose(policy=AllowParents())
    def measure(self, data: "bytes") -> "int":
        """Return the length."""
        return len(data)

    @arg_spec({"hosts": list, "count": (int, type(None))})
    @expose(policy=AllowParents())
    def specified(self, hosts, count=None):  # type: ignore[no-untyped-def]  # no annotations
        """Take what the decorator says."""
        return [hosts, count]

    @expose(policy=AllowParents())
    def thread(self) -> "str":
        """Tell the thread."""
        return threading.current_thread().name

    def hidden(self) -> "str":
        """Be called by nobody."""
        return "hidden"


class Annotated(Service):
    """Checks its arguments, and yields, on every Python."""

    @expose(policy=AllowParents())
    def join(self, names: "List[str]", times: "Optional[int]" = None) -> "str":
        """Join them, so many times."""
        return ",".join(names) * (times or 1)

    @expose(policy=AllowParents())
    def count(self, stop: "int") -> "Generator[int, None, int]":
        """Yield numbers, return their sum."""
        total = 0
        for number in range(stop):
            total += number
            yield number
        return total


class Gated(Service):
    """Waits for pipes, several at once."""

    @expose(policy=AllowAny())
    def wait(self, path: "str", text: "str" = "") -> "str":
        """Say busy, read a pipe, note what it was called with."""
        print("busy" + text)
        with open(path) as pipe:
            read = pipe.read()
        note(text)
        return read

    @expose(policy=AllowParents())
    def spin(self, path: "str", text: "str" = "") -> "None":
        """Wait in Python until interrupted; read a pipe then, and note that it was undisturbed."""
        try:
            print("busy" + text)
            while True:
                time.sleep(0.001)
        except BaseException as error:
            note(type(error).__name__)
            raise
        finally:
            print("cleaning" + text)
            with open(path) as pipe:
                pipe.read()
            note("clean" + text)

    @expose(policy=AllowParents())
    def nest(self, path: "str") -> "str":
        """Call another method of this pool, and wait."""
        print("nesting")
        return current_router().myself.service(Gated).wait(path)

    @expose(policy=AllowParents())
    def nest_later(self, path: "str") -> "str":
        """Do the same with a future."""
        future = current_router().myself.submit_service(Gated, "wait", path=path)
        read: "str" = future.result(30)
        return read

    @expose(policy=AllowParents())
    def nest_stream(self) -> "List[int]":
        """Read what another method of this pool yields."""
        stream = current_router().myself.call_service(Annotated, "count", stop=3)
        print("streaming")
        return list(stream)


class Calling(Service):
    """Calls the controller."""

    @expose(policy=AllowParents())
    def ask_controller(self, name: "str") -> "Any":
        """Call it from inside of a method."""
        return current_router().controller.call_service(name, "ask", value=7)


class OneByOne(Service):
    """Runs one call at a time."""

    invoker_class = SerializedInvoker

    def __init__(self, router: "Any") -> "None":
        Service.__init__(self, router)
        self.running = 0

    @expose(policy=AllowParents())
    def step(self, number: "int") -> "Tuple[int, int]":
        """Tell how many run, with this one."""
        self.running += 1
        try:
            note(number)
            return number, self.running
        finally:
            self.running -= 1

    @expose(policy=AllowParents())
    def wait(self, path: "str") -> "str":
        """Keep all others waiting until a pipe is written."""
        self.running += 1
        try:
            print("busy")
            with open(path) as pipe:
                return pipe.read()
        finally:
            self.running -= 1

    @expose(policy=AllowParents())
    def fail(self, text: "str") -> "None":
        """Raise."""
        raise LookupError(text)

    @expose(policy=AllowParents())
    def call_itself(self) -> "Any":
        """Call what has to wait for this to end."""
        return current_router().myself.call_service(OneByOne, "step", number=1)

    @expose(policy=AllowParents())
    def call_round(self) -> "Any":
        """Have another service call what has to wait for this to end."""
        return current_router().myself.call_service(Friend, "back")

    @expose(policy=AllowParents())
    def count(self, path: "str") -> "Any":
        """Yield how many run, before and after a pipe is written."""
        self.running += 1
        try:
            yield self.running
            with open(path) as pipe:
                pipe.read()
            yield self.running
        finally:
            self.running -= 1


class Friend(Service):
    """Calls the one that runs one call at a time."""

    @expose(policy=AllowParents())
    def back(self) -> "Any":
        """Call it."""
        return current_router().myself.call_service(OneByOne, "step", number=2)


class Once(Service):
    """Computes everything once."""

    invoker_class = DeduplicatingInvoker

    def __init__(self, router: "Any") -> "None":
        Service.__init__(self, router)
        self.runs = 0

    @expose(policy=AllowAny())
    def compute(self, path: "str", key: "Any") -> "Tuple[int, Any]":
        """Wait for a pipe, and tell the number of the run."""
        self.runs += 1
        runs = self.runs
        print("busy")
        with open(path) as pipe:
            if pipe.read() == "fail":
                raise LookupError("the secret of %s" % os.getcwd())
        return runs, key

    @expose(policy=AllowAny())
    def quick(self, key: "Any" = None, other: "Any" = None) -> "int":
        """Tell the number of the run."""
        self.runs += 1
        return self.runs

    @expose(policy=AllowParents())
    def with_call(self, key: "int", call: "Call") -> "int":
        """Tell the number of the run; sees who asked first."""
        self.runs += 1
        return self.runs

    @expose(policy=AllowParents())
    def spin(self) -> "None":
        """Wait in Python until interrupted."""
        self.runs += 1
        try:
            print("busy")
            while True:
                time.sleep(0.001)
        finally:
            note("over")

    @expose(policy=AllowParents())
    def again(self) -> "Any":
        """Ask for the very same."""
        return current_router().myself.call_service(Once, "again")

    @expose(policy=AllowParents())
    def stream(self) -> "Iterator[int]":
        """Yield, which cannot be shared."""
        yield 1

    @expose(policy=AllowParents())
    def forget(self, method: "Optional[str]" = None) -> "None":
        """Forget results."""
        self.pool.invokers()[self.name()].forget(method)

    @expose(policy=AllowParents())
    def count(self, nonce: "int") -> "Tuple[int, int]":
        """Tell the number of runs, and of threads that serve."""
        names = [thread.name for thread in threading.enumerate()]
        return self.runs, sum(name.startswith("remotesvc-service-") for name in names)


def askers() -> "int":
    """Return how many calls of Once run, or wait for one that runs."""
    invoker: "Any" = current_router().pool.invokers()[Once.name()]  # type: ignore[union-attr]
    return sum(map(len, list(invoker._pending.values())))


class Yielding(Service):
    """Yields, and notes what becomes of it."""

    @expose(policy=AllowAny())
    def big(self, count: "int", size: "int") -> "Iterator[bytes]":
        """Yield big values; note how many were asked for."""
        asked = 0
        try:
            while asked < count:
                asked += 1
                yield bytes(size)
        finally:
            note(asked)
            print("over")

    @expose(policy=AllowParents())
    def fail(self, after: "int") -> "Iterator[int]":
        """Raise after some values."""
        for number in range(after):
            yield number
        raise LookupError("after %d" % after)

    @expose(policy=AllowParents())
    def lose(self) -> "Iterator[int]":
        """Raise what a lost host of its own raises."""
        from remotesvc import DisconnectedError

        yield 1
        raise DisconnectedError("a host of mine is gone")

    @expose(policy=AllowParents())
    def odd(self) -> "Iterator[Any]":
        """Yield what cannot travel."""
        yield 1
        yield threading.Lock()

    @expose(policy=AllowParents())
    def clean_up(self, path: "str") -> "Iterator[int]":
        """Wait for a pipe when it is closed early, and note that nothing disturbed that."""
        try:
            while True:
                yield 1
        finally:
            print("cleaning")
            with open(path) as pipe:
                pipe.read()
            note("clean")
            print("over")

    @expose(policy=AllowParents())
    def never(self) -> "Iterator[int]":
        """Note that it began."""
        note("began")
        yield 1

    @expose(policy=AllowParents())
    def who(self) -> "Iterator[Tuple[str, bool]]":
        """Yield what the call is, in the middle of it."""
        call = current_call()
        yield call.method, call.cancelled

    @expose(policy=AllowParents())
    def think(self) -> "Iterator[int]":
        """Yield once, and then think for ever."""
        try:
            yield 1
            print("busy")
            while True:
                time.sleep(0.001)
        finally:
            note("over")
            print("over")


class Ending(Service):
    """Writes to a file when it is shut down."""

    def __init__(self, router: "Any") -> "None":
        Service.__init__(self, router)
        self.path = ""

    @expose(policy=AllowParents())
    def write_to(self, path: "str") -> "int":
        """Say where, and return the process id."""
        self.path = path
        return os.getpid()

    def on_shutdown(self) -> "None":
        """Write."""
        with open(self.path, "w") as stream:
            stream.write("shut down")


def call_there(context: "Any", name: "str", method: "str", **kwargs: "Any") -> "Any":
    """Call a service of another context, from a function over there."""
    return context.call_service(name, method, **kwargs)


def service_of_parent(name: "str", method: "str", **kwargs: "Any") -> "Any":
    """Call a service of the parent."""
    return current_router().parent.call_service(name, method, **kwargs)


def read_for_ever(name: "str", method: "str") -> "None":
    """Read one value of what the parent yields, and no more, and wait."""
    stream = current_router().parent.call_service(name, method)
    next(stream)
    threading.Event().wait()


def sum_sizes(context: "Any", name: "str", count: "int", size: "int") -> "int":
    """Read all of what another context yields; return how many bytes that was."""
    return sum(map(len, context.call_service(name, "big", count=count, size=size)))


def guess_stream(context: "Any", number: "int") -> "Tuple[str, str]":
    """Open a stream that was offered to somebody else; tell what was raised."""
    from remotesvc import Receiver

    receiver = Receiver(current_router())
    arguments = {"number": number, "sender": receiver.sender}
    return code_of(context, "remotesvc.service.catalog.Catalog", "open_stream", **arguments)


def code_of(context: "Any", name: "str", method: "str", **kwargs: "Any") -> "Tuple[str, str]":
    """Do the same, and tell what it raised: type and text; of a result its repr."""
    try:
        return "", repr(context.call_service(name, method, **kwargs))
    except Exception as error:
        return type(error).__name__, str(error)
