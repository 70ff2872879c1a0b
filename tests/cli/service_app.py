"""Services of the application that the tests of the command line use."""

__all__ = ["SERVICES"]

SERVICES = '''\
"""Services that remotesvc knows nothing of."""

import os
import time

from app import words
from remotesvc.service import (
    AllowAny, AllowParents, Call, Policy, SerializedInvoker, Service, expose, no_reply
)

LIMIT = 5


class Nobody(Policy):
    def is_authorized(self, service, call):
        return False


class LogService(Service):
    """Logs of an application."""

    invoker_class = SerializedInvoker

    @expose(policy=AllowParents())
    def tail(self, path: str, lines: int = 10) -> list:
        """Return the last lines.

        More about it.
        """
        print("looking at", path, flush=True)
        return [path, lines, words.GOOD]

    @expose(policy=AllowAny())
    @expose(policy=AllowParents())
    def whoami(self, call: Call, **others):
        return [call.method, others]

    @expose(policy=AllowParents())
    def fail(self, reason="nothing there"):
        raise LookupError(reason)

    @expose(policy=Nobody)
    def never(self):
        return "authorized"

    @no_reply
    @expose(policy=AllowParents())
    def forget(self, path):
        with open(path, "w"):
            return "forgotten"

    @no_reply
    @expose(policy=AllowParents())
    def fail_unheard(self):
        raise LookupError("nobody hears it")

    def hidden(self):
        return "hidden"


class StreamService(Service):
    @expose(policy=AllowParents())
    def count(self, end: int):
        for number in range(end):
            yield number
        return "counted"

    @expose(policy=AllowParents())
    def paths(self):
        """Yield what people and programs see in different ways."""
        yield "/srv"
        yield None
        yield {"path": b"/"}

    @expose(policy=AllowParents())
    def break_off(self):
        yield 1
        raise LookupError("in the middle")

    @expose(policy=AllowParents())
    def stall(self):
        yield 1
        while True:
            time.sleep(0.01)

    @expose(policy=AllowParents())
    def large(self, size: int):
        while True:
            yield "x" * size

    @expose(policy=AllowParents())
    def follow(self, folder, gate):
        come(folder)
        try:
            yield "first"
            print("waiting", flush=True)
            while True:
                time.sleep(0.01)
        finally:
            clean_up(gate)

    @expose(policy=AllowParents())
    def wait(self, folder, gate):
        come(folder)
        try:
            print("waiting", flush=True)
            while True:
                time.sleep(0.01)
        finally:
            clean_up(gate)

    @expose(policy=AllowParents())
    def refuse(self, folder):
        come(folder)
        while True:
            try:
                print("waiting", flush=True)
                while True:
                    time.sleep(0.01)
            except KeyboardInterrupt:
                print("not now", flush=True)


class Heir(LogService):
    def tail(self, path):
        return "not exposed any more"


class Broken(Service):
    def __init__(self, router):
        raise OSError("no disk")

    @expose(policy=AllowParents())
    def work(self):
        pass


class Plain:
    def work(self):
        pass


def function():
    pass


def come(folder):
    with open(os.path.join(folder, "pid.%d" % os.getpid()), "w"):
        pass


def clean_up(gate):
    print("cleaning up", flush=True)
    with open(gate):
        print("cleaned up", flush=True)
'''
