"""The real command line as a process of its own, and what it must not leave behind."""

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cli.service_app import SERVICES
from tests.controller.ssh.hosts import descendants

__all__ = ["Done", "Program", "Running", "Sessions", "assert_gone", "pids", "write_app"]

MODULE = (sys.executable, "-m", "remotesvc")

# Whatever a command started carries this in its environment, unless a login came between.
MARK = "REMOTESVC_TEST_MARK"

# What is on its way out may take this long to be gone.
RELEASE_SECONDS = 10.0
POLL = 0.02

# So much of a command line says which process it is; that of a child has 1,000 characters.
SHOWN_CHARACTERS = 200

# An application of the user's, as small as shows what is to be seen.
APP = '''\
"""An application that remotesvc knows nothing of."""

import os
import threading
import time

from app import words

LIMIT = 5


def check(disk, limit=0.9):
    print("looking at", disk, flush=True)
    return {"disk": disk, "limit": limit, "word": words.GOOD}


def fail():
    raise LookupError("nothing there")


def warn():
    import logging

    logger = logging.getLogger("app.disk")
    for level in (logging.DEBUG, logging.INFO, logging.WARNING):
        logger.log(level, "%d %% full", 90)


def lock():
    return threading.Lock()


def come(folder):
    with open(os.path.join(folder, "pid.%d" % os.getpid()), "w"):
        pass


def wait(folder):
    come(folder)
    if "QUICK" in os.environ:
        return "was quick"
    print("waiting", flush=True)
    time.sleep(60)


def clean_up(folder, gate):
    come(folder)
    try:
        print("waiting", flush=True)
        time.sleep(60)
    finally:
        print("cleaning up", flush=True)
        with open(gate):
            print("cleaned up", flush=True)


def refuse(folder):
    come(folder)
    while True:
        try:
            print("waiting", flush=True)
            time.sleep(60)
        except KeyboardInterrupt:
            print("not now", flush=True)


def pass_through(gate):
    print("waiting", flush=True)
    with open(gate):
        return "passed"


def meet(folder, deadline):
    with open(os.path.join(folder, "came.%d" % os.getpid()), "w"):
        pass
    until = time.time() + deadline
    while len(os.listdir(folder)) < 2:
        if time.time() > until:
            raise TimeoutError("nobody came")
        time.sleep(0.01)
    return "met"


def write(size):
    return "x" * size
'''


@dataclass(frozen=True)
class Done:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str

    @property
    def records(self) -> list[dict[str, Any]]:
        """The lines of --json, by host."""
        found = [json.loads(line) for line in self.out.splitlines()]
        return sorted(found, key=lambda record: str(record["host"]))


class Running:
    """A command under way: its lines as they come, and signals for it."""

    def __init__(self, program: "Program", process: "subprocess.Popen[str]") -> None:
        self._program = program
        self._process = process
        self._said = ""
        # What has come of the next lines: communicate() knows nothing of a stream's own buffer.
        self._rest = b""

    def wait_for(self, text: str) -> None:
        """Read stderr until a line contains a text."""
        assert self.says(text), f"it ended without saying {text!r}, but {self._said!r}"

    def says(self, text: str) -> bool:
        """Read stderr until a line contains a text; tell whether one did before the end."""
        assert self._process.stderr is not None
        while True:
            line, end, rest = self._rest.partition(b"\n")
            if end:
                self._rest = rest
                self._said += (line + end).decode()
                if text.encode() in line:
                    return True
                continue
            more = os.read(self._process.stderr.fileno(), 65536)
            if not more:
                return False
            self._rest += more

    def read_result(self) -> str:
        """Read a line of stdout."""
        assert self._process.stdout is not None
        return self._process.stdout.readline()

    def press(self, number: signal.Signals = signal.SIGINT) -> None:
        """Send a signal: that of Ctrl-C, unless another one is named."""
        self._process.send_signal(number)

    def end(self) -> Done:
        """Return how it ended, and all that it said; nothing of it is left."""
        done = self._program.finish(self._process)
        return Done(
            done.code, done.out, self._said + self._rest.decode(errors="replace") + done.err
        )


