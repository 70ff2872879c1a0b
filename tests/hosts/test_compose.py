"""docker/compose.yaml, brought up by podman-compose: the topology of docker/README.md, for real.

Bridges and published ports are those of a machine of the lab, so that nothing of it is in the
network of this computer; only building needs that. The bases are this computer's own.
"""

import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from remotesvc import ConnectError, InterpreterError, Router
from tests.connect.pods import LIMITS
from tests.hosts import far
from tests.hosts.images import BASE, BUILD_SECONDS, DOCKER, Engine, running_engine
from tests.hosts.machine import Machine
from tests.integration.hosts import needs_program
from tests.integration.waiting import wait_until

pytestmark = [
    pytest.mark.namespaces,
    pytest.mark.hosts,
    pytest.mark.timeout(1800),  # the first build fetches packages
]

HELPERS = ("netavark", "aardvark-dns", "catatonit")
HELPER_FOLDERS = (
    "/usr/libexec/podman",
    "/usr/lib/podman",
    "/usr/local/libexec/podman",
    "/usr/bin",
)

# Networks with names in them, whatever this podman would take by itself.
CONTAINERS_CONF = '[network]\nnetwork_backend = "netavark"\n'

# The images of the hub cannot be had here.
OVERRIDE = """\
services:
  bastion: {{build: {{args: {{BASE: {base}, PACKAGES: python3}}}}}}
  inner1: {{build: {{args: {{BASE: {base}, PACKAGES: python3}}}}}}
  inner2: {{build: {{args: {{BASE: {base}}}}}}}
  bare: {{build: {{args: {{BASE: {base}}}}}}}
"""

# What podman would keep in the mounts of this computer, or find there of its own.
PREPARE = """\
umount /sys/fs/cgroup/unified 2>/dev/null
mkdir -p /run/netns && mount -t tmpfs none /run/netns
"""


@dataclass(frozen=True)
class Project:
    """A copy of docker/, and the machine where its containers and their networks are."""

    folder: Path
    engine: Engine
    machine: Machine

    @property
    def config(self) -> Path:
        """The ssh_config that prepare.sh wrote."""
        return self.folder / "keys" / "ssh_config"

    def compose(self, *words: str, is_inside: bool = True) -> str:
        """Run podman-compose, in the machine or on this computer; return what it printed."""
        options = ["--podman-path", self.engine.program, "-f", "compose.yaml", "-f", "ours.yaml"]
        options += ["--podman-build-args=--isolation=chroot"]
        options += [f"--podman-run-args={' '.join(LIMITS)}"]
        return self.run(needs_program("podman-compose"), *options, *words, is_inside=is_inside)

    def podman(self, *words: str) -> str:
        """Run podman in the machine; return what it printed."""
        return self.run(self.engine.program, *words)

    def listens(self, name: str) -> bool:
        """Tell whether the sshd of a container has begun."""
        return "listening on" in self.podman("logs", f"docker_{name}_1")

    def run(self, program: str, *words: str, is_inside: bool = True) -> str:
        """Run a program in the folder; return what it printed."""
        environment = {**os.environ, "CONTAINERS_CONF": str(self.folder / "containers.conf")}
        there = [needs_program("env"), "-C", str(self.folder)]
        if is_inside:
            environment["PRIVATE"] = "1"  # the mounts are the machine's own already
            there[:1] = self.machine.words(there[0])
        done = subprocess.run(
            [*there, program, *words],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=BUILD_SECONDS,
        )
        assert done.returncode == 0, f"{program} {words}: {done.stdout[-2000:]}"
        return done.stdout


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """The topology as a reader of the README brings it up, and down again."""
    needs_program("podman-compose")
    for helper in HELPERS:
        if not any(os.path.exists(f"{folder}/{helper}") for folder in HELPER_FOLDERS):
            pytest.skip(f"podman has no {helper} on this machine (make test-deps)")
    folder = tmp_path_factory.mktemp("compose") / "docker"
    shutil.copytree(DOCKER, folder, ignore=shutil.ignore_patterns("keys"))
    subprocess.run([folder / "prepare.sh"], check=True, stdout=subprocess.DEVNULL)
    (folder / "ours.yaml").write_text(OVERRIDE.format(base=BASE))
    (folder / "containers.conf").write_text(CONTAINERS_CONF)
    with running_engine() as engine, _machine() as machine:
        found = Project(folder, engine, machine)
        found.compose("build", is_inside=False)
        try:
            found.compose("up", "--detach")
            for name in ("bastion", "inner1", "inner2", "bare"):
                wait_until(partial(found.listens, name))
            yield found
        finally:
            found.compose("down", "--timeout", "0")
        assert found.podman("ps", "--all", "--quiet") == ""


@contextmanager
def _machine() -> Iterator[Machine]:
    machine = Machine("controller", "127.0.0.1 localhost\n")
    try:
        machine.run("sh", "-c", PREPARE)
        yield machine
    finally:
        machine.close()


@pytest.fixture
def inside(project: Project) -> Iterator[Project]:
    """The same, with the test in the machine that has the ports."""
    with project.machine.entered():
        yield project


@pytest.fixture
def router(inside: Project, no_leaks: None, empty_home: Path) -> Iterator[Router]:
    """A router there."""
    with Router() as opened:
        yield opened


@pytest.mark.parametrize("transport", ["paramiko", "openssh"])
def test_chain_leads_through_the_bastion_to_root_on_an_inner_host(
    inside: Project, router: Router, transport: str
) -> None:
    (password,) = re.findall(r"password of demo: (\w+)", inside.podman("logs", "docker_inner2_1"))
    config: dict[str, Any] = {"config_file": str(inside.config), "transport": transport}
    bastion = router.ssh("bastion", **config)
    inner = router.ssh("inner2", **config)
    root = router.sudo(via=inner, password=password)
    assert [one.call(os.uname)[1] for one in (bastion, inner, root)] == [
        "bastion",
        "inner2",
        "inner2",
    ]
    assert bastion.call(os.getuid) == inner.call(os.getuid) != 0
    assert root.call(os.getuid) == 0


def test_command_of_the_readme_runs_on_all_hosts_with_a_python(inside: Project) -> None:
    hosts = "bastion,inner1,inner2"
    words = [sys.executable, "-m", "remotesvc", "run", "-F", str(inside.config), hosts]
    done = subprocess.run(
        [*words, "platform.node"], capture_output=True, text=True, check=False, cwd=inside.folder
    )
    assert done.returncode == 0, done.stderr
    for name in hosts.split(","):
        assert name in done.stdout


def test_host_without_python_says_what_was_tried(inside: Project, router: Router) -> None:
    with pytest.raises(InterpreterError, match=r"no Python 3.6 or newer \(tried python3"):
        router.ssh("bare", config_file=str(inside.config)).call(os.getpid)


def test_inner_hosts_have_no_name_here_and_no_way_out(inside: Project, router: Router) -> None:
    config: dict[str, Any] = {"config_file": str(inside.config)}
    for name in ("inner1", "inner2"):
        assert not router.ssh(name, **config).call(far.has_way_out)
        with pytest.raises(ConnectError):
            router.ssh(name, username="demo").call(os.getpid)
    assert router.ssh("bastion", **config).call(far.has_way_out)


def test_ports_are_published_to_that_machine_alone(inside: Project) -> None:
    told = inside.podman("ps", "--format", "{{.Ports}}")
    assert sorted(filter(None, told.splitlines())) == [
        "127.0.0.1:2201->22/tcp",
        "127.0.0.1:2202->22/tcp",
    ]
    for port in (2201, 2202):
        socket.create_connection(("127.0.0.1", port), 10).close()
