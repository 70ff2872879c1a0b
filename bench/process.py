"""A peer in a fresh process: starts it, reads its lines of JSON, and makes sure that it ends."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

from bench.contenders import Contender

__all__ = ["PeerProcess", "Say", "measure"]

# Tells the user what is going on.
Say = Callable[[str], None]

ROOT = Path(__file__).resolve().parents[1]

# No task takes a tenth of this on a quiet machine; a peer that hangs is killed, not waited for.
PATIENCE = 300.0


class PeerProcess:
    """One run of one peer; a context manager."""

    def __init__(self, contender: Contender, *arguments: str) -> None:
        """Start it; `arguments` are the task and what it needs."""
        self._argv = [sys.executable, "-m", contender.module, *arguments, *contender.options]
        self._process = subprocess.Popen(
            self._argv,
            cwd=ROOT,
            env=_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._timer = threading.Timer(PATIENCE, self._process.kill)
        self._timer.daemon = True
        self._timer.start()

    def __enter__(self) -> "PeerProcess":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is not None:
            self._process.kill()
        self._process.communicate()
        self._timer.cancel()

    def ask(self, line: str) -> dict[str, float]:
        """Send a line and return the answer."""
        stdin: Any = self._process.stdin
        stdin.write(line + "\n")
        stdin.flush()
        return self.answer()

    def answer(self) -> dict[str, float]:
        """Return the next line; raise RuntimeError when the peer ended instead."""
        stdout: Any = self._process.stdout
        line = stdout.readline()
        if not line:
            status = self._process.wait()
            raise RuntimeError(f"{' '.join(self._argv)} ended with status {status}, no answer")
        answer: dict[str, float] = json.loads(line)
        return answer


def measure(contender: Contender, *arguments: str) -> dict[str, float]:
    """Run one task of one peer and return its figures."""
    with PeerProcess(contender, *arguments) as process:
        return process.answer()


def _environment() -> dict[str, str]:
    """Return our environment without what changes how a Python runs.

    With PYTHONUNBUFFERED a child that reads its program from sys.stdin reads it byte by byte;
    with PYTHONDONTWRITEBYTECODE every start compiles the libraries of the peers again.
    """
    return {name: text for name, text in os.environ.items() if not name.startswith("PYTHON")}
