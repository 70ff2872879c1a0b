"""Terminal: a terminal of its own for a program that asks nowhere else; payload never goes there.

The program finds it as its controlling terminal, and its standard streams stay pipes; or, for one
that asks on its stdin, as that, and the pipes wait on descriptors 3 to 5 for what it starts. No
letter is echoed, none is special. Closing it hangs up on whoever still has it.
"""

import errno
import os
import termios

from ..core.errors import AuthenticationError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, List, Sequence

    from ..core.loop import Loop
    from ..core.secret import Secret
    from .base import Attempt

__all__ = ["PIPES_BACK", "Terminal"]

# The leader of a session that opens a terminal gets it as its controlling one.
CONTROL = ': <>"$0";exec "$@"'
STAND_IN = 'exec 3<&0 4>&1 5>&2 0<>"$0" 1>&0 2>&0;exec "$@"'

# For what was started behind STAND_IN: the pipes in their places.
PIPES_BACK = "exec <&3 >&4 2>&5 3<&- 4>&- 5>&-;"

# So much of the end of what was printed there stands in an error text.
TEXT_KEPT = 4096

_TOO_MANY = "Close some, or raise kernel.pty.max"


class Terminal:
    """A pseudo-terminal; `on_text(data)` sees what is printed there, on the loop's thread."""

    on_text: "Callable[[bytes], None]" = staticmethod(lambda data: None)

    def __init__(self, loop: "Loop", attempt: "Attempt") -> "None":
        try:
            self._fd, self._far_fd = os.openpty()
        except OSError as error:
            is_missing = error.errno in (errno.ENODEV, errno.ENOENT)
            advice = "Mount a devpts at /dev/pts" if is_missing else _TOO_MANY
            text = "%s: no terminal to type a password at: %s. %s"
            raise AuthenticationError(text % (attempt.where, error.strerror, advice)) from error
        self._loop = loop
        self._printed = b""
        self._name = os.ttyname(self._far_fd)
        _make_plain(self._far_fd)
        os.set_blocking(self._fd, False)

    @property
    def text(self) -> "str":
        """The end of what was printed."""
        return self._printed.decode("utf-8", "backslashreplace").replace("\r", "")

    def argv(self, argv: "Sequence[str]", is_stdin: "bool") -> "List[str]":
        """Return the argv that starts a program with this as its terminal, maybe as stdin too."""
        return ["sh", "-c", STAND_IN if is_stdin else CONTROL, self._name, *argv]

    def start(self) -> "None":
        """Begin to read."""
        self._loop.call_soon(self._watch)

    def type(self, secret: "Secret") -> "None":
        """Type a line."""
        if self._fd >= 0:
            os.write(self._fd, secret.reveal().encode("utf-8", "surrogateescape") + b"\n")

    def drain(self) -> "None":
        """Read what the program printed last, once it has ended (on the loop's thread)."""
        if self._far_fd >= 0:
            fd, self._far_fd = self._far_fd, -1
            os.close(fd)
        while self._fd >= 0 and self._read():
            continue

    def close(self) -> "None":
        """Hang up."""
        self._loop.call_soon(self._close)

    def _watch(self) -> "None":
        if self._fd >= 0:
            self._loop.set_reader(self._fd, self._read_piece)

    def _read_piece(self) -> "None":
        self._read()

    def _read(self) -> "bool":
        """Read a piece; tell whether there was one."""
        try:
            data = os.read(self._fd, 65536)
        except BlockingIOError:
            return False
        except OSError:
            data = b""  # nobody has it open any more
        if not data:
            self._loop.set_reader(self._fd, None)
            return False
        self._printed = (self._printed + data)[-TEXT_KEPT:]
        self.on_text(data)
        return True

    def _close(self) -> "None":
        if self._fd >= 0:
            self._loop.set_reader(self._fd, None)
            os.close(self._fd)
        if self._far_fd >= 0:
            os.close(self._far_fd)
        self._fd = self._far_fd = -1


def _make_plain(fd: "int") -> "None":
    """Let a terminal echo nothing, and take every letter but the end of a line for itself."""
    attributes = termios.tcgetattr(fd)
    attributes[3] &= ~(termios.ECHO | termios.ECHONL | termios.ISIG | termios.IEXTEN)
    off = bytes([os.fpathconf(fd, "PC_VDISABLE") & 0xFF])
    special = (termios.VEOF, termios.VEOL, termios.VERASE, termios.VKILL)
    for index in special:
        attributes[6][index] = off
    termios.tcsetattr(fd, termios.TCSANOW, attributes)
