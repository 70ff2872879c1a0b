"""The lab, with the test in its controller; routers that must leave nothing behind."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from remotesvc import Router
from tests.connect.accounts import Account, account, sudoers
from tests.hosts.chains import Chain
from tests.hosts.lab import Lab, start_lab
from tests.integration.waiting import wait_until


@pytest.fixture(scope="package")
def who() -> Iterator[Account]:
    """Somebody who may log in to every host of the lab."""
    with account() as made:
        yield made


@pytest.fixture(scope="package")
def built(who: Account) -> Iterator[Lab]:
    """One lab for all tests of this folder."""
    with start_lab((who.name,)) as lab:
        yield lab


@pytest.fixture
def lab(built: Lab) -> Iterator[Lab]:
    """The lab as it was built, the test in its controller; nothing may stay on its hosts."""
    before = built.working()
    with built.controller.entered():
        yield built
    built.restore()
    wait_until(lambda: not built.working() - before)


@pytest.fixture
def router(lab: Lab, no_leaks: None, empty_home: Path) -> Iterator[Router]:
    """A router in the controller; with its end everything that it started must be gone."""
    with Router() as opened:
        yield opened


@pytest.fixture
def alert(lab: Lab, no_leaks: None, empty_home: Path) -> Iterator[Router]:
    """A router that gives up who is silent for a second."""
    with Router(heartbeat=0.5, heartbeat_misses=2) as opened:
        yield opened


@pytest.fixture(scope="package")
def admin(who: Account) -> Iterator[Account]:
    """Somebody who becomes root with a password."""
    with sudoers(f"{who.name} ALL=(ALL:ALL) ALL"):
        yield who


@pytest.fixture
def chain(lab: Lab, router: Router, admin: Account) -> Chain:
    """The beginning of a chain."""
    return Chain(lab, router, admin)


@pytest.fixture
def alert_chain(lab: Lab, alert: Router, admin: Account) -> Chain:
    """The same, whose router gives up who is silent."""
    return Chain(lab, alert, admin)
