"""The child's descriptors 0, 1 and 2: taken over, and what user code prints sent up.

The link moves to descriptors of its own, close-on-exec. Descriptor 0 becomes /dev/null, 1 and 2
become pipes of which this process keeps the reading ends: Python code, C code and subprocesses
alike write to plain blocking descriptors. When the controller grants no more credit, the pipes are
not read, they fill, and the writer blocks as on any pipe.
"""

import _thread
import io
import os
import sys

from .authority import STDIO
from .credit import MESSAGE_COST, Window
from .wire import RAW

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import List, Sequence, Tuple

    from .loop import Loop
    from .switch import Switch

__all__ = ["OutputForwarder", "take_over"]

# One STDIO message at most: also what a writer may overdraw its credit by.
CHUNK = 32 * 1024


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
    """Reads what arrives in the pipes and sends it to the controller, within its credit."""

    def __init__(
        self, switch: "Switch", loop: "Loop", readers: "Sequence[int]", window: "int"
    ) -> "None":
        self._switch = switch
        self._loop = loop
        self._window = Window(window)
        # The loop and the main thread (settle) forward: what one of them has read must leave
        # before the other's next chunk, and before the reply.
        self._turn = _thread.allocate_lock()
        self._streams = {fd: bytes((number,)) for number, fd in enumerate(readers, 1)}
        self._target = (switch.parents or (switch.id,))[-1]

    def start(self) -> "None":
        """Begin to forward (on the loop's thread)."""
        for fd in self._streams:
            self._watch(fd)

    def grant(self, size: "int") -> "None":
        """Take credit from the controller (on the loop's thread)."""
        with self._turn:
            was_open = self._window.is_open
            self._window.grant(size)
        if self._window.is_open and not was_open:
            self.start()

    def settle(self) -> "None":
        """Flush Python's buffers and forward what lies in the pipes now, credit permitting."""
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except Exception:  # noqa: BLE001, S112  user code may have closed or replaced it
                continue
        for fd in self._streams:
            while self._forward(fd):
                pass

    def _watch(self, fd: "int") -> "None":
        def forward() -> "None":
            if not self._forward(fd) and not self._window.is_open:
                self._loop.set_reader(fd, None)

        self._loop.set_reader(fd, forward)

    def _forward(self, fd: "int") -> "bool":
        """Forward one chunk; False without credit, or when there is nothing to forward now."""
        with self._turn:
            if not self._window.is_open:
                return False
            try:
                data = os.read(fd, CHUNK)
                if data:
                    self._window.spend(len(data) + MESSAGE_COST)
                    self._switch.send(self._target, STDIO, RAW, self._streams[fd] + data)
                else:
                    # User code closed every writing end; a closed pipe can be read for ever.
                    self._loop.call_soon(lambda: self._loop.set_reader(fd, None))
            except Exception:  # noqa: BLE001 nothing to read, or the link is gone
                return False
            return bool(data)
