"""The lab itself, and one login to each of its hosts: what every machine with root can show."""

import os

import pytest

from remotesvc import ConnectError, Router
from tests.hosts.lab import Lab

pytestmark = pytest.mark.namespaces


def test_each_host_is_reached_from_where_a_cable_leads_there(lab: Lab, router: Router) -> None:
    assert lab.ssh(router, lab.bastion).call(os.uname)[1] == "bastion"
    for host in (lab.inner1, lab.inner2):
        assert lab.ssh(router, host, jump="bastion").call(os.uname)[1] == host.name


def test_inner_hosts_are_not_reached_directly(lab: Lab, router: Router) -> None:
    with pytest.raises(ConnectError, match="there is no way to the host"):
        router.ssh(lab.inner1.address, transport="openssh", config_file="none").call(os.getpid)


@pytest.mark.parametrize("transport", ["openssh", "paramiko"])
def test_who_is_not_in_the_lab_sends_nothing(built: Lab, transport: str) -> None:
    with Router() as outside, pytest.raises(ConnectError, match=r"(?i)cannot assign requested"):
        built.ssh(outside, built.bastion, transport=transport).call(os.getpid)


def test_lab_is_a_world_of_its_own(lab: Lab, router: Router) -> None:
    """Nobody in it reaches anything but his neighbours."""
    for machine, links in (
        (lab.controller, {"lo", "to-bastion"}),
        (lab.bastion.machine, {"lo", "to-controller", "to-inner1", "to-inner2", "to-bare"}),
        (lab.inner1.machine, {"lo", "to-bastion"}),
    ):
        lines = machine.run("ip", "-o", "link").splitlines()
        assert {line.split(": ")[1].partition("@")[0] for line in lines} == links
        assert "default" not in machine.run("ip", "route")
