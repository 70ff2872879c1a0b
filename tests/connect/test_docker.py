"""Children in containers by the real client of docker: a podman stands in for the engine alone.

It speaks the same interface, so all that is called, printed and returned is the client's own.
"""

import os
from collections.abc import Iterator

import pytest

from remotesvc import ConnectError, InterpreterError, ResolveError, Router
from tests.connect.pods import docker_service, running_podman
from tests.integration.hosts import needs_program

pytestmark = pytest.mark.hosts  # a podman of its own: its store is not always free when it ends


@pytest.fixture(scope="module")
def engine() -> Iterator[tuple[str, str]]:
    """The address of an engine, and the name of a container that runs there."""
    needs_program("docker")
    with running_podman() as (program, name), docker_service(program) as address:
        yield address, name


@pytest.fixture
def container(engine: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> str:
    address, name = engine
    monkeypatch.setenv("DOCKER_HOST", address)
    return name


def test_child_runs_in_a_container_of_docker(router: Router, container: str) -> None:
    child = router.docker(container)
    assert child.name == f"docker:{container}"
    assert child.call(os.uname)[1] != os.uname().nodename
    assert not child.call(os.path.exists, "/root")
    assert child.call(bytes, bytes(1 << 20)) == bytes(1 << 20)
    other = router.docker(container, user="app", workdir="/tmp")
    assert (other.call(os.getuid), other.call(os.getcwd)) == (1234, "/tmp")


def test_docker_is_that_of_the_host_that_it_is_called_on(router: Router, container: str) -> None:
    relay = router.local("relay")
    inside = router.docker(container, via=relay)
    assert inside.name == f"relay/docker:{container}"
    assert inside.call(os.uname)[1] != os.uname().nodename


def test_what_docker_says_is_told_with_what_to_do(router: Router, container: str) -> None:
    for where, opts, kind, text in (
        ("nowhere", {}, ResolveError, "there is no container nowhere: `docker ps -a` lists them"),
        (container, {"user": "nobody7"}, ConnectError, f"does {container} have a user nobody7"),
        (container, {"workdir": "/nowhere"}, ConnectError, f"{container} has no such workdir"),
        (container, {"python_path": "python9"}, InterpreterError, "tried python9"),
    ):
        with pytest.raises(kind, match=text):
            router.docker(where, **opts).call(os.getpid)


def test_engine_that_is_not_there_is_told(
    router: Router, container: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent.sock")
    with pytest.raises(ConnectError, match="docker does not reach its engine: is it running"):
        router.docker(container).call(os.getpid)
