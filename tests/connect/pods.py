"""A real podman for tests, and a container without an image: its programs are this machine's."""

import os
import secrets
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.integration.hosts import needs_program, write_program
from tests.testing.client import wait_for_end

__all__ = ["LIMITS", "docker_service", "podman_program", "running_podman"]

# Podman wants a cgroup tree of one kind, and this may be of two.
PROGRAM = """\
#!/bin/sh
[ "$PRIVATE" ] || PRIVATE=1 exec {unshare} -m "$0" "$@"
umount /sys/fs/cgroup/unified 2>/dev/null
exec {podman} --root {store} --runroot {run} --cgroup-manager=cgroupfs "$@"
"""

# Serves on a socket that is there already, so that nobody has to wait for it.
SERVICE = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
os.execv(sys.argv[2], [*sys.argv[2:], "system", "service", "--time", "0"])
"""

LIMITS = ("--ulimit", "nofile=1024:1024", "--ulimit", "nproc=4096:4096")

PASSWD = "root:x:0:0::/:/bin/sh\napp:x:1234:1234::/:/bin/sh\n"


@contextmanager
def running_podman(network: str = "none") -> Iterator[tuple[str, str]]:
    """Yield the program and the name of a container that runs; skip where podman does not."""
    if os.geteuid() != 0:
        pytest.skip("podman is tried as root only")
    folder = tempfile.TemporaryDirectory(prefix="pod")  # its paths are to be short
    with folder, _container(Path(folder.name), network) as found:
        yield found


def podman_program(folder: Path) -> str:
    """Write a podman that keeps all that is its own in a folder; return where it is."""
    return write_program(
        folder / "podman",
        PROGRAM.format(
            podman=needs_program("podman"),
            unshare=needs_program("unshare"),
            store=shlex.quote(str(folder / "store")),
            run=shlex.quote(str(folder / "run")),
        ),
    )


@contextmanager
def docker_service(program: str) -> Iterator[str]:
    """Have a podman answer as the engine of docker does; yield its address, for DOCKER_HOST."""
    with (
        tempfile.TemporaryDirectory(prefix="dock") as folder,
        socket.socket(socket.AF_UNIX) as door,
    ):
        path = f"{folder}/s"
        door.bind(path)
        door.listen()
        words = [sys.executable, "-c", SERVICE, str(door.fileno()), program]
        process = subprocess.Popen(words, pass_fds=[door.fileno()], stderr=subprocess.DEVNULL)
        try:
            yield f"unix://{path}"
        finally:
            process.terminate()
            process.wait()
            # What it tells of commands that have ended, it keeps for five minutes.
            for pid in _users_of(Path(program).parent, "--exit-delay"):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


@contextmanager
def _container(folder: Path, network: str) -> Iterator[tuple[str, str]]:
    program = podman_program(folder)
    name = "rsvc" + secrets.token_hex(5)
    root = _root_folder(folder / "root")
    start = ["run", "-d", "--name", name, f"--network={network}", *LIMITS, "-v", "/usr:/usr:ro"]
    done = _call(program, *start, "--rootfs", str(root), "sleep", "1000")
    try:
        if done.returncode:
            pytest.skip(f"podman does not run here: {done.stderr.strip()[-300:]}")
        yield program, name
    finally:
        _call(program, "rm", "-f", "-t", "0", name)
        # What watched a container that was killed cleans up by itself, in the same folder.
        while busy := list(_users_of(folder)):
            for pid in busy:
                wait_for_end(pid)


def _users_of(folder: Path, option: str = "") -> Iterator[int]:
    """Yield the processes in whose command lines a folder is named, and an option."""
    for process in Path("/proc").iterdir():
        with suppress(OSError):  # it is none, or has just ended
            words = (process / "cmdline").read_bytes()
            if str(folder).encode() in words and option.encode() in words:
                yield int(process.name)


def _root_folder(root: Path) -> Path:
    """Make a root folder that shows this machine's /usr."""
    for name in ("usr", "etc", "proc", "dev", "sys", "tmp", "run", "var"):
        (root / name).mkdir(parents=True)
    for name in ("bin", "sbin", "lib", "lib64"):
        there = Path("/") / name
        if not there.is_symlink():
            pytest.skip(f"{there} is no part of /usr here")
        (root / name).symlink_to(os.readlink(there))
    (root / "etc" / "passwd").write_text(PASSWD)
    if not os.access("/usr/bin/python3", os.X_OK):
        pytest.skip("no /usr/bin/python3 here (apt install python3)")
    return root


def _call(program: str, *args: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([program, *args], capture_output=True, text=True, check=False)
