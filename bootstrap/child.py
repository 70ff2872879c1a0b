"""Entry of a child: take the descriptors, build the switch, serve until the parent is gone.

Runs on the main thread of a bare interpreter. First the settings are read, alone and blocking, as
one frame; then the I/O thread owns the link and the main thread runs calls. The child ends when
its link does, whatever user code is doing, and takes its process group along.
"""

import os
import signal
import sys
import threading

from remotesvc.bootstrap.settings import MARKER, Settings
from remotesvc.core.authority import (
    CALL_FUNCTION,
    CALL_SERVICE,
    CANCEL,
    CONFIGURE,
    HELLO,
    LOAD_MODULE,
    OPEN_CHILD,
    PING,
    SHUTDOWN,
)
from remotesvc.core.calls import CallLoop
from remotesvc.core.deadman import DeadMan
from remotesvc.core.fetch import Fetcher
from remotesvc.core.link import DescriptorStream, Link
from remotesvc.core.loop import Loop
from remotesvc.core.stdio import OutputForwarder, take_over
from remotesvc.core.switch import Switch
from remotesvc.core.values import decode, encode
from remotesvc.core.wire import HEADER, PLAIN, VERSION, FrameDecoder, Message, encode_frame

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Optional, Sequence, Tuple

    from remotesvc.core.finder import Finder

__all__ = ["MARKER", "facts", "main", "read_settings"]

# After the link has ended, user code has this long to run its `finally` blocks.
FAREWELL = 2.0


def main(finder: "Finder") -> "None":
    """Serve the parent on descriptors 0 and 1 until it is gone; never returns."""
    _lead_own_group()
    # What goes wrong here is still told on the stderr that the parent reads.
    try:
        settings = read_settings(_read)
        _move_in(settings)
    except Exception as error:  # noqa: BLE001  whatever came instead of settings
        sys.exit("remotesvc: cannot begin: %r" % error)
    (read_fd, write_fd, error_fd), readers = take_over()
    child = Child(finder, settings, readers)
    child.fds = [read_fd, write_fd, *readers]
    if hasattr(os, "register_at_fork"):  # 3.7
        os.register_at_fork(after_in_child=child.forget)
    child.serve(DescriptorStream(child.loop, read_fd, write_fd), settings, error_fd)


def _lead_own_group() -> "None":
    """Become leader of a process group, so that the end of this child can take all of it."""
    try:
        os.setsid()
    except OSError:
        return  # it leads one already: sshd, or a parent of ours, saw to it


def read_settings(read: "Callable[[int], bytes]") -> "Settings":
    """Read one CONFIGURE frame by read(size), and not a byte more."""
    decoder = FrameDecoder()
    header = _read_exactly(read, HEADER.size)
    # A bad header is told at once, not after a body that may never come.
    frame = decoder.feed(header) or decoder.feed(_read_exactly(read, HEADER.unpack(header)[-1]))
    if frame[0].handle != CONFIGURE:
        raise ValueError("no CONFIGURE: %r" % frame[0])
    fields: "Any" = decode(frame[0].payload)
    if len(fields) != len(Settings.__slots__):
        raise ValueError("CONFIGURE of %d fields" % len(fields))
    return Settings(*fields)


def _move_in(settings: "Settings") -> "None":
    """Take environment and working directory; a folder that is not there ends the child."""
    os.environ.update(settings.env or {})
    if settings.cwd is not None:
        try:
            os.chdir(settings.cwd)
        except OSError as error:
            sys.exit("remotesvc: cwd: %s" % error)


def _read_exactly(read: "Callable[[int], bytes]", size: "int") -> "bytes":
    data = b""
    while len(data) < size:
        part = read(size - len(data))
        if not part:
            raise EOFError
        data += part
    return data


def _read(size: "int") -> "bytes":
    """Read from the parent; the end of it, before it began, is the end of this process."""
    while True:
        try:
            return os.read(0, size) or os._exit(1)
        except BlockingIOError:
            import select

            select.select([0], [], [])


