"""Contexts in contexts: ssh in the bastion, sudo on the inner host, podman there."""

import os
import time
from collections.abc import Iterator

import pytest

from remotesvc import AuthenticationError, ConnectError, DisconnectedError, Router
from tests.connect.accounts import Account, sudoers
from tests.connect.pods import running_podman
from tests.hosts.chains import Chain
from tests.hosts.lab import Lab
from tests.testing.client import wait_for_end

pytestmark = [pytest.mark.namespaces, pytest.mark.hosts]

DEADLINE = 60.0


@pytest.fixture(scope="module")
def admin(who: Account) -> Iterator[Account]:
    """Somebody who becomes root with a password."""
    with sudoers(f"{who.name} ALL=(ALL:ALL) ALL"):
        yield who


@pytest.fixture(scope="module")
def podman(built: Lab) -> Iterator[tuple[str, str]]:
    """A container on inner2, in its network."""
    with running_podman(f"ns:/proc/{built.inner2.machine.pid}/ns/net") as found:
        yield found


@pytest.fixture
def chain(lab: Lab, router: Router, admin: Account) -> Chain:
    """The beginning of a chain."""
    return Chain(lab, router, admin)


@pytest.fixture
def alert_chain(lab: Lab, alert: Router, admin: Account) -> Chain:
    """The same, whose router gives up who is silent."""
    return Chain(lab, alert, admin)



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


@pytest.mark.parametrize("cable", ["bastion", "inner2"])
def test_cut_cable_ends_all_that_is_behind_it(alert_chain: Chain, cable: str) -> None:
    alert_chain.inner(alert_chain.lab.inner2)
    alert_chain.root()
    pids = [context.info.pid for context in alert_chain.contexts]
    future = alert_chain.contexts[-1].submit(time.sleep, 1000)

    getattr(alert_chain.lab, cable).cable.cut()

    assert isinstance(future.exception(DEADLINE), DisconnectedError)
    for pid in pids if cable == "bastion" else pids[1:]:
        wait_for_end(pid)


def test_killed_bastion_ends_the_whole_chain(chain: Chain) -> None:
    chain.inner(chain.lab.inner2)
    chain.root()
    pids = [context.info.pid for context in chain.contexts]
    future = chain.contexts[-1].submit(time.sleep, 1000)

    chain.lab.bastion.machine.kill()

    assert isinstance(future.exception(DEADLINE), DisconnectedError)
    for pid in pids:
        wait_for_end(pid)
