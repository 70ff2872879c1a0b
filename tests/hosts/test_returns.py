"""Coming back: to a host that was lost, to a child that was left there; chains by their name."""

import os
import signal
import time

import pytest

from remotesvc import ConnectError, Context, DisconnectedError, Router
from tests.connect.pods import running_podman
from tests.hosts.chains import Chain
from tests.hosts.lab import Lab
from tests.testing.client import wait_for_end

pytestmark = [pytest.mark.namespaces, pytest.mark.hosts]


def wait_until_lost(context: Context) -> None:
    """Wait in a call that does not end, if that can be made any more."""
    with pytest.raises(DisconnectedError):
        context.call(time.sleep, 1000)


def test_lost_host_is_connected_anew_once_its_cable_is_mended(lab: Lab, alert: Router) -> None:
    child = lab.ssh(alert, lab.inner1, jump="bastion")
    first = child.info.pid
    lab.inner1.cable.cut()
    wait_until_lost(child)
    with pytest.raises(ConnectError):
        child.reconnect()
        child.call(os.getpid)

    lab.inner1.cable.mend()
    child.reconnect()

    assert child.call(os.getpid) == child.info.pid != first


def test_chain_is_connected_anew_from_its_beginning(chain: Chain) -> None:
    chain.inner(chain.lab.inner2)
    chain.root()
    before = [context.info.pid for context in chain.contexts]
    os.kill(before[0], signal.SIGKILL)
    for context in chain.contexts:
        wait_until_lost(context)

    for context in chain.contexts:
        context.reconnect()

    after = [context.call(os.getpid) for context in chain.contexts]
    assert not set(before) & set(after)
    assert chain.contexts[-1].call(os.getuid) == 0


def test_detached_child_outlives_the_way_to_it(chain: Chain) -> None:
    inner = chain.inner(chain.lab.inner1)
    pid = inner.info.pid
    address = inner.detach()
    os.kill(chain.contexts[0].info.pid, signal.SIGKILL)
    wait_until_lost(chain.contexts[0])
    chain.contexts.clear()

    again = chain.inner(chain.lab.inner1)
    found = chain.router.attach(address, via=again)

    assert found.call(os.getpid) == pid
    found.shutdown()
    wait_for_end(pid)


def test_detached_child_is_listed_until_it_has_ended(lab: Lab, router: Router) -> None:
    child = lab.ssh(router, lab.bastion)
    pid, address = child.info.pid, child.detach()
    again = lab.ssh(router, lab.bastion)
    assert address in router.detached(via=again)
    os.kill(pid, signal.SIGKILL)
    wait_for_end(pid)
    assert address not in router.detached(via=again)


def test_chain_is_opened_by_its_name(chain: Chain) -> None:
    chain.inner(chain.lab.inner2)
    chain.root()
    with running_podman() as (program, name):
        inside = chain.router.connect(f"bastion/inner2/sudo:root/podman:{name}", program=program)
        assert inside.name == f"bastion/inner2/sudo:root/podman:{name}"
        assert not inside.call(os.path.exists, "/root")
        assert len(chain.router.contexts) == len(chain.contexts) + 1
        inside.shutdown()
