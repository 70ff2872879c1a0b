"""The owner's side of the supervisor: starts one server program, sees its end, ends it.

Only this file knows how the two talk (see `supervisor.py`). It starts no thread, and holds two
pipes and one child process until `close()` or `detach()`.
"""

import contextlib
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

from remotesvc.testing import supervisor

__all__ = ["SupervisedProcess"]

# Longer than all steps of the supervisor together; past it the supervisor itself is stuck.
CLOSE_SECONDS = 10.0


class SupervisedProcess:
    """A server program, everything below it, and the folder it lives in; owned by us.

    All of it ends with `close()`, or when this process ends in whatever way. The folder is
    removed too. Output of the program is in the file `log` in the folder.
    """

    def __init__(
        self, command: tuple[str, ...], folder: Path, environment: dict[str, str]
    ) -> None:
        """Start the command, whose first word is an absolute path."""
        self._folder = folder
        self._log = folder / supervisor.LOG_NAME
        self._kept_log: str | None = None
        self._is_detached = False
        argv = [sys.executable, "-I", "-S", supervisor.__file__, str(folder), *command]
        with open(self._log, "ab") as log:
            self._process = subprocess.Popen(
                argv,
                bufsize=0,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=environment,
                start_new_session=True,
            )
        self._lifeline, self._report = _pipes(self._process)

    @property
    def pid(self) -> int:
        """The supervisor's process id: a SIGTERM to it ends everything."""
        return self._process.pid

    def log_text(self) -> str:
        """Return what the program wrote so far; after `close()` what it had written then."""
        if self._kept_log is not None:
            return self._kept_log
        return self._log.read_text(errors="replace")

    def fileno(self) -> int:
        """Return the descriptor that is readable when the program has ended by itself."""
        return self._report.fileno()

    def has_ended(self, timeout: float) -> bool:
        """Return whether the program has ended by itself, waiting for that up to `timeout`."""
        return bool(select.select([self], [], [], timeout)[0])

    def close(self) -> None:
        """End everything and wait until it has ended; closing twice is fine."""
        if self._kept_log is not None:
            return
        self._kept_log = self.log_text()
        if self._is_detached:
            return
        self._lifeline.close()
        if not self._wait_for_end():
            self._process.kill()
        status = self._process.wait()
        self._report.close()
        # The supervisor has done all this, unless it was killed; its group is then without it.
        if status != 0:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
        shutil.rmtree(self._folder, ignore_errors=True)

    def detach(self) -> None:
        """Let go: from now on only a SIGTERM to `pid` ends the program."""
        self._lifeline.write(b"K")
        self._lifeline.close()
        self._report.close()
        self._is_detached = True
        # Popen would warn that it forgets a running child: that is what was asked for.
        self._process.returncode = 0

    def _wait_for_end(self) -> bool:
        """Read the supervisor's reports to their end; return False when it does not come."""
        deadline = time.monotonic() + CLOSE_SECONDS
        while self.has_ended(max(0.0, deadline - time.monotonic())):
            if not self._report.read(64):
                return True
        return False


def _pipes(process: "subprocess.Popen[bytes]") -> tuple[IO[bytes], IO[bytes]]:
    if process.stdin is None or process.stdout is None:
        raise ValueError("the supervisor has to be started with two pipes")
    return process.stdin, process.stdout
