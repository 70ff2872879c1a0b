"""A hundred children of one host at once, whose sshd has the limits that it is installed with."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from remotesvc import Router
from tests.hosts.lab import Lab, start_lab
from tests.integration.waiting import wait_until

pytestmark = [pytest.mark.namespaces, pytest.mark.hosts, pytest.mark.timeout(600)]

CHILDREN = 100

# What sshd_config(5) calls the default: from 10 that have not logged in, it drops some.
DEFAULTS = ("MaxStartups 10:30:100", "MaxSessions 10")


@pytest.fixture(scope="module")
def strict() -> Iterator[Lab]:
    """A lab whose servers have the limits of an installation."""
    with start_lab(config=DEFAULTS) as lab:
        yield lab


@pytest.fixture
def router(strict: Lab, no_leaks: None, empty_home: Path) -> Iterator[Router]:
    """A router in the controller of that lab."""
    with strict.controller.entered(), Router() as opened:
        yield opened


@pytest.mark.parametrize("transport", ["openssh", "paramiko"])
def test_a_hundred_children_at_once_all_connect(
    strict: Lab, router: Router, transport: str
) -> None:
    """However many connections it takes."""
    with ThreadPoolExecutor(CHILDREN) as pool:
        pids = pool.map(lambda number: connect(strict, router, number, transport), range(CHILDREN))
        assert len(set(pids)) == CHILDREN


@pytest.mark.parametrize("transport", ["openssh", "paramiko"])
def test_a_hundred_logins_that_knock_at_the_same_time_are_all_let_in(
    strict: Lab, router: Router, transport: str
) -> None:
    """Each has a connection of its own; the server sees all of them at once, and drops most."""
    server = strict.bastion.server()
    server.stop()
    # Each thread that the pool starts stands where this one stands: in the controller.
    with ThreadPoolExecutor(CHILDREN) as pool:
        pids = pool.map(
            lambda number: connect(strict, router, number, transport, share=False),
            range(CHILDREN),
        )
        try:
            wait_until(lambda: strict.controller.connections() == CHILDREN)
        finally:
            server.cont()
        assert len(set(pids)) == CHILDREN
    assert "MaxStartups" in server.log_text()


def connect(lab: Lab, router: Router, number: int, transport: str, **opts: Any) -> int:
    """Open a context on the bastion; return the pid of its child."""
    given = {"name": f"bastion-{number}", "connect_timeout": 300, "transport": transport, **opts}
    pid: int = lab.ssh(router, lab.bastion, **given).call(os.getpid)
    return pid