class Program:
    """Runs `remotesvc` in a folder, with an empty home."""

    def __init__(self, folder: Path, prefix: Sequence[str] = MODULE) -> None:
        self._prefix = tuple(prefix)
        self._mark = uuid.uuid4().hex
        self._started: list[subprocess.Popen[str]] = []
        self.folder = folder
        home = folder / "home"
        home.mkdir(exist_ok=True)
        self.environment = {
            "HOME": str(home),
            "PATH": os.environ.get("PATH", os.defpath),
            MARK: self._mark,
        }

    def start(
        self, *words: object, stdout: int = subprocess.PIPE, stdin: int = subprocess.DEVNULL
    ) -> "subprocess.Popen[str]":
        """Start a command; the caller waits for it."""
        process = subprocess.Popen(
            [*self._prefix, *map(str, words)],
            cwd=self.folder,
            env=self.environment,
            stdin=stdin,
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._started.append(process)
        return process

    def run(self, *words: object) -> "Running":
        """Start `remotesvc run`, to be watched at its work."""
        return Running(self, self.start("run", *words))

    def call(self, *words: object) -> "Running":
        """Start `remotesvc call`, likewise."""
        return Running(self, self.start("call", *words))

    def __call__(self, *words: object) -> Done:
        """Run a command to its end; whatever it started must end, too."""
        process = self.start(*words)
        return self.finish(process)

    def told(self, answers: str, *words: object) -> Done:
        """Run a command to its end, with some lines on its stdin."""
        return self.finish(self.start(*words, stdin=subprocess.PIPE), answers)

    def finish(self, process: "subprocess.Popen[str]", answers: str | None = None) -> Done:
        """Wait for a command that was started, and see that nothing of it is left."""
        out, err = process.communicate(answers, timeout=60)
        left = _wait_until_none(self._processes)
        assert not left, f"left behind: {'; '.join(left)}; it said: {err}"
        return Done(process.returncode, out or "", err)

    def close(self) -> None:
        """End what a test that failed has left."""
        for process in self._started:
            with process:
                if process.poll() is None:
                    process.kill()

    def _processes(self) -> list[str]:
        needle = f"{MARK}={self._mark}".encode()
        return [
            path.parent.name for path in Path("/proc").glob("[0-9]*/environ") if _has(path, needle)
        ]


def pids(places: Path) -> list[int]:
    """Return the process ids that functions left in a folder."""
    return [int(path.suffix[1:]) for path in places.iterdir()]


def assert_gone(places: Path) -> None:
    """Wait until no process is left that wrote down its id; some must have done so."""
    assert pids(places), "no function wrote down the id of its process"
    left = _wait_until_none(
        lambda: [str(pid) for pid in pids(places) if Path(f"/proc/{pid}").exists()]
    )
    assert not left, f"still there: {'; '.join(left)}"


class Sessions:
    """The processes that a server has for its sessions, over those that it has anyway."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._before = set(descendants(pid))

    def left(self) -> list[str]:
        """Return what is still there, in words, when all should have ended."""
        return _wait_until_none(
            lambda: [str(pid) for pid in descendants(self._pid) if pid not in self._before]
        )


def write_app(folder: Path) -> None:
    """Write the application, as package `app` with three modules."""
    package = folder / "app"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "health.py").write_text(APP)
    (package / "logs.py").write_text(SERVICES)
    (package / "words.py").write_text("GOOD = 'healthy'\n")


def _has(path: Path, needle: bytes) -> bool:
    try:
        return needle in path.read_bytes().split(b"\0")
    except OSError:
        return False  # it has just ended, or is somebody else's


def _wait_until_none(look: Callable[[], list[str]]) -> list[str]:
    """Look for pids until there are none; return what those left at the deadline are.

    Nobody tells when another's process ends.
    """
    end = time.monotonic() + RELEASE_SECONDS
    left = look()
    while left and time.monotonic() < end:
        time.sleep(POLL)
        left = look()
    return [_describe(pid) for pid in left]


def _describe(pid: str) -> str:
    """Return the pid, the state and the beginning of the command line of a process."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
        words = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ")
    except OSError:
        return f"{pid} (gone by now)"
    name, state = stat.partition("(")[2].rpartition(")")[0], stat.rpartition(")")[2].split()[0]
    command = words.decode(errors="replace").strip()[:SHOWN_CHARACTERS]
    return f"{pid} (state {state}) {command or name}"
