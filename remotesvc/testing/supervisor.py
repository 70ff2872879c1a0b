"""Runs one server program for its owner and leaves nothing of it behind, however the owner ends.

A program of its own, started as `python -I -S supervisor.py FOLDER COMMAND...` in a session of
its own; standard library only. Its rules:

- stdin is the lifeline: at its end, which comes too when the owner is killed, everything ends.
  A byte on it says that the owner lets go: from then on only a signal ends the server.
- stdout carries one byte when the server has ended by itself, and its end is our own end.
- SIGTERM, SIGINT and SIGHUP end everything.
- "everything" is each process below us, also those that made sessions of their own (on Linux
  orphans come back to us, elsewhere they are out of reach), and then the folder.
"""

import contextlib
import ctypes
import os
import select
import shutil
import signal
import sys
import time

__all__ = ["LOG_NAME", "main"]

LIFELINE = 0
REPORT = 1
LOG_NAME = "log"

# What a session gets to end by itself (sshd gives its terminals back), and what the kernel
# gets to end what was killed; a process stuck in the kernel must not hold the owner for ever.
END_STEPS = ((signal.SIGTERM, 1.0), (signal.SIGKILL, 5.0))

# The end of a grandchild sends no signal here: while ending, look again after this time.
LOOK_AGAIN_SECONDS = 0.02

_PR_SET_CHILD_SUBREAPER = 36


def main(argv: list[str]) -> int:
    """Run the command in argv[2:], logging to argv[1], until the owner or a signal ends it."""
    folder, command = argv[1], argv[2:]
    _adopt_orphans()
    signals = _collect_signals()
    server = _start(command, os.path.join(folder, LOG_NAME))
    _wait_for_the_end(server, signals)
    _end_everything(signals)
    shutil.rmtree(folder, ignore_errors=True)
    return 0


def _adopt_orphans() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _collect_signals() -> int:
    """Turn the signals into bytes on a descriptor, which is returned."""
    readable, writable = os.pipe()
    os.set_blocking(readable, False)
    os.set_blocking(writable, False)
    signal.set_wakeup_fd(writable, warn_on_full_buffer=False)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, lambda number, frame: None)
    return readable


def _start(command: "list[str]", log: str) -> int:
    return os.posix_spawn(
        command[0],
        command,
        os.environ,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        # Python ignores these two, and an ignored signal would be inherited by every session.
        setsigdef=[signal.SIGPIPE, signal.SIGXFSZ],
    )


def _wait_for_the_end(server: int, signals: int) -> None:
    watched = [LIFELINE, signals]
    is_running = True
    while is_running or LIFELINE in watched:
        ready = select.select(watched, [], [])[0]
        if LIFELINE in ready:
            if not os.read(LIFELINE, 64):
                return
            watched.remove(LIFELINE)
        if signals in ready:
            if set(os.read(signals, 512)) - {signal.SIGCHLD}:
                return
            if server in _reap():
                is_running = False
                _report_end()


def _report_end() -> None:
    # When nobody listens any more, the lifeline will say so, or has been let go.
    with contextlib.suppress(OSError):
        os.write(REPORT, b"E")


def _reap() -> set[int]:
    ended: set[int] = set()
    while True:
        try:
            pid = os.waitpid(-1, os.WNOHANG)[0]
        except ChildProcessError:
            return ended
        if pid == 0:
            return ended
        ended.add(pid)


def _end_everything(signals: int) -> None:
    for number, seconds in END_STEPS:
        deadline = time.monotonic() + seconds
        told: set[int] = set()
        while time.monotonic() < deadline:
            _reap()
            pids = _descendants(os.getpid())
            if not pids:
                return
            for pid in pids - told:
                _send(pid, number)
            told |= pids
            if select.select([signals], [], [], LOOK_AGAIN_SECONDS)[0]:
                os.read(signals, 512)


def _send(pid: int, number: int) -> None:
    # It may just have ended, or belong to another account: nothing more can be done then.
    with contextlib.suppress(OSError):
        os.kill(pid, number)


def _descendants(root: int) -> set[int]:
    children: dict[int, list[int]] = {}
    for pid, parent in _processes():
        children.setdefault(parent, []).append(pid)
    found: set[int] = set()
    queue = [root]
    while queue:
        below = children.get(queue.pop(), [])
        found.update(below)
        queue.extend(below)
    return found


def _processes() -> list[tuple[int, int]]:
    """Return (pid, parent) of every process, from /proc where there is one, else from ps."""
    if not os.path.exists("/proc/self/stat"):
        return _processes_of_ps()
    pairs = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", "rb") as stream:
                    # The name in parentheses may hold anything, so count from its end.
                    fields = stream.read().rpartition(b")")[2].split()
            except OSError:
                continue
            pairs.append((int(name), int(fields[1])))
    return pairs


def _processes_of_ps() -> list[tuple[int, int]]:
    import subprocess  # only here: it costs as much to import as all the rest of this program

    with subprocess.Popen(["ps", "-axo", "pid=,ppid="], stdout=subprocess.PIPE) as ps:
        text = ps.communicate()[0]
    pairs = [line.split() for line in text.splitlines()]
    return [(int(pid), int(parent)) for pid, parent in pairs if int(pid) != ps.pid]


if __name__ == "__main__":
    sys.exit(main(sys.argv))
