"""Contexts in contexts: ssh in the bastion, sudo on the inner host, podman there."""

import os
from collections.abc import Iterator

import pytest

from remotesvc import AuthenticationError, ConnectError
from tests.connect.pods import running_podman
from tests.hosts.chains import Chain
from tests.hosts.lab import Lab

pytestmark = [pytest.mark.namespaces, pytest.mark.hosts]


@pytest.fixture(scope="module")
def podman(built: Lab) -> Iterator[tuple[str, str]]:
    """A container on inner2, in its network."""
    with running_podman(f"ns:/proc/{built.inner2.machine.pid}/ns/net") as found:
        yield found


def test_inner_host_is_reached_in_the_bastion(chain: Chain) -> None:
    inner = chain.inner(chain.lab.inner1)
    assert inner.call(os.uname)[1] == "inner1"
    assert inner.call(os.getuid) == chain.who.uid
    assert inner.call(bytes, bytes(1 << 20)) == bytes(1 << 20)
    assert chain.contexts[0].call(os.uname)[1] == "bastion"


def test_password_is_typed_on_the_inner_host(chain: Chain) -> None:
    chain.inner(chain.lab.inner2)
    root = chain.root()
    assert (root.call(os.uname)[1], root.call(os.getuid)) == ("inner2", 0)
    with pytest.raises(AuthenticationError):
        chain.root(via=chain.contexts[1], password="wrong").call(os.getpid)


def test_chain_ends_in_a_container_of_the_inner_host(
    chain: Chain, podman: tuple[str, str]
) -> None:
    chain.podman = podman
    chain.inner(chain.lab.inner2)
    chain.root()
    inside = chain.container()
    assert inside.call(os.path.exists, "/root") is False
    where = os.readlink(f"/proc/{chain.lab.inner2.machine.pid}/ns/net")
    assert inside.call(os.readlink, "/proc/self/ns/net") == where
    for context in chain.contexts:
        assert context.call(abs, -1) == 1


def test_host_that_the_bastion_does_not_reach_is_told_by_name(chain: Chain) -> None:
    chain.lab.inner1.cable.cut()
    with pytest.raises(ConnectError, match="inner1"):
        chain.inner(chain.lab.inner1).call(os.getpid)
    chain.lab.inner1.cable.mend()
