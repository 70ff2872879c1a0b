"""The lab, with the test in its controller; routers that must leave nothing behind."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from remotesvc import Router
from tests.connect.accounts import Account, account
from tests.hosts.lab import Lab, start_lab


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
    """The lab as it was built; the test stands in its controller."""
    with built.controller.entered():
        yield built
    built.restore()


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
