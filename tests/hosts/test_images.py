"""The hosts of `docker/`, built and run by podman, in the places of the machines of a lab."""

import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from remotesvc import AuthenticationError, ConnectError, Context, InterpreterError, Router
from tests.connect.become import everything_said
from tests.hosts.images import DOCKER, Engine, running_engine
from tests.hosts.lab import Host, Lab, start_lab
from tests.integration.hosts import needs_program

pytestmark = [
    pytest.mark.namespaces,
    pytest.mark.hosts,
    pytest.mark.timeout(1800),  # the first build fetches packages
]


@dataclass(frozen=True)
class Containers:
    """A lab whose hosts are containers, and the password of the one with sudo."""

    lab: Lab
    engine: Engine
    folder: Path
    password: str

    def ssh(self, router: Router, host: Host, **opts: Any) -> Context:
        """Log in as demo; the bastion's address says the way to the others."""
        jump = None if host is self.lab.bastion else f"demo@{self.lab.bastion.address}"
        return router.ssh(
            host.address,
            transport="openssh",
            config_file=str(self.folder / "ssh_config"),
            jump=jump,
            **opts,
        )


@pytest.fixture(scope="module")
def containers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Containers]:
    """Bastion and inner1 with a Python, inner2 with sudo, bare without Python."""
    folder = tmp_path_factory.mktemp("containers")
    password = secrets.token_hex(8)
    with running_engine() as engine, start_lab(servers=False) as lab:
        python = engine.build("python", {"PACKAGES": "python3"})
        images = {
            lab.bastion: python,
            lab.inner1: python,
            lab.inner2: engine.build("sudo"),
            lab.bare: engine.build("bare"),
        }
        options = _options(folder, password)
        for host, image in images.items():
            engine.run(image, host.machine, *options)
        yield Containers(lab, engine, folder, password)


def _options(folder: Path, password: str) -> list[str]:
    """Write the files of both sides; return how the containers get theirs."""
    keys = prepare(folder)
    (folder / "password").write_text(password + "\n")
    (folder / "ssh_config").write_text(
        f"IdentityFile {keys}/id\nIdentitiesOnly yes\nUser demo\n"
        f"UserKnownHostsFile {folder}/known_hosts\nStrictHostKeyChecking accept-new\n"
    )
    return [
        f"-v={keys}/authorized_keys:/etc/remotesvc/authorized_keys:ro",
        f"-v={folder}/password:/run/secrets/password:ro",
    ]


def prepare(folder: Path) -> Path:
    """Make the keys as a reader of the README does; return the folder with them."""
    shutil.copy(DOCKER / "prepare.sh", folder)
    subprocess.run([folder / "prepare.sh"], check=True, stdout=subprocess.DEVNULL)
    return folder / "keys"


@pytest.fixture
def inside(containers: Containers) -> Iterator[Containers]:
    """The same, with the test in the controller."""
    with containers.lab.controller.entered():
        yield containers


@pytest.fixture
def router(inside: Containers, no_leaks: None, empty_home: Path) -> Iterator[Router]:
    """A router in the controller of that lab."""
    with Router() as opened:
        yield opened


def test_host_with_one_python_runs_a_child(inside: Containers, router: Router) -> None:
    child = inside.ssh(router, inside.lab.bastion)
    assert child.call(os.uname)[1] == "bastion"
    assert child.call(os.path.realpath, "/proc/self/exe").startswith("/usr/bin/python3")
    assert child.call(os.path.expanduser, "~") == "/home/demo"


def test_inner_host_is_reached_through_the_bastion_only(
    inside: Containers, router: Router
) -> None:
    assert inside.ssh(router, inside.lab.inner1).call(os.uname)[1] == "inner1"
    with pytest.raises(ConnectError, match="there is no way to the host"):
        router.ssh(inside.lab.inner1.address, transport="openssh").call(os.getpid)


def test_host_without_python_says_what_was_tried(inside: Containers, router: Router) -> None:
    with pytest.raises(InterpreterError, match=r"no Python 3.6 or newer \(tried python3"):
        inside.ssh(router, inside.lab.bare).call(os.getpid)


def test_password_of_sudo_is_that_of_the_container(inside: Containers, router: Router) -> None:
    child = inside.ssh(router, inside.lab.inner2)
    root = router.sudo(via=child, password=inside.password)
    assert root.call(os.getuid) == 0


def test_wrong_password_of_sudo_is_typed_once_and_told_at_once(
    inside: Containers, router: Router
) -> None:
    child = inside.ssh(router, inside.lab.inner2)
    asked: list[str] = []

    def prompts(title: str, instructions: str, questions: Sequence[tuple[str, bool]]) -> list[str]:
        asked.extend(question for question, _ in questions)
        return ["wrong-one"]

    for opts in ({"password": "wrong-one"}, {"prompts": prompts}):
        with pytest.raises(
            AuthenticationError, match="password of sudo was not accepted"
        ) as caught:
            router.sudo(via=child, **opts).call(os.getuid)
        assert caught.value.stderr.count("Sorry, try again") == 1
        assert "wrong-one" not in everything_said(caught.value)
    assert len(asked) == 1
    assert router.sudo(via=child, password=inside.password).call(os.getuid) == 0


def test_password_that_nobody_gave_is_random_and_told_in_the_log(containers: Containers) -> None:
    engine, machine = containers.engine, containers.lab.controller
    told = set()
    for _ in range(2):
        name = engine.run("localhost/remotesvc-sudo", machine)
        (line,) = [line for line in engine.logs(name).splitlines() if "password of demo" in line]
        told.add(line)
        engine.call("rm", "-f", "-t", "0", name)
    assert len(told) == 2


def test_all_published_ports_are_those_of_this_machine() -> None:
    lines = (DOCKER / "compose.yaml").read_text().splitlines()
    published = [line.split("[")[1] for line in lines if line.strip().startswith("ports:")]
    assert published and all(port.startswith('"127.0.0.1:') for port in published)


def test_configuration_that_is_prepared_leads_through_the_bastion(tmp_path: Path) -> None:
    config = prepare(tmp_path) / "ssh_config"
    for host, place, jump in (
        ("bastion", "hostname 127.0.0.1\nport 2201", None),
        ("inner1", "hostname inner1\nport 22", "proxyjump bastion"),
        ("bare", "hostname 127.0.0.1\nport 2202", None),
    ):
        words = [needs_program("ssh"), "-F", str(config), "-G", host]
        said = subprocess.run(
            words, capture_output=True, text=True, check=True
        ).stdout.splitlines()
        assert {"user demo", *place.splitlines()} <= set(said)
        assert jump in said if jump else not any(line.startswith("proxyjump") for line in said)
