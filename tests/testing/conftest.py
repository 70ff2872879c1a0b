"""Every test of the servers' common behaviour runs with each kind that there is."""

import pytest

from remotesvc.testing.options import Kind
from remotesvc.testing.server import available_kinds


@pytest.fixture(scope="module", params=[pytest.param("sshd", marks=pytest.mark.sshd), "embedded"])
def kind(request: pytest.FixtureRequest) -> Kind:
    """Name the kind of server to start."""
    name: Kind = request.param
    if name not in available_kinds():
        pytest.skip(f"no {name} on this machine")
    return name
