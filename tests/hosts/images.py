"""Images: what `docker/` describes, built by podman from a base of this computer's own making.

The base is a minimal Debian, much like `debian:12-slim`; it is made once and kept in `build/`.
Only building needs a network. Containers are put into the network of a machine of the lab.
"""

import secrets
import shlex
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.connect.accounts import needs_root
from tests.connect.pods import LIMITS, podman_program
from tests.hosts.machine import Machine
from tests.integration.hosts import needs_program
from tests.integration.waiting import wait_until

__all__ = ["BUILD_FOLDER", "Engine", "base_archive", "running_engine"]

ROOT = Path(__file__).resolve().parents[2]
DOCKER = ROOT / "docker"
BUILD_FOLDER = ROOT / "build"

SUITE = "bookworm"
BASE = "localhost/remotesvc-base"

# What a build or a start may take; the network may be slow.
BUILD_SECONDS = 900.0


@dataclass
class Engine:
    """A podman with a store of its own."""

    program: str
    started: list[str] = field(default_factory=list)

    def build(self, name: str, arguments: Mapping[str, str] | None = None) -> str:
        """Build docker/NAME.Dockerfile on the base; return what the image is called."""
        tag = f"localhost/remotesvc-{name}"
        pairs = {"BASE": BASE, **(arguments or {})}
        given = [f"--build-arg={key}={value}" for key, value in pairs.items()]
        file = str(DOCKER / f"{name}.Dockerfile")
        self.call("build", "-q", "--isolation=chroot", *given, "-f", file, "-t", tag, str(DOCKER))
        return tag

    def run(self, image: str, machine: Machine, *options: str) -> str:
        """Start a container in the network of a machine; return its name once its sshd listens."""
        name = "rsvc" + secrets.token_hex(5)
        place = (f"--network=ns:/proc/{machine.pid}/ns/net", f"--hostname={machine.name}")
        self.started.append(name)
        self.call("run", "-d", "--name", name, *place, *LIMITS, *options, image)
        wait_until(lambda: "listening on" in self.logs(name))
        return name

    def call(self, *args: str) -> str:
        """Run podman; return what it printed."""
        done = self.attempt(*args)
        assert done.returncode == 0, f"podman {shlex.join(args)}: {done.stderr[-2000:]}"
        return done.stdout.strip()

    def attempt(self, *args: str) -> "subprocess.CompletedProcess[str]":
        """Run podman, whatever comes of it."""
        words, limit = [self.program, *args], BUILD_SECONDS
        return subprocess.run(words, capture_output=True, text=True, check=False, timeout=limit)

    def logs(self, name: str) -> str:
        """Return what a container has printed."""
        done = self.attempt("logs", name)
        return done.stdout + done.stderr

    def close(self) -> None:
        """End all containers."""
        if self.started:
            self.call("rm", "-f", "-t", "0", *self.started)


@contextmanager
def running_engine() -> Iterator[Engine]:
    """Yield an engine that has the base; skip where none runs, or no base can be made."""
    needs_root()
    archive = base_archive()
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="pod"))
        engine = Engine(podman_program(Path(folder)))
        done = engine.attempt("import", str(archive), BASE)
        if done.returncode:
            pytest.skip(f"podman does not run here: {done.stderr.strip()[-300:]}")
        stack.callback(engine.close)
        yield engine


def base_archive(suite: str = SUITE, packages: Sequence[str] = ()) -> Path:
    """Return the archive of a minimal Debian, with some packages; make it, unless it is there."""
    archive = BUILD_FOLDER / ("-".join((suite, *packages)) + ".tar")
    if archive.exists():
        return archive
    debootstrap, tar = needs_program("debootstrap"), needs_program("tar")
    archive.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=archive.parent) as folder:
        root, draft = Path(folder, "root"), Path(folder, "tar")
        options = ["--variant=minbase", *([f"--include={','.join(packages)}"] if packages else [])]
        words = [debootstrap, *options, suite, str(root)]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"no base image: debootstrap says {done.stdout.strip()[-300:]}")
        subprocess.run([tar, "-C", str(root), "-cf", str(draft), "."], check=True)
        draft.rename(archive)
    return archive