class Child:
    """One child context: its loop, its switch, its link to the parent, and its call loop."""

    def __init__(self, finder: "Finder", settings: "Settings", readers: "Sequence[int]") -> "None":
        self.loop = Loop()
        self.switch = Switch(
            settings.own_id,
            settings.parents,
            settings.max_message_size,
            settings.siblings,
            str,  # which tells nobody: core/complaints.py tells more than its sender
        )
        self._output = OutputForwarder(self.switch, self.loop, readers, settings.window)
        # What comes before the reply to a call; core/logs.py adds itself.
        self.settle: "Callable[[], None]" = self._output.settle
        self._finder = finder
        self._calls = CallLoop(self.switch, finder, self._settle, self.loop, settings.grace)
        self.is_leaving = False
        # First those of the link; a fork's copies would hide our end from the parent.
        self.fds: "Sequence[int]" = ()
        self.settings = settings
        finder.child = self
        if "logging" in sys.modules:
            self.watch(sys.modules["logging"])
        fetcher = Fetcher(self.switch, finder)
        serve = self.switch.serve
        serve(CALL_FUNCTION, self._calls.accept)
        serve(CALL_SERVICE, lambda *call: self._start("services", *call))
        serve(OPEN_CHILD, lambda *call: self._start("hops", *call))
        serve(CANCEL, self._cancel)
        serve(LOAD_MODULE, fetcher.load)
        serve(PING, lambda link, message: None)
        serve(SHUTDOWN, lambda link, message: self.leave())

    def serve(self, stream: "DescriptorStream", settings: "Settings", error_fd: "int") -> "None":
        """Say HELLO, run calls until the end, and end the process."""
        switch = self.switch
        parent = switch.parents[0]
        link = switch.upstream = Link(parent, switch.receive, self._lose_parent)
        stream.on_bytes = link.on_bytes
        stream.on_end = link.on_stream_end
        hello = Message(parent, switch.id, switch.id, HELLO, 0, PLAIN, encode(facts()))
        link.attach(stream, MARKER + settings.nonce + encode_frame(hello))
        link.watch(self.loop, settings.heartbeat, settings.heartbeat_misses, switch.id)
        stream.start()
        self.loop.call_soon(self._output.start)
        os.close(error_fd)
        limit = settings.heartbeat * settings.heartbeat_misses + settings.grace
        self._calls.guard = DeadMan(self.loop, limit).hold
        threading.Thread(target=self._serve_link, name="remotesvc-io", daemon=True).start()
        try:
            self._run_calls()
            self.settle()
            link.flush(FAREWELL)
        finally:
            # Even if the interrupt of leave() comes as late as here; a fork ends as any program.
            if switch.pid == os.getpid():
                _end_group()

    def _serve_link(self) -> "None":
        try:
            self.loop.run()
        finally:
            _end_group()  # user code closed descriptors that are not its own

    def leave(self) -> "None":
        """Begin the end (on the I/O thread): interrupt what runs, and do not wait for ever."""
        if not self.is_leaving:
            self.is_leaving = True
            self._calls.stop()
            self.loop.call_later(FAREWELL, _end_group)

    def _cancel(self, link: "Optional[Link]", message: "Message") -> "None":
        """Cancel a call, and if it is to end at any price, tell so and begin the end."""
        is_leaving = self._calls.cancel(message)
        self.switch.reply(message, PLAIN, encode(is_leaving))
        if is_leaving:
            self.leave()

    def _start(self, part: "str", link: "Optional[Link]", message: "Message") -> "None":
        """Have a module that a parent has sent ahead take the first message of its kind."""
        name = "remotesvc.core." + part
        if name in self._finder.records:
            __import__(name)
            sys.modules[name].start(self, link, message)
        else:
            self.switch.refuse(link, message, "refused", "no %s are started here" % part)

    def forget(self) -> "None":
        """Close descriptors in a fork, unless the end has begun and they may be others by now."""
        if not self.is_leaving:
            self.is_leaving = True
            for fd in self.fds:
                os.close(fd)

    def _settle(self) -> "None":
        """Send what was printed; a fork that comes back from its call goes no further."""
        if self.switch.pid == os.getpid():
            self.settle()
        else:
            self.is_leaving = True  # even when it was interrupted
            raise sys.exc_info()[1] or SystemExit

    def watch(self, logging: "Any") -> "None":
        """Put a logger above the root logger: in no configuration's way, and none in its way.

        That none is there yet is no reason for logging.warning() to configure one.
        """
        configure = logging.basicConfig
        logging.basicConfig = lambda **options: configure(**options) if options else None
        logging.root.setLevel(self.settings.log_level)
        top = logging.root.parent = logging.Logger("remotesvc")
        top.handlers = [top]
        top.handle = self._log

    def _log(self, record: "Any") -> "None":
        """Have the first record fetch what forwards them: who logs nothing waits for nothing."""
        try:
            if self.loop.is_current():
                raise ImportError  # a collected object's: the request would wait for itself
            from remotesvc.core.logs import forward

            forward(self, record)
        except ImportError:  # or a fork's, or the parent is gone
            sys.modules["logging"].lastResort.handle(record)

    def _run_calls(self) -> "None":
        while not self.is_leaving:
            try:
                self._calls.run()
            except KeyboardInterrupt:
                continue  # it came between two calls: there was nothing to interrupt

    def _lose_parent(self, link: "Link", error: "Exception") -> "None":
        try:
            self.switch.lose_link(link, error)
        finally:
            self.leave()


def facts() -> "Tuple[Any, ...]":
    """Return what HELLO says: protocol, Python, executable, pid, host name, platform, uid."""
    system = os.uname()
    version = tuple(sys.version_info[:3])
    platform = "%s-%s-%s" % (system[0], system[2], system[4])
    return (VERSION, version, sys.executable, os.getpid(), system[1], platform, os.getuid())


def _end_group() -> "None":
    """End this process and everything in its process group, without asking anybody."""
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(0)
