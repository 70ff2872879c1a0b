"""ProcessStream: the byte stream of a process of this host, its stderr, its end.

Whoever starts a child through a program (a shell, ssh, sudo, podman) starts it here. The process
leads a session of its own, so Ctrl-C on the user's terminal does not reach it. The end of stdout
is told only after stderr is drained and the exit status known; nothing of it, nor of its process
group, is left behind. So that no signal can reach a stranger with its number, it is reaped last.
"""

import _socket
import os
import signal
import subprocess
import threading
import time

from ..core.link import DescriptorStream
from ..core.wire import FRAGMENT_SIZE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, Dict, Optional, Sequence

    from ..core.loop import Loop
    from ..types import Closable

__all__ = ["STDERR_KEPT", "STILL_OPEN", "ProcessStream"]

# What a process may have written and we not yet read: its output is a socket, which takes as much
# at once as it wants to write, moves it in larger pieces than a pipe, and so at half the cost.
OUTPUT_ROOM = FRAGMENT_SIZE

# So much of the end of stderr stands in an error text.
STDERR_KEPT = 4096

# After stdout has ended, the exit status and the rest of stderr are waited for this long; after an
# exit, the end of stdout: a fork that the process left behind may hold it open for ever.
LAST_WORDS = 1.0

STILL_OPEN = "it exited, and a process that it started keeps its output open"

# After close(), a process has this long to end by itself: a child takes 2 s for `finally` blocks.
KILL_AFTER = 3.5


