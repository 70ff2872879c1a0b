"""The child's descriptors 0, 1 and 2: taken over, and what user code prints sent up.

The link moves to descriptors of its own, close-on-exec. Descriptor 0 becomes /dev/null, 1 and 2
become pipes of which this process keeps the reading ends: Python code, C code and subprocesses
alike write to plain blocking descriptors. When the controller grants no more credit, the pipes are
not read, they fill, and the writer blocks as on any pipe.
"""

import _thread
import io
import os
import select
import sys

from .authority import STDIO
from .credit import GRANT, MESSAGE_COST, Window
from .wire import RAW

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, List, Sequence, Tuple

    from .loop import Loop
    from .switch import Switch
    from .wire import Message

__all__ = ["OutputForwarder", "take_over"]

# One STDIO message at most: also what a writer may overdraw its credit by.
CHUNK = 32 * 1024

# What a pipe holds (Linux, macOS): more than this no call can have left in one when it returns.
CAPACITY = 64 * 1024


def take_over() -> "Tuple[Tuple[int, int, int], List[int]]":
    """Move 0, 1, 2 away, and put /dev/null and two pipes in their place.

    Returns the moved (link in, link out, stderr), all close-on-exec, and the reading ends of the
    new stdout and stderr.
    """
    moved = (os.dup(0), os.dup(1), os.dup(2))  # PEP 446: close-on-exec
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.close(null)
    readers = []
    for fd in (1, 2):
        read, write = os.pipe()
        os.set_blocking(read, False)
        os.dup2(write, fd)
        os.close(write)
        readers.append(read)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115  for the process's life
    sys.stdout = _text(1)
    sys.stderr = _text(2)
    sys.__stdin__, sys.__stdout__, sys.__stderr__ = sys.stdin, sys.stdout, sys.stderr  # type: ignore[misc]
    return moved, readers


def _text(fd: "int") -> "io.TextIOWrapper":
    # Line by line, so that prints show while the call runs; surrogates back to their bytes.
    return open(fd, "w", 1, "utf-8", "surrogateescape", closefd=False)


class OutputForwarder:
    """Reads what arrives in the pipes and sends it to the controller, within its credit.

    It waits at a handle of its own for what the controller grants. Only the loop's thread reads
    the pipes, so what is sent stays in order and no lock is held when a signal comes.
    """

    limit = GRANT.size

    def __init__(
        self, switch: "Switch", loop: "Loop", readers: "Sequence[int]", window: "int"
    ) -> "None":
        self._switch = switch
        self._loop = loop
        self._window = Window(window)
        # Whether a chunk is between its pipe and the link.
        self._is_moving = False
        # For each settle() that waits: (pipe, bytes that may still have to leave it), its lock.
        self._settling: "List[Tuple[List[Tuple[int, int]], Any]]" = []
        self._streams = {fd: bytes((number,)) for number, fd in enumerate(readers, 1)}
        self.respondent = (switch.parents or (switch.id,))[-1]
        self._handle = switch.listen(self)

    def start(self) -> "None":
        """Begin to forward (on the loop's thread)."""
        for fd in self._streams:
            self._watch(fd)

    def deliver(self, message: "Message") -> "None":
        """Take credit from the controller (on the loop's thread)."""
        if message.encoding == RAW:
            self._grant(GRANT.unpack(message.payload)[0])

    def lose(self, error: "Exception") -> "None":
        """Throw away what is printed from now on: nobody may block on a full pipe any more."""
        self._grant(1 << 60)

    def _grant(self, size: "int") -> "None":
        was_open = self._window.is_open
        self._window.grant(size)
        self._go_on()
        if self._window.is_open and not was_open:
            self.start()

    def settle(self) -> "None":
        """Flush Python's buffers and wait until what was printed so far has left.

        So has each pipe that was seen empty, or that has given up as much as it can hold: who
        prints without an end (a thread, a subprocess) holds up no reply for ever.
        """
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except Exception:  # noqa: BLE001, S112  user code may have closed or replaced it
                continue
        fds = sorted(self._streams, reverse=True)
        # In this order: what is in no pipe any more was sent before, or is moving.
        if select.select(fds, (), (), 0)[0] or self._is_moving:
            done = _thread.allocate_lock()
            done.acquire()
            self._settling.append(([(fd, CAPACITY) for fd in fds], done))
            self._loop.call_soon(self._go_on)
            done.acquire()

    def _go_on(self) -> "None":
        """Forward what is waited for, credit permitting."""
        while self._settling:
            owed, done = self._settling[0]
            while owed:
                if not self._window.is_open:
                    return
                fd, left = owed.pop()
                size = self._forward(fd)
                if 0 < size < left:
                    owed.append((fd, left - size))
            del self._settling[0]
            done.release()

    def _watch(self, fd: "int") -> "None":
        def forward() -> "None":
            if self._window.is_open:
                self._forward(fd)
            else:
                self._loop.set_reader(fd, None)

        self._loop.set_reader(fd, forward)

    def _forward(self, fd: "int") -> "int":
        """Forward one chunk; return its size, 0 when there is nothing to forward now."""
        data = b""
        self._is_moving = True
        try:
            data = os.read(fd, CHUNK)
            if data:
                self._window.spend(len(data) + MESSAGE_COST)
                self._switch.send(
                    self.respondent, STDIO, RAW, self._streams[fd] + data, self._handle
                )
            else:
                # User code closed every writing end; a closed pipe can be read for ever.
                del self._streams[fd]
                self._loop.set_reader(fd, None)
        except Exception:  # noqa: BLE001, S110  nothing to read, or the link is gone
            pass
        self._is_moving = False
        return len(data)
