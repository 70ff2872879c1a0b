"""Reach: opens hosts as the options of a command say, context by context.

What several hosts have on their way, and the host of --via, is opened once, by whoever needs it
first, and stays open until the command ends. What failed once is not tried again for the others: a
wrong password is sent to no host twice.
"""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from remotesvc.connect.spec import Part
from remotesvc.core.context import Context
from remotesvc.core.errors import Error, again
from remotesvc.router import Router

from .hosts import BECOMING, Host
from .options import ConnectOptions
from .questions import Passwords, Questions

__all__ = ["Reach", "Step"]

# A deadline that has passed is told by the step that it catches.
SHORTEST = 0.001

# What the library takes for all phases of one context.
CONNECT_TIMEOUT = 30.0


@dataclass(frozen=True)
class Step:
    """One context on the way to a host; a shared one is not the host's to end."""

    label: str
    context: Context
    is_shared: bool = False


class Reach:
    """Opens hosts for one command; threads share it."""

    def __init__(
        self, router: Router, connect: ConnectOptions, questions: Questions, passwords: Passwords
    ) -> None:
        self._router = router
        self._connect = connect
        self._questions = questions
        self._passwords = passwords
        self._lock = threading.Lock()
        self._shared: dict[str, Future[Context]] = {}

    def open(self, host: Host) -> Iterator[Step]:
        """Open what is on the way to a host, and the host; yield each context as it is opened."""
        connect, way = self._connect, _Way(self._connect.connect_timeout)
        if connect.via is not None:
            for index, part in enumerate(connect.via.parts):
                yield self._share(way, part, self._via_options(part, index))
        last = len(host.parts) - 1
        for index, part in enumerate(host.parts):
            opts = self._options(way, host, index)
            if index < last:
                yield self._share(way, part, opts)
            else:
                yield self._own(way, host, part, {**opts, **connect.for_python()})
        if connect.become is not None:
            opts = {**self._become_options(host.name), **connect.for_python()}
            yield self._own(way, host, connect.become.part, opts)

    def drop(self) -> None:
        """Cut what is shared; does not block."""
        with self._lock:
            shared = list(self._shared.values())
        for future in shared:
            if future.done() and future.exception() is None:
                future.result().kill()

    def _own(self, way: "_Way", host: Host, part: Part, opts: dict[str, Any]) -> Step:
        way.context = self._open(way, part, host.name, opts)
        return Step(part.text, way.context)

    def _share(self, way: "_Way", part: Part, opts: dict[str, Any]) -> Step:
        """Return a context that somebody opens, or has opened, or tried to."""
        way.add(part.text)
        with self._lock:
            is_ours = way.name not in self._shared
            future = self._shared.setdefault(way.name, Future())
        if is_ours:
            try:
                future.set_result(self._open(way, part, way.name, opts))
            except Exception as error:  # noqa: BLE001 it is everybody's who comes this way
                future.set_exception(error)
        failure = future.exception()
        if failure is not None:
            raise again(failure) if isinstance(failure, Error) else failure
        way.context = future.result()
        return Step(part.text, way.context, is_shared=True)

    def _open(self, way: "_Way", part: Part, name: str, opts: dict[str, Any]) -> Context:
        opener: Callable[..., Context] = getattr(self._router, part.kind)
        target = (part.target,) if part.target else ()
        # With the default, ssh_config may still say another.
        timeout = {} if way.has_default_timeout else {"connect_timeout": way.left}
        return opener(*target, name=name, via=way.context, **timeout, **opts)

    # -- what each part is told ------------------------------------------------------------------

    def _options(self, way: "_Way", host: Host, index: int) -> dict[str, Any]:
        """Return what a part of a host is opened with."""
        part, is_host = host.parts[index], index == host.login
        if part.kind in BECOMING:
            return self._become_options(host.name)
        if part.kind != "ssh":
            return {}
        password = self._passwords.ssh if is_host else None
        return self._ssh_options(part, way.context is None, is_host, password)

    def _via_options(self, part: Part, index: int) -> dict[str, Any]:
        """Return what a part of --via is opened with: no password, that is for the hosts."""
        if part.kind in BECOMING:
            return self._answers(part.text, None)
        if part.kind != "ssh":
            return {}
        return self._ssh_options(part, index == 0, False, None)

    def _ssh_options(
        self, part: Part, is_from_here: bool, is_host: bool, password: str | None
    ) -> dict[str, Any]:
        opts = self._connect.for_ssh(is_from_here=is_from_here, is_host=is_host)
        passphrase = self._questions.passphrase
        if is_from_here and passphrase is not None and opts.get("transport") != "openssh":
            opts["passphrase"] = passphrase  # the ssh program asks for it by itself
        return {**opts, **self._answers(part.text, password)}

    def _become_options(self, name: str) -> dict[str, Any]:
        if self._passwords.become is None:
            return {}  # then sudo must not ask
        return self._answers(name, self._passwords.become)

    def _answers(self, name: str, password: str | None) -> dict[str, Any]:
        prompts = self._questions.prompts_for(name)
        given = {"password": password, "prompts": prompts}
        return {option: value for option, value in given.items() if value is not None}


class _Way:
    """How far the way to one host has come, and how much time is left for it."""

    def __init__(self, timeout: float | None) -> None:
        self.context: Context | None = None
        self.name = ""
        self.has_default_timeout = timeout is None
        self._timeout = timeout or CONNECT_TIMEOUT
        self._until = time.monotonic() + self._timeout

    @property
    def left(self) -> float:
        """Seconds until the deadline; at the beginning all there are."""
        if self.context is None:
            return self._timeout
        return max(SHORTEST, self._until - time.monotonic())

    def add(self, text: str) -> None:
        """Go on to the next part."""
        self.name = f"{self.name}/{text}" if self.name else text
