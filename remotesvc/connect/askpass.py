"""Askpass: answers ssh through SSH_ASKPASS; no file, no argument, no variable holds the answer.

ssh starts a program for each question, with the question as its argument, and reads its answer.
Ours is a script in memory, reached as a descriptor of this process; it passes the question up one
pipe of this process and the answer down another. Both take /proc and memfd_create (Linux, Python
3.8); elsewhere a terminal does (`is_possible`).
"""

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, Dict

    from ..core.loop import Loop
    from ..core.secret import Secret

__all__ = ["Askpass", "is_possible"]

# "none" is no question: ssh asks for a touch, and ends the program when that came.
SCRIPT = """#!/bin/sh
[ "$SSH_ASKPASS_PROMPT" = none ] && exit
printf '%%s %%s\\0' "$PPID" "$1" >/proc/%d/fd/%d
IFS= read -r answer </proc/%d/fd/%d && printf '%%s\\n' "$answer"
"""

# A question is shorter: what is longer is none.
QUESTION_LIMIT = 16 * 1024


class Askpass:
    """`on_question(text, pid)` gets each question, whole, and the process that asks it.

    On the loop's thread. Which process that is, the script says, and not who asks.
    """

    on_question: "Callable[[str, str], None]" = staticmethod(lambda text, pid: None)

    def __init__(self, loop: "Loop") -> "None":
        self._loop = loop
        self._asked = b""
        self._fds = (*os.pipe(), *os.pipe())
        self._questions, up, down, self._answers = self._fds
        os.set_blocking(self._questions, False)
        pid = os.getpid()
        self._script = os.memfd_create("remotesvc-askpass")  # type: ignore[attr-defined,unused-ignore]
        os.write(self._script, (SCRIPT % (pid, up, pid, down)).encode("ascii"))
        # A program that is open for writing cannot be started.
        again = os.open("/proc/self/fd/%d" % self._script, os.O_RDONLY | os.O_CLOEXEC)
        os.close(self._script)
        self._script = again
        self._is_closed = False

    @property
    def env(self) -> "Dict[str, str]":
        """What ssh has to find in its environment; a client before 8.4 wants DISPLAY, too."""
        variables = dict(os.environ)
        variables["SSH_ASKPASS"] = "/proc/%d/fd/%d" % (os.getpid(), self._script)
        variables["SSH_ASKPASS_REQUIRE"] = "force"
        variables.setdefault("DISPLAY", ":")
        return variables

    def start(self) -> "None":
        """Begin to listen."""
        self._loop.call_soon(self._watch)

    def type(self, secret: "Secret") -> "None":
        """Answer the question that was asked last."""
        if not self._is_closed:
            answer = secret.reveal().encode("utf-8", "surrogateescape")
            os.write(self._answers, answer + b"\n")

    def close(self) -> "None":
        """Take the script and the pipes away."""
        self._loop.call_soon(self._close)

    def _watch(self) -> "None":
        if not self._is_closed:
            self._loop.set_reader(self._questions, self._read)

    def _read(self) -> "None":
        try:
            self._asked += os.read(self._questions, 65536)
        except BlockingIOError:
            return
        *questions, rest = self._asked.split(b"\0")
        # The beginning is what it is known by.
        self._asked = rest[:QUESTION_LIMIT]
        for question in questions:
            pid, _, text = question.decode("utf-8", "backslashreplace").partition(" ")
            self.on_question(text, pid)

    def _close(self) -> "None":
        if not self._is_closed:
            self._is_closed = True
            self._loop.set_reader(self._questions, None)
            for fd in (*self._fds, self._script):
                os.close(fd)


def is_possible() -> "bool":
    """Whether this system has what it takes."""
    return hasattr(os, "memfd_create") and os.path.isdir("/proc/self/fd")