class ProcessStream:
    """A Stream (core/link.py) over the stdin and stdout of a process.

    env: all of its environment, None for ours. owned: what is closed when it is gone, such as its
    terminal, or before, where it may not be killed. `on_error(data)` sees its stderr, on the
    loop's thread.
    """

    def __init__(
        self,
        loop: "Loop",
        argv: "Sequence[str]",
        env: "Optional[Dict[str, str]]" = None,
        owned: "Optional[Closable]" = None,
    ) -> "None":
        self.stderr = ""
        self.exit_status: "Optional[int]" = None
        self.gone = threading.Event()
        self._loop = loop
        self._owned = owned
        output, far_output = _socket.socketpair()
        output.shutdown(_socket.SHUT_WR)
        far_output.setsockopt(_socket.SOL_SOCKET, _socket.SO_SNDBUF, OUTPUT_ROOM)
        try:
            process = self._process = subprocess.Popen(
                list(argv),
                stdin=subprocess.PIPE,
                stdout=far_output.fileno(),
                stderr=subprocess.PIPE,
                bufsize=0,
                env=env,
                start_new_session=True,
            )
        except BaseException:
            output.close()
            raise
        finally:
            far_output.close()
        self._pipe = DescriptorStream(loop, output.detach(), _take(process.stdin))
        self._error_fd = _take(process.stderr)
        os.set_blocking(self._error_fd, False)
        self._error = b""
        self._reaping = threading.Lock()
        self._is_ending = False
        self._is_released = False
        self._pipe.on_end = self._on_pipe_end

    @property
    def pid(self) -> "int":
        """The process id of what was started here."""
        return self._process.pid

    @property
    def on_bytes(self) -> "Callable[[bytes], None]":
        """The callback for what arrives."""
        return self._pipe.on_bytes

    @on_bytes.setter
    def on_bytes(self, callback: "Callable[[bytes], None]") -> "None":
        self._pipe.on_bytes = callback

    @property
    def pull(self) -> "Callable[[], bytes]":
        """The callback for what to write next."""
        return self._pipe.pull

    @pull.setter
    def pull(self, callback: "Callable[[], bytes]") -> "None":
        self._pipe.pull = callback

    on_end: "Callable[[str], None]" = staticmethod(lambda reason: None)
    on_error: "Callable[[bytes], None]" = staticmethod(lambda data: None)

    def start(self) -> "None":
        """Begin to read both outputs."""
        self._pipe.start()
        self._loop.call_soon(self._watch_error)
        self._loop.call_later(LAST_WORDS, self._watch_exit)

    def write(self, data: "bytes") -> "bool":
        """Write to the process's stdin, as a Stream does."""
        return self._pipe.write(data)

    def close(self) -> "None":
        """Close the pipes and see the process off: its own way first, then by SIGKILL."""
        if self._is_released:
            return
        self._is_ending = True
        self._pipe.close()
        self._loop.call_soon(self._see_off)

    def release(self, child_pid: "int") -> "None":
        """Let a child live on that was detached; a program that only carried it to us is ended."""
        self._is_ending = self._is_released = True
        self._pipe.close()
        self._loop.call_soon(self._close_error)
        if child_pid == self._process.pid:
            self._process.returncode = 0  # it is not ours to wait for any more
            if self._owned is not None:
                self._owned.close()
            self._loop.call_soon(self.gone.set)
        else:
            self._loop.call_soon(self._kill_the_rest)

    def kill(self) -> "None":
        """End the process and its group now; nothing happens once it was reaped."""
        with self._reaping:
            if self._process.returncode is None:
                try:
                    os.killpg(self._process.pid, signal.SIGKILL)
                except (ProcessLookupError, PermissionError):
                    # It became somebody else's: the end of its stdin has to do, and a hang-up.
                    if self._owned is not None:
                        self._owned.close()

    def forget(self) -> "None":
        """Close the descriptors in a fork: its copies would hide our end from the program."""
        for fd in {self._pipe._read_fd, self._pipe._write_fd, self._error_fd}:
            try:
                os.close(fd)
            except OSError:
                continue  # it is closed already

    def _watch_exit(self) -> "None":
        """Look once a second whether it exited: there is not everywhere an event for that."""
        if not self._is_ending:
            then = self._end_without_eof if self._has_ended() else self._watch_exit
            self._loop.call_later(LAST_WORDS, then)

    def _end_without_eof(self) -> "None":
        if not self._is_ending:
            # Whoever holds the other end is not the one that we started.
            self._pipe.on_bytes = lambda data: None
            self._pipe.on_end = lambda reason: None
            self._on_pipe_end(STILL_OPEN)

    def _on_pipe_end(self, reason: "str") -> "None":
        self._is_ending = True
        self._poll(LAST_WORDS, self._has_said_all, lambda: self.on_end(reason))

    def _has_said_all(self) -> "bool":
        return self._has_ended() and self._error_fd < 0

    def _has_ended(self) -> "bool":
        self.exit_status = self._find_status()
        return self.exit_status is not None

    def _find_status(self) -> "Optional[int]":
        """Return the exit status, negative for a signal; None while the process runs."""
        if self._process.returncode is None and hasattr(os, "waitid"):
            options = os.WEXITED | os.WNOHANG | os.WNOWAIT
            try:
                ended = os.waitid(os.P_PID, self._process.pid, options)
            except ChildProcessError:
                return self._reap()  # the program ignores SIGCHLD: nobody will know
            if ended is None:
                return None
            return ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status
        return self._reap()

    def _reap(self) -> "Optional[int]":
        with self._reaping:
            return self._process.poll()

    def _see_off(self) -> "None":
        self._close_error()
        self._poll(KILL_AFTER, self._has_ended, self._kill_the_rest)

    def _kill_the_rest(self) -> "None":
        self.kill()
        self._poll(LAST_WORDS, self._has_ended, self._bury)

    def _bury(self) -> "None":
        self._reap()
        if self._owned is not None:
            self._owned.close()
        self.gone.set()

    def _poll(
        self, seconds: "float", is_done: "Callable[[], bool]", then: "Callable[[], None]"
    ) -> "None":
        """Go on with `then` once `is_done` or after `seconds`, looking ever less often."""
        limit = time.monotonic() + seconds

        def look(delay: "float") -> "None":
            if is_done() or time.monotonic() >= limit:
                then()
            else:
                self._loop.call_later(delay, lambda: look(min(delay * 2, 0.05)))

        look(0.001)

    def _watch_error(self) -> "None":
        if self._error_fd >= 0:
            self._loop.set_reader(self._error_fd, self._read_error)

    def _read_error(self) -> "None":
        try:
            data = os.read(self._error_fd, 65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._close_error()
            return
        self._error = (self._error + data)[-STDERR_KEPT:]
        self.stderr = self._error.decode("utf-8", "backslashreplace")
        self.on_error(data)

    def _close_error(self) -> "None":
        if self._error_fd >= 0:
            fd, self._error_fd = self._error_fd, -1
            self._loop.set_reader(fd, None)
            os.close(fd)


def _take(pipe: "object") -> "int":
    """Return a descriptor of our own for a pipe of Popen's, and close that."""
    fd = os.dup(pipe.fileno())  # type: ignore[attr-defined]
    pipe.close()  # type: ignore[attr-defined]
    return fd
