"""Detaching: a child that outlives its parent, and takes another one that comes for it.

It listens at an abstract Unix socket (unix(7); Linux), of which only its own user is heard:
SO_PEERCRED says who connects. A parent that comes says CONFIGURE, as any parent does, and hears
HELLO: from there on it commands as the one did that started this child. Memory, modules and
services are those that were there.

When nobody has come, or was there, for so long as was said, the child ends.
"""

import importlib
import os
import socket
import struct
import sys
import threading
import time

from .authority import HELLO
from .credit import Window
from .hangup import survive
from .link import DescriptorStream, Link
from .values import encode
from .wire import PLAIN, Message, encode_frame

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, List, Tuple

    from ..bootstrap.child import Child
    from ..bootstrap.settings import Settings

__all__ = ["detach", "list_detached", "name_prefix", "peer_uid"]

# struct ucred: pid, uid, gid.
CREDENTIALS = struct.Struct("3i")

# The end of the parent before may still be on its way when the next one comes.
PATIENCE = 1.0
LOOK = 0.02

# By name: it stands on a floor above.
CHILD = "remotesvc.bootstrap.child"

# Who connects and says nothing is let go after so long.
CONFIGURE_TIMEOUT = 10.0


def detach(keep: "float") -> "Tuple[str, str]":
    """Have this child outlive its parent for `keep` seconds.

    Returns the name to find it by, and why it cannot: one of them is "".
    """
    finders: "List[Any]" = [one for one in sys.meta_path if getattr(one, "child", None)]
    child: "Any" = finders[0].child
    if not sys.platform.startswith("linux"):
        return "", "a child can be detached on Linux only, and this is %s" % sys.platform
    if child.switch.routes:
        return "", "it has children of its own, which would be lost: end them first"
    refusal = survive(child)
    if refusal:
        return "", refusal
    known: "Any" = vars(child).get("harbour")
    if known is None:
        known = vars(child).setdefault("harbour", _Harbour(child))
    known.keep = keep
    return known.name, ""


def name_prefix() -> "str":
    """Return how the names begin of all children of this user that are detached."""
    return "remotesvc-%d-" % os.getuid()


def list_detached() -> "list[str]":
    """Return the names of the detached children of this user on this host, sorted (proc(5))."""
    try:
        with open("/proc/net/unix") as table:
            paths = [line.split()[-1] for line in table]
    except OSError:
        return []
    return sorted({path[1:] for path in paths if path.startswith("@" + name_prefix())})


def peer_uid(connected: "socket.socket") -> "int":
    """Return the user at the other end of a Unix socket."""
    option = socket.SO_PEERCRED
    data = connected.getsockopt(socket.SOL_SOCKET, option, CREDENTIALS.size)
    return CREDENTIALS.unpack(data)[1]  # type: ignore[no-any-return]


class _Harbour:
    """Where a detached child waits for a parent."""

    def __init__(self, child: "Child") -> "None":
        self.name = name_prefix() + os.urandom(8).hex()
        self.keep = 0.0
        self._child = child
        self._left_at = time.monotonic()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind("\0" + self.name)
        self._listener.listen(4)
        self._listener.setblocking(False)
        # What a fork does not keep, whoever the parent is.
        self._own = [*child.fds[2:], self._listener.fileno()]
        child.fds = [*child.fds, self._listener.fileno()]
        upstream: "Any" = child.switch.upstream
        upstream.on_end = self._lose_parent
        child.loop.call_soon(self._watch)

    def _watch(self) -> "None":
        self._child.loop.set_reader(self._listener.fileno(), self._accept)
        self._look()

    def _look(self) -> "None":
        """End the child when nobody has come for long enough (every second)."""
        child = self._child
        link = child.switch.upstream
        if link is not None and link.error is None:
            self._left_at = time.monotonic()
        elif time.monotonic() - self._left_at > self.keep:
            child.leave()
            return
        child.loop.call_later(1.0, self._look)

    def _lose_parent(self, link: "Link", error: "Exception") -> "None":
        """Go on without a parent, unless it said that this is the end."""
        self._child.fds = self._own  # before that of the link is closed, and may be another
        self._child.switch.lose_link(link, error)

    def _accept(self) -> "None":
        try:
            connected = self._listener.accept()[0]
        except OSError:
            return
        if peer_uid(connected) != os.getuid():
            connected.close()
            return
        threading.Thread(
            target=self._greet, args=(connected,), name="remotesvc-attach", daemon=True
        ).start()

    def _greet(self, connected: "socket.socket") -> "None":
        """Read the settings of a parent that came (on a thread that may wait)."""
        child = importlib.import_module(CHILD)
        connected.settimeout(CONFIGURE_TIMEOUT)
        fd = os.dup(connected.fileno())
        try:
            settings = child.read_settings(connected.recv)
        except Exception:  # noqa: BLE001  whatever came instead, or nothing
            os.close(fd)
            return
        finally:
            connected.close()
        self._child.loop.call_soon(lambda: self._take(settings, fd, PATIENCE))

    def _take(self, settings: "Settings", fd: "int", patience: "float") -> "None":
        """Serve a new parent, if the one before it has gone; that may be on its way."""
        entry = importlib.import_module(CHILD)
        child = self._child
        switch = child.switch
        if switch.upstream is not None and switch.upstream.error is None:
            if patience > 0:
                again = patience - LOOK
                child.loop.call_later(LOOK, lambda: self._take(settings, fd, again))
            else:
                os.close(fd)
            return
        child.settings = settings
        switch.id, switch.parents = settings.own_id, settings.parents
        switch.siblings = settings.siblings
        switch.max_message_size = settings.max_message_size
        self._open_outputs(settings)
        parent = settings.parents[0]
        link = switch.upstream = Link(parent, switch.receive, self._lose_parent)
        stream = DescriptorStream(child.loop, fd, fd)
        child.fds = [fd, *self._own]
        stream.on_bytes, stream.on_end = link.on_bytes, link.on_stream_end
        hello = Message(parent, switch.id, switch.id, HELLO, 0, PLAIN, encode(entry.facts()))
        link.attach(stream, entry.MARKER + settings.nonce + encode_frame(hello))
        link.watch(child.loop, settings.heartbeat, settings.heartbeat_misses, switch.id)
        stream.start()

    def _open_outputs(self, settings: "Settings") -> "None":
        """Send prints and logs to the new controller, under new credit."""
        switch = self._child.switch
        outputs: "List[Any]" = [self._child._output, vars(self._child).get("logs")]
        for output in outputs:
            if output is not None:
                output.respondent = settings.parents[-1]
                output._window = Window(settings.window)
                output._handle = switch.listen(output)
                output._is_lost = False
