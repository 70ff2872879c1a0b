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
    from typing import Callable, List, Sequence, Tuple

    from .loop import Loop
    from .switch import Switch
    from .wire import Message

__all__ = ["OutputForwarder", "take_over"]

# One STDIO message at most: also what a writer may overdraw its credit by. It is what a pipe holds
# (Linux, macOS), so that one read takes all that a call has left in it.
CHUNK = 64 * 1024


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
        self._chunk = min(CHUNK, switch.max_message_size - 1)
        self._window = Window(window)
        # Whether a chunk is between its pipe and the link.
        self._is_moving = False
        # What each settle() that waits for credit has the loop's thread do when it comes.
        self._settling: "List[Callable[[], None]]" = []
        self._streams = {fd: bytes((number,)) for number, fd in enumerate(readers, 1)}
        self.respondent = (switch.parents or (switch.id,))[-1]
        self._handle = switch.listen(self)

    def start(self) -> "None":
        """Begin to forward (on the loop's thread)."""
        for fd in self._streams:
            self._loop.set_reader(fd, lambda fd=fd: self._forward(fd))  # type: ignore[misc]

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
        waiting, self._settling = self._settling, []
        for forward in waiting:
            forward()
        if self._window.is_open and not was_open:
            self.start()

    def settle(self) -> "None":
        """Flush Python's buffers and wait until what was printed so far has left.

        Each pipe is emptied once; so who prints without an end (a thread, a subprocess) holds up
        no reply for ever.
        """
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except Exception:  # noqa: BLE001, S112  user code may have closed or replaced it
                continue
        # In this order: what is in no pipe any more was sent before, or is moving.
        fds = select.select(list(self._streams), (), (), 0)[0]
        if not fds and not self._is_moving:
            return
        done = _thread.allocate_lock()
        done.acquire()

        def forward() -> "None":
            while fds and self._window.is_open:
                self._forward(fds.pop(0))
            if fds:
                self._settling.append(forward)
            else:
                done.release()

        self._loop.call_soon(forward)
        done.acquire()

    def _forward(self, fd: "int") -> "None":
        """Send on what is in a pipe now, at most a chunk; watch it no more without credit."""
        self._is_moving = True
        try:
            data = self._window.is_open and os.read(fd, self._chunk)
            if data:
                self._window.spend(len(data) + MESSAGE_COST)
                data = self._streams[fd] + data
                self._switch.send(self.respondent, STDIO, RAW, data, self._handle)
            else:
                # Nor when user code has closed every writing end: that can be read for ever.
                self._loop.set_reader(fd, None)
        except Exception:  # noqa: BLE001, S110  nothing to read, or the link is gone
            pass
        self._is_moving = False
