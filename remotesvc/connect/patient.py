"""PatientStream: a program that is started again when it did not reach its host.

What was written is kept until the first word from over there, and given to each program anew: it
has not left this host before. From that word on the stream is that of the one program.
"""

import threading

from ..core.errors import ConnectError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, Optional

    from ..types import Opener
    from .process import ProcessStream
    from .tries import Tries

    # begin() starts the program; judge(exit status, stderr) tells the kind of a failure.
    Begin = Callable[[], ProcessStream]
    Judge = Callable[[Optional[int], str], str]

__all__ = ["PatientStream"]

# So much is kept, about; what exceeds it waits for the first word, which costs it a round trip.
KEPT_LIMIT = 1024 * 1024


class PatientStream:
    """A ProcessLike (types.py) whose program may change; `begin()` starts the first one."""

    def __init__(self, router: "Opener", begin: "Begin", judge: "Judge", tries: "Tries") -> "None":
        self.gone = threading.Event()
        self.stderr = ""
        self.exit_status: "Optional[int]" = None
        self._router = router
        self._begin = begin
        self._judge = judge
        self._tries = tries
        self._lock = threading.Lock()
        self._program: "Optional[ProcessStream]" = None
        # What was written, and how much of it the present program was given.
        self._kept = bytearray()
        self._given = 0
        # Whether it is still being given what another one had; whether our owner waits for a
        # pull, and whether for the first word.
        self._is_behind = False
        self._is_owed = False
        self._is_held = False
        self._is_settled = False
        self._is_closed = False

    on_bytes: "Callable[[bytes], None]" = staticmethod(lambda data: None)
    on_end: "Callable[[str], None]" = staticmethod(lambda reason: None)
    pull: "Callable[[], bytes]" = staticmethod(lambda: b"")

    def begin(self) -> "None":
        """Start the program; raises what keeps it from being started."""
        self._take(self._begin())

    def start(self) -> "None":
        """Begin to read what it says."""
        if self._program is not None:
            self._program.start()

    def write(self, data: "bytes") -> "bool":
        """Write to its stdin, as a Stream does; between two programs, to the next."""
        with self._lock:
            if self._program is None or self._is_behind:
                self._kept += data
                self._is_owed = not self._has_room()
                return not self._is_owed
            self._keep(data)
            self._is_owed = True
            self._is_owed = not self._program.write(data)
            return not self._is_owed

    def forget(self) -> "None":
        """Close the descriptors of the program, in a fork."""
        if self._program is not None:
            self._program.forget()

    def close(self) -> "None":
        """Let the program end, and start no other."""
        with self._lock:
            if self._is_closed:
                return
            self._is_closed = True
            if self._program is None:
                self.gone.set()
                return
            self._program.gone = self.gone
            self._program.close()

    def release(self, child_pid: "int") -> "None":
        """Let a child live on that was detached."""
        with self._lock:
            self._is_closed = True
            if self._program is not None:
                self._program.gone = self.gone
                self._program.release(child_pid)

    def kill(self) -> "None":
        """End the program now."""
        if self._program is not None:
            self._program.kill()

    # -- one program after the other -------------------------------------------------------------

    def _take(self, program: "ProcessStream") -> "None":
        program.on_bytes = self._on_bytes
        program.on_end = self._on_end
        program.pull = self._next
        self._program = program

    def _on_bytes(self, data: "bytes") -> "None":
        if not self._is_settled:
            self._settle()
        self.on_bytes(data)

    def _settle(self) -> "None":
        """Stay with the present program: it has let us in."""
        with self._lock:
            self._is_settled = True
            is_held, self._is_held = self._is_held, False
            if not self._is_behind:
                self._kept.clear()
                self._given = 0
        if is_held and self._program is not None:
            self._pump(self._program)

    def _on_end(self, reason: "str") -> "None":
        """Take the end of the present program, on the loop's thread."""
        program = self._program
        if self._is_closed or program is None:
            return
        self.stderr, self.exit_status = program.stderr, program.exit_status
        pause = None
        if not self._is_settled:
            pause = self._tries.decide(self._judge(self.exit_status, self.stderr))
        if pause is None:
            self.on_end(reason)
            return
        if self._let_go():
            program.close()
            self._router.loop.call_later(pause, lambda: self._router.defer(self._begin_again))

    def _let_go(self) -> "bool":
        """Have no program for a while; False if there will be none any more."""
        with self._lock:
            if not self._is_closed:
                self._program = None
            return not self._is_closed

    def _begin_again(self) -> "None":
        """Start the next program (on a thread that may block)."""
        with self._lock:
            if self._is_closed:
                return
            try:
                program = self._begin()
            except ConnectError as error:
                reason = str(error)
                self._router.loop.call_soon(lambda: self.on_end(reason))
                return
            self._take(program)
            self._given = 0
            self._is_behind, self._is_held = True, False
        self._pump(program)
        program.start()

    def _pump(self, program: "ProcessStream") -> "None":
        """Give an idle program what there is, until it pulls by itself."""
        data = self._next()
        while data and program.write(data):
            data = self._next()

    def _next(self) -> "bytes":
        """Return what the present program is given next."""
        with self._lock:
            if self._given < len(self._kept):
                data = bytes(self._kept[self._given :])
                self._given = len(self._kept)
                return data
            if self._is_behind:
                self._is_behind = False
                if self._is_settled:
                    self._kept.clear()
                    self._given = 0
            self._is_held = self._is_owed and not self._has_room()
            if self._is_held or not self._is_owed:
                return b""
            # Before it is asked: with an empty answer it may write the very next moment.
            self._is_owed = False
        data = self.pull()
        if data:
            with self._lock:
                self._is_owed = True
                self._keep(data)
        return data

    def _has_room(self) -> "bool":
        return self._is_settled or len(self._kept) < KEPT_LIMIT

    def _keep(self, data: "bytes") -> "None":
        """Note what the present program is given; with the lock held."""
        if not self._is_settled:
            self._kept += data
            self._given = len(self._kept)
