"""Logins to hosts behind a bastion, by the system's ssh: who gets where, and who does not."""

import os

import pytest

from remotesvc import AuthenticationError, ConnectError, InterpreterError, Router
from tests.connect.accounts import Account
from tests.hosts.lab import Lab

pytestmark = [pytest.mark.namespaces, pytest.mark.hosts]


def test_jump_may_stand_in_ssh_config(lab: Lab, router: Router) -> None:
    behind = router.ssh(
        "inner1-behind-bastion", transport="openssh", config_file=str(lab.config_file)
    )
    assert behind.call(os.uname)[1] == "inner1"


@pytest.mark.parametrize("transport", ["openssh", "paramiko"])
def test_jump_passes_bytes_only(lab: Lab, router: Router, transport: str) -> None:
    """Nothing of ours runs on the bastion."""
    child = lab.ssh(router, lab.inner1, jump="bastion", transport=transport)
    assert child.call(bytes, bytes(1 << 20)) == bytes(1 << 20)
    assert child.info.pid in lab.inner1.machine.processes()
    assert set(lab.bastion.machine.processes()) == set(lab.bastion.machine.processes("sshd"))


def test_each_account_gets_in_as_itself(lab: Lab, router: Router, who: Account) -> None:
    child = lab.ssh(router, lab.inner1, jump="bastion", username=who.name)
    assert child.call(os.getuid) == who.uid
    with pytest.raises(AuthenticationError, match="we were not let in"):
        lab.ssh(router, lab.inner1, jump="bastion", username="nobody").call(os.getpid)


def test_host_without_python_is_told_with_what_was_tried(lab: Lab, router: Router) -> None:
    with pytest.raises(InterpreterError, match=r"no Python 3\.6 or newer") as caught:
        lab.ssh(router, lab.bare, jump="bastion").call(os.getpid)
    assert "tried python3" in str(caught.value)
    with pytest.raises(InterpreterError, match=r"\(tried python9, /opt/python\)"):
        names = ["python9", "/opt/python"]
        lab.ssh(router, lab.bare, jump="bastion", python_path=names).call(os.getpid)


def test_bastion_that_lets_nobody_in_is_an_error_of_the_bastion(lab: Lab, router: Router) -> None:
    with pytest.raises(AuthenticationError, match=r"nobody@10\.0\.1\.2"):
        lab.ssh(router, lab.inner1, jump="nobody@bastion").call(os.getpid)


def test_host_that_is_off_is_told(lab: Lab, router: Router) -> None:
    lab.inner1.server().close()
    with pytest.raises(ConnectError, match="inner1"):
        lab.ssh(router, lab.inner1, jump="bastion").call(os.getpid)
    lab.bastion.cable.cut()
    with pytest.raises(ConnectError, match="bastion: there is no way to the host"):
        lab.ssh(router, lab.bastion).call(os.getpid)
